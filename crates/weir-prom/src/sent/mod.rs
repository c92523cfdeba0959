//! Series as they are sent: read from the requests of both protocol versions, and stale markers for them.
//!
//! Whoever wants to know what was sent, after names, relabeling and limits, reads it here, so the translation need not know of it.

mod fields;
mod markers;

use crate::output::EncodedRequest;
use crate::{Protocol, stale};
use fields::{Field, Fields};

pub use markers::{Marker, MarkerWriter};

/// A sample or native histogram of a series.
#[derive(Debug, Clone, Copy)]
pub struct SentSample<'a> {
    /// Labels in order, each as a `Label` message of remote write 1.0 without its tag; see [`labels`]. The same for both versions.
    pub labels: &'a [u8],
    /// What the values of the series are.
    pub values: Values,
    /// Start of what the value covers, Unix time in milliseconds; 0 is unknown, as it always is in remote write 1.0.
    pub start_ms: i64,
    /// Its time, Unix time in milliseconds.
    pub time_ms: i64,
    /// The value; for a native histogram something that stands for it.
    pub bits: u64,
    /// Whether it is a native histogram.
    pub is_histogram: bool,
    /// Whether it says that the series has ended.
    pub is_stale: bool,
}

/// What the values of a series are, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// Totals that only grow.
    Totals,
    /// Parts of a classic histogram or summary that another series stands for.
    Parts,
    /// Anything else.
    Others,
}

/// Reads requests. Keep it: it has buffers.
#[derive(Debug, Default)]
pub struct SentReader {
    labels: Vec<u8>,
    /// Where each symbol stands in the request.
    symbols: Vec<(usize, usize)>,
}

/// Types of metadata in remote write 2.0.
mod kind {
    pub(super) const COUNTER: u64 = 1;
    pub(super) const GAUGE: u64 = 2;
    pub(super) const HISTOGRAM: u64 = 3;
    pub(super) const SUMMARY: u64 = 5;
}

