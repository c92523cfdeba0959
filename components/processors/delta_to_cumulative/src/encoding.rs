//! How streams are stored in pages. Version 1; a change of anything here is a new version. What one batch changed is stored more
//! briefly, see [`frame`](crate::frame).
//!
//! A list of streams is a version byte and the streams one after the other, in pages each preceded by its place:
//!
//! | field | bytes |
//! |---|---|
//! | id | 16 |
//! | kind: 0 integer, 1 double, 2 explicit histogram, 3 exponential histogram | 1 |
//! | digest of the newest point | 4 |
//! | start, time | 8 each |
//! | integer or double | 8 |
//! | or count, presence of sum, min and max (bits 0 to 2), those present | varint, 1, 8 each |
//! | then of an explicit histogram: bounds, counts | varint length, 8 each; varint length, varint each |
//! | of an exponential one: scale, zero count, zero threshold, positive, negative | signed varint, varint, 8; |
//! | where a side is: offset, counts | signed varint; varint length, varint each |
//!
//! Numbers of fixed size are little-endian; varints are those of protobuf, signed ones in zigzag.

use std::sync::Arc;

use weir_streams::{Buckets, ExplicitHistogram, ExponentialHistogram, Extremes, StreamId};

use crate::stream::{Stream, Total};

/// First byte of every list of streams.
pub(crate) const VERSION: u8 = 1;

/// How much of a total is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// All of it.
    Whole,
    /// All but the bounds of an explicit histogram.
    WithoutBounds,
}

/// Appends a stream.
pub(crate) fn put_stream(out: &mut Vec<u8>, id: StreamId, stream: &Stream) {
    out.extend(id.to_bytes());
    out.push(kind(&stream.total));
    out.extend(stream.digest.to_le_bytes());
    out.extend(stream.start_ns.to_le_bytes());
    out.extend(stream.time_ns.to_le_bytes());
    put_body(out, &stream.total, Body::Whole);
}

/// Returns the kind of a total, below 4.
pub(crate) const fn kind(total: &Total) -> u8 {
    match total {
        Total::Int(_) => 0,
        Total::Double(_) => 1,
        Total::Histogram(_) => 2,
        Total::Exponential(_) => 3,
    }
}

/// Appends a total, whose kind is written already.
pub(crate) fn put_body(out: &mut Vec<u8>, total: &Total, body: Body) {
    match total {
        Total::Int(value) => out.extend(value.to_le_bytes()),
        Total::Double(value) => out.extend(value.to_le_bytes()),
        Total::Histogram(histogram) => {
            put_head(out, histogram.count, &histogram.extremes);
            if body == Body::Whole {
                put_varint(out, histogram.bounds.len() as u64);
                histogram
                    .bounds
                    .iter()
                    .for_each(|bound| out.extend(bound.to_le_bytes()));
            }
            put_counts(out, &histogram.counts);
        }
        Total::Exponential(histogram) => {
            put_head(out, histogram.count, &histogram.extremes);
            put_signed(out, histogram.scale.into());
            put_varint(out, histogram.zero_count);
            out.extend(histogram.zero_threshold.to_le_bytes());
            for side in [&histogram.positive, &histogram.negative] {
                put_signed(out, side.offset.into());
                put_counts(out, &side.counts);
            }
        }
    }
}

fn put_head(out: &mut Vec<u8>, count: u64, extremes: &Extremes) {
    put_varint(out, count);
    let values = [extremes.sum, extremes.min, extremes.max];
    let presence = (0..)
        .zip(values)
        .fold(0, |bits, (bit, value)| bits | u8::from(value.is_some()) << bit);
    out.push(presence);
    values
        .into_iter()
        .flatten()
        .for_each(|value| out.extend(value.to_le_bytes()));
}

fn put_counts(out: &mut Vec<u8>, counts: &[u64]) {
    put_varint(out, counts.len() as u64);
    counts.iter().for_each(|count| put_varint(out, *count));
}

/// Appends a number in 1 to 10 bytes.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number, those near 0 in few bytes.
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, (value << 1 ^ value >> 63).cast_unsigned());
}

/// Reads streams. What is read never leads beyond its end, whatever it is.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// Bounds of the last histogram, to be shared.
    bounds: Option<Arc<[f64]>>,
}

