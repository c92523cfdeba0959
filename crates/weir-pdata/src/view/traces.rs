//! One span, as it is read.

use super::wire::Scratch;
use super::{Attributes, Text};
use crate::wire::cursor::{Field, fields};

/// A span without its events and links.
#[derive(Debug, Clone, Copy)]
pub struct Span<'a> {
    /// Trace that the span belongs to, 16 bytes unless the sender is wrong.
    pub trace_id: &'a [u8],
    /// The span itself, 8 bytes unless the sender is wrong.
    pub span_id: &'a [u8],
    /// The span above, empty for a root.
    pub parent_span_id: &'a [u8],
    /// W3C `tracestate`.
    pub trace_state: Text<'a>,
    /// Name of the operation.
    pub name: Text<'a>,
    /// `SpanKind` of the specification: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: i32,
    /// Begin, Unix time in nanoseconds.
    pub start_ns: u64,
    /// End, Unix time in nanoseconds.
    pub end_ns: u64,
    /// Attributes of the span.
    pub attributes: Attributes<'a>,
    /// How it ended.
    pub status: StatusCode,
    /// What the sender says about how it ended.
    pub status_message: Text<'a>,
    /// W3C trace flags in the lowest 8 bits.
    pub flags: u32,
}

/// How a span ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatusCode {
    /// Not said, or a number that the specification does not know.
    Unset,
    /// Well, says its author.
    Ok,
    /// With an error.
    Error,
}

impl StatusCode {
    const fn from_number(number: i32) -> Self {
        match number {
            1 => Self::Ok,
            2 => Self::Error,
            _ => Self::Unset,
        }
    }
}

/// Reads a span.
pub(crate) fn span<'p, 'a: 'p>(message: &'a [u8], scratch: &'p mut Scratch<'a>) -> Span<'p> {
    scratch.attributes.clear();
    let mut walk = fields(message);
    let mut at = message;
    let (mut trace_id, mut span_id, mut parent_span_id): (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
    let (mut trace_state, mut name, mut status_message) = (Text::default(), Text::default(), Text::default());
    let (mut kind, mut start_ns, mut end_ns, mut flags, mut code) = (0, 0, 0, 0, 0);
    while let Some(field) = walk.next() {
        match field {
            (9, Field::Bytes(bytes)) => scratch.attributes.take::<9>(bytes, at, &mut walk),
            (1, Field::Bytes(bytes)) => trace_id = bytes,
            (2, Field::Bytes(bytes)) => span_id = bytes,
            (3, Field::Bytes(bytes)) => trace_state = Text(bytes),
            (4, Field::Bytes(bytes)) => parent_span_id = bytes,
            (5, Field::Bytes(bytes)) => name = Text(bytes),
            (6, Field::Varint(number)) => kind = number as i32,
            (7, Field::Fixed64(bits)) => start_ns = bits,
            (8, Field::Fixed64(bits)) => end_ns = bits,
            (15, Field::Bytes(status)) => {
                for field in fields(status) {
                    match field {
                        (2, Field::Bytes(bytes)) => status_message = Text(bytes),
                        (3, Field::Varint(number)) => code = number as i32,
                        _ => {}
                    }
                }
            }
            (16, Field::Fixed32(bits)) => flags = bits,
            _ => {}
        }
        at = walk.rest();
    }
    Span {
        trace_id,
        span_id,
        parent_span_id,
        trace_state,
        name,
        kind,
        start_ns,
        end_ns,
        attributes: scratch.attributes.view(),
        status: StatusCode::from_number(code),
        status_message,
        flags,
    }
}