impl SentReader {
    /// Shows the samples of a request, series by series. What is malformed is left out.
    pub fn read(&mut self, request: &EncodedRequest, show: impl FnMut(&SentSample<'_>)) {
        let Some(message) = request.message() else { return };
        self.read_message(request.protocol, &message, show);
    }

    fn read_message(&mut self, protocol: Protocol, bytes: &[u8], mut show: impl FnMut(&SentSample<'_>)) {
        let series = match protocol {
            Protocol::V1 => 1,
            Protocol::V2 => {
                self.symbols.clear();
                let symbols = Fields::new(bytes).filter(|(number, _)| *number == 4);
                for (_, field) in symbols {
                    if let Field::Bytes(symbol) = field {
                        let start = symbol.as_ptr().addr() - bytes.as_ptr().addr();
                        self.symbols.push((start, symbol.len()));
                    }
                }
                5
            }
        };
        for (number, field) in Fields::new(bytes) {
            if let (true, Field::Bytes(message)) = (number == series, field) {
                self.series(protocol, bytes, message, &mut show);
            }
        }
    }

    fn series(
        &mut self,
        protocol: Protocol,
        request: &[u8],
        message: &[u8],
        show: &mut impl FnMut(&SentSample<'_>),
    ) {
        self.labels.clear();
        let mut metric_type = 0;
        for (number, field) in Fields::new(message) {
            match (protocol, number, field) {
                (Protocol::V1, 1, Field::Bytes(label)) => put(&mut self.labels, label),
                (Protocol::V2, 1, Field::Bytes(references)) => self.resolve(request, references),
                (Protocol::V2, 5, Field::Bytes(metadata)) => {
                    for (number, field) in Fields::new(metadata) {
                        if let (1, Field::Number(number)) = (number, field) {
                            metric_type = number;
                        }
                    }
                }
                _ => {}
            }
        }
        let values = values(&self.labels, metric_type);
        let (sample, histogram) = match protocol {
            Protocol::V1 => (2, 4),
            Protocol::V2 => (2, 3),
        };
        for (number, field) in Fields::new(message) {
            let Field::Bytes(message) = field else { continue };
            if number == sample {
                show(&float(&self.labels, values, message));
            } else if number == histogram {
                show(&native(&self.labels, message));
            }
        }
    }

    /// Writes the labels of a series of remote write 2.0.
    fn resolve(&mut self, request: &[u8], references: &[u8]) {
        let mut rest = references;
        let mut text = || {
            let number = usize::try_from(fields::varint(&mut rest)?).ok()?;
            let (start, len) = *self.symbols.get(number)?;
            request.get(start..start + len)
        };
        while let (Some(name), Some(value)) = (text(), text()) {
            put_label(&mut self.labels, name, value);
        }
    }
}

/// Returns names and values of the labels of [`SentSample::labels`].
pub fn labels(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    pieces(bytes).map(label)
}

/// Returns name and value of a label of [`pieces`].
pub fn label(piece: &[u8]) -> (&[u8], &[u8]) {
    let (mut name, mut value) = (&[][..], &[][..]);
    for (number, field) in Fields::new(piece) {
        match (number, field) {
            (1, Field::Bytes(bytes)) => name = bytes,
            (2, Field::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    (name, value)
}

/// Returns each label of [`SentSample::labels`] as bytes.
pub fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let len = usize::try_from(fields::varint(&mut rest)?).ok()?;
        let (piece, behind) = rest.split_at_checked(len)?;
        rest = behind;
        Some(piece)
    })
}

fn put(out: &mut Vec<u8>, piece: &[u8]) {
    crate::wire::put_varint(out, piece.len() as u64);
    out.extend_from_slice(piece);
}

fn put_label(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    use crate::wire::{field_len, put_bytes, put_varint};
    put_varint(out, (field_len(name.len()) + field_len(value.len())) as u64);
    put_bytes(out, 0x0a, name);
    put_bytes(out, 0x12, value);
}

/// Tells what the values of a series are, by its type, if it is known, or by the names that Prometheus' conventions give.
fn values(bytes: &[u8], metric_type: u64) -> Values {
    match metric_type {
        kind::COUNTER => return Values::Totals,
        kind::GAUGE => return Values::Others,
        _ => {}
    }
    let (mut name, mut bound, mut quantile) = (&[][..], None, false);
    for (label, value) in labels(bytes) {
        match label {
            b"__name__" => name = value,
            b"le" => bound = Some(value),
            b"quantile" => quantile = true,
            _ => {}
        }
    }
    match metric_type {
        kind::HISTOGRAM | kind::SUMMARY if name.ends_with(b"_count") => Values::Totals,
        kind::HISTOGRAM | kind::SUMMARY => Values::Parts,
        _ if bound.is_some() && name.ends_with(b"_bucket") => match bound {
            Some(b"+Inf") => Values::Totals,
            _ => Values::Parts,
        },
        _ if quantile || name.ends_with(b"_sum") || name.ends_with(b"_count") => Values::Parts,
        _ if name.ends_with(b"_total") => Values::Totals,
        _ => Values::Others,
    }
}

fn float<'a>(labels: &'a [u8], values: Values, message: &[u8]) -> SentSample<'a> {
    let mut sample = SentSample {
        labels,
        values,
        start_ms: 0,
        time_ms: 0,
        bits: 0,
        is_histogram: false,
        is_stale: false,
    };
    for (number, field) in Fields::new(message) {
        match (number, field) {
            (1, Field::Fixed64(bits)) => sample.bits = bits,
            (2, Field::Number(time)) => sample.time_ms = time.cast_signed(),
            (3, Field::Number(start)) => sample.start_ms = start.cast_signed(),
            _ => {}
        }
    }
    sample.is_stale = sample.bits == stale::STALE_NAN;
    sample
}

fn native<'a>(labels: &'a [u8], message: &[u8]) -> SentSample<'a> {
    let mut sample = SentSample {
        is_histogram: true,
        ..float(labels, Values::Others, &[])
    };
    for (number, field) in Fields::new(message) {
        match (number, field) {
            (1, Field::Number(count)) => sample.bits ^= count.rotate_left(17),
            (3, Field::Fixed64(sum)) => {
                sample.bits ^= sum;
                sample.is_stale = sum == stale::STALE_NAN;
            }
            (15, Field::Number(time)) => sample.time_ms = time.cast_signed(),
            (17, Field::Number(start)) => sample.start_ms = start.cast_signed(),
            _ => {}
        }
    }
    sample
}

#[cfg(test)]
mod tests;
