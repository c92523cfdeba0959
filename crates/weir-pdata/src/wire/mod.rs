//! OTLP requests as bytes.
//!
//! A [`WireChunk`] is the protobuf form of one `Export*ServiceRequest` whose structure was checked once, at the door. Everything
//! downstream relies on that check: reading a checked chunk cannot run out of bounds, and needs no error path but for UTF-8.

mod check;
pub(crate) mod cursor;
mod schema;
mod split;

use bytes::Bytes;

use crate::Signal;
pub use check::WireError;
pub(crate) use schema::count_items;
pub(crate) use split::{Limit, split};

/// The bytes of one OTLP export request with a checked structure.
#[derive(Debug, Clone)]
pub struct WireChunk {
    bytes: Bytes,
    items: usize,
}

impl WireChunk {
    /// Checks the structure of `bytes` as an export request of `signal`, and counts its items.
    ///
    /// Checked are bounds, wire types of known fields, field numbers, the nesting depth (at most 100 messages, as prost has it)
    /// and that a metric has one kind of data and an attribute one value. UTF-8 is not checked here but where a string is read.
    ///
    /// # Errors
    ///
    /// [`WireError`] says what is wrong and at which byte. The request must be refused as malformed.
    pub fn check(signal: Signal, bytes: Bytes) -> Result<Self, WireError> {
        warm(&bytes);
        let items = check::check(schema::request(signal), &bytes)?;
        Ok(Self { bytes, items })
    }

    /// Wraps bytes that this crate itself wrote from checked ones.
    pub(crate) fn trusted(bytes: Bytes, items: usize) -> Self {
        Self { bytes, items }
    }

    /// Returns the bytes of the request.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the number of data points, spans or log records.
    pub fn items(&self) -> usize {
        self.items
    }
}

/// Most bytes that are warmed at a time: they must still be in the cache when they are read.
const WARM_BYTES: usize = 512 << 10;

/// Touches every cache line of bytes that will be read at once.
///
/// What has waited for other requests, on its way in or in a batch, has left the caches. Reading field by field waits for one line
/// after the other, since each length tells where to go next; these loads do not depend on each other, so the processor has many
/// under way.
pub(crate) fn warm(bytes: &[u8]) {
    let (lines, _) = bytes[..bytes.len().min(WARM_BYTES)].as_chunks::<64>();
    std::hint::black_box(lines.iter().fold(0, |seen, line| seen ^ line[0]));
}

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use tests::{scramble_request, sub};