impl<'a> Reader<'a> {
    /// Begins a list; `None` if it is of another version.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        match bytes {
            [VERSION, rest @ ..] => Some(Self::over(rest)),
            _ => None,
        }
    }

    /// Reads what has its version elsewhere.
    pub(crate) const fn over(rest: &'a [u8]) -> Self {
        Self { rest, bounds: None }
    }

    /// Returns true at the end.
    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads a byte.
    pub(crate) fn byte(&mut self) -> Option<u8> {
        Some(self.take::<1>()?[0])
    }

    /// Reads a stream; `None` if there is no whole one.
    pub(crate) fn stream(&mut self) -> Option<(StreamId, Stream)> {
        let id = StreamId::from_bytes(self.take()?);
        let kind = self.byte()?;
        let digest = u32::from_le_bytes(self.take()?);
        let start_ns = u64::from_le_bytes(self.take()?);
        let time_ns = u64::from_le_bytes(self.take()?);
        let total = self.body(kind, Body::Whole)?;
        let stream = Stream {
            start_ns,
            time_ns,
            digest,
            total,
        };
        Some((id, stream))
    }

    /// Reads a total of a kind; `None` if there is no whole one. Without bounds there are none in an explicit histogram.
    pub(crate) fn body(&mut self, kind: u8, body: Body) -> Option<Total> {
        Some(match kind {
            0 => Total::Int(i64::from_le_bytes(self.take()?)),
            1 => Total::Double(self.double()?),
            2 => Total::Histogram(Box::new(self.explicit(body)?)),
            3 => Total::Exponential(Box::new(self.exponential()?)),
            _ => return None,
        })
    }

    fn explicit(&mut self, body: Body) -> Option<ExplicitHistogram> {
        let (count, extremes) = self.head()?;
        if body == Body::WithoutBounds {
            return Some(ExplicitHistogram {
                count,
                extremes,
                bounds: Arc::default(),
                counts: self.counts()?.into(),
            });
        }
        let length = self.length(8)?;
        let bounds: Arc<[f64]> = (0..length).map(|_| self.double()).collect::<Option<_>>()?;
        let bounds = match &self.bounds {
            Some(last) if *last == bounds => Arc::clone(last),
            _ => Arc::clone(self.bounds.insert(bounds)),
        };
        let counts: Box<[u64]> = self.counts()?.into();
        if counts.len() != bounds.len() + 1 && !(counts.is_empty() && bounds.is_empty()) {
            return None;
        }
        Some(ExplicitHistogram {
            count,
            extremes,
            bounds,
            counts,
        })
    }

    fn exponential(&mut self) -> Option<ExponentialHistogram> {
        let (count, extremes) = self.head()?;
        let scale = i32::try_from(self.signed()?).ok()?;
        let zero_count = self.varint()?;
        let zero_threshold = self.double()?;
        let mut side = || {
            let offset = i32::try_from(self.signed()?).ok()?;
            let counts = self.counts()?;
            i32::try_from(i64::from(offset) + counts.len() as i64).ok()?;
            Some(Buckets { offset, counts })
        };
        let (positive, negative) = (side()?, side()?);
        Some(ExponentialHistogram {
            count,
            extremes,
            scale,
            zero_count,
            zero_threshold,
            positive,
            negative,
        })
    }

    fn head(&mut self) -> Option<(u64, Extremes)> {
        let count = self.varint()?;
        let presence = self.byte()?;
        let mut value = |bit: u8| match presence & 1 << bit {
            0 => Some(None),
            _ => self.double().map(Some),
        };
        let (sum, min, max) = (value(0)?, value(1)?, value(2)?);
        Some((count, Extremes { sum, min, max }))
    }

    fn counts(&mut self) -> Option<Vec<u64>> {
        let length = self.length(1)?;
        (0..length).map(|_| self.varint()).collect()
    }

    /// Reads how many things of at least `size` bytes follow.
    fn length(&mut self, size: usize) -> Option<usize> {
        let length = usize::try_from(self.varint()?).ok()?;
        (length <= self.rest.len() / size).then_some(length)
    }

    /// Reads what [`put_varint`] wrote.
    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// Reads what [`put_signed`] wrote.
    pub(crate) fn signed(&mut self) -> Option<i64> {
        let number = self.varint()?;
        Some((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }

    fn double(&mut self) -> Option<f64> {
        Some(f64::from_le_bytes(self.take()?))
    }

    /// Reads bytes as they are.
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }
}

#[cfg(test)]
pub(crate) mod tests;
