//! The total of one stream, and which points count towards it.

use weir_pdata::view::Number;
use weir_streams::{ExplicitHistogram, ExponentialHistogram, MAX_BUCKETS, StreamId, Weigh, add};

/// What is remembered of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stream {
    /// Start of what the total covers, Unix time in nanoseconds.
    pub(crate) start_ns: u64,
    /// Time of the newest point, Unix time in nanoseconds.
    pub(crate) time_ns: u64,
    /// Tells the newest point from another one of the same time.
    pub(crate) digest: u32,
    /// What its points add up to.
    pub(crate) total: Total,
}

/// A delta, or what deltas add up to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Total {
    /// Of an integer sum.
    Int(i64),
    /// Of a sum of doubles, or of both.
    Double(f64),
    /// Of an explicit histogram.
    Histogram(Box<ExplicitHistogram>),
    /// Of an exponential histogram.
    Exponential(Box<ExponentialHistogram>),
}

/// A point as it counts towards a total.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    /// Its stream.
    pub(crate) id: StreamId,
    /// Start of the delta, 0 if unset, Unix time in nanoseconds.
    pub(crate) start_ns: u64,
    /// Its time, Unix time in nanoseconds.
    pub(crate) time_ns: u64,
    /// Tells it from another point of the same stream and time.
    pub(crate) digest: u32,
    /// What it says.
    pub(crate) content: Content,
}

/// What a point says.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// So much more.
    Delta(Total),
    /// Nothing: the flag "no recorded value".
    Nothing,
    /// What no delta can say: no value, NaN, less of what only grows, buckets that do not fit their bounds.
    Invalid,
}

/// How a point stands to the newest one of its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is newer.
    Newer,
    /// It is the newest itself, sent again.
    Repeated,
    /// It is as old or older.
    OutOfOrder,
    /// It starts before the total does.
    OlderStart,
}

/// How much before its own time a first point starts that does not say when: a millisecond is what remote write can tell apart.
const UNKNOWN_START_NS: u64 = 1_000_000;

impl Stream {
    /// Begins a stream with its first point.
    pub(crate) fn first(point: &Point, delta: Total) -> Self {
        let start_ns = match point.start_ns {
            start if start != 0 && start <= point.time_ns => start,
            _ => point.time_ns.saturating_sub(UNKNOWN_START_NS),
        };
        Self {
            start_ns,
            time_ns: point.time_ns,
            digest: point.digest,
            total: delta,
        }
    }

    /// Returns how a point stands to the newest one.
    pub(crate) fn standing(&self, point: &Point) -> Standing {
        if point.start_ns != 0 && point.start_ns < self.start_ns {
            Standing::OlderStart
        } else if point.time_ns > self.time_ns {
            Standing::Newer
        } else if point.time_ns == self.time_ns && point.digest == self.digest {
            Standing::Repeated
        } else {
            Standing::OutOfOrder
        }
    }

    /// Returns true if nothing can be missing between the newest point and this newer one.
    pub(crate) const fn continues_with(&self, start_ns: u64) -> bool {
        start_ns != 0 && start_ns <= self.time_ns
    }

    /// Adds a newer point. What cannot be added begins a new total where the old one ended; then returns true.
    pub(crate) fn add(&mut self, point: &Point, delta: Total) -> bool {
        let reset = match self.total.add(delta) {
            Ok(()) => false,
            Err(delta) => {
                self.start_ns = self.time_ns.max(point.start_ns.min(point.time_ns));
                self.total = delta;
                true
            }
        };
        self.time_ns = point.time_ns;
        self.digest = point.digest;
        reset
    }
}

impl Total {
    /// Adds a delta, or returns it if it cannot be added: the sum would overflow, or the bounds of the histograms differ.
    fn add(&mut self, delta: Self) -> Result<(), Self> {
        match (&mut *self, delta) {
            (Self::Histogram(total), Self::Histogram(delta)) => {
                if !total.fits(&delta) || total.add(&delta).is_err() {
                    return Err(Self::Histogram(delta));
                }
            }
            (Self::Exponential(total), Self::Exponential(delta)) => {
                if total.add(&delta, MAX_BUCKETS).is_err() {
                    return Err(Self::Exponential(delta));
                }
            }
            (total, delta) => {
                let sum = match (total.number(), delta.number()) {
                    (Some(total), Some(delta)) => add(total, delta),
                    _ => None,
                };
                *total = match sum {
                    Some(Number::Int(sum)) => Self::Int(sum),
                    Some(Number::Double(sum)) if sum.is_finite() => Self::Double(sum),
                    _ => return Err(delta),
                };
            }
        }
        Ok(())
    }

    /// Returns the number, if it is one.
    const fn number(&self) -> Option<Number> {
        match self {
            Self::Int(value) => Some(Number::Int(*value)),
            Self::Double(value) => Some(Number::Double(*value)),
            Self::Histogram(_) | Self::Exponential(_) => None,
        }
    }
}

impl Weigh for Total {
    fn heap_bytes(&self) -> usize {
        match self {
            Self::Int(_) | Self::Double(_) => 0,
            Self::Histogram(histogram) => size_of::<ExplicitHistogram>() + histogram.heap_bytes(),
            Self::Exponential(histogram) => size_of::<ExponentialHistogram>() + histogram.heap_bytes(),
        }
    }
}

impl Weigh for Stream {
    fn heap_bytes(&self) -> usize {
        self.total.heap_bytes()
    }
}

#[cfg(test)]
mod tests;
