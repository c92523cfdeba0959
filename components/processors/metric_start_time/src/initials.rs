//! What the first point of each stream said.

use weir_pdata::view::Number;
use weir_streams::{
    Budget, Entry, ExplicitHistogram, ExponentialHistogram, Full, Limits, SHARDS, Shards, StreamId, Weigh,
};

use crate::starts::RESET_NS;

/// What a point says of everything since its stream began.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Total {
    /// The value of a sum, a finite number.
    Number(Number),
    Histogram(Box<ExplicitHistogram>),
    Exponential(Box<ExponentialHistogram>),
    /// The count and the sum of a summary.
    Summary(u64, f64),
}

/// Why a total cannot be taken from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Differ {
    /// Something fell.
    Fell,
    /// There are other buckets.
    Buckets,
}

impl Total {
    /// Returns what never falls unless the stream begins anew.
    fn size(&self) -> Number {
        let count = |count: u64| Number::Int(i64::try_from(count).unwrap_or(i64::MAX));
        match self {
            Self::Number(value) => *value,
            Self::Histogram(histogram) => count(histogram.count),
            Self::Exponential(histogram) => count(histogram.count),
            Self::Summary(number, _) => count(*number),
        }
    }

    fn since(&self, initial: &Self) -> Result<Self, Differ> {
        match (self, initial) {
            (Self::Number(now), Self::Number(initial)) => number_since(*now, *initial).map(Self::Number),
            (Self::Histogram(now), Self::Histogram(initial)) => match now.fits(initial) {
                true => now.since(initial).map(|since| Self::Histogram(Box::new(since))),
                false => return Err(Differ::Buckets),
            },
            (Self::Exponential(now), Self::Exponential(initial)) => {
                now.since(initial).map(|since| Self::Exponential(Box::new(since)))
            }
            (Self::Summary(count, sum), Self::Summary(initial, less)) => count
                .checked_sub(*initial)
                .map(|count| Self::Summary(count, sum - less)),
            _ => None,
        }
        .ok_or(Differ::Fell)
    }
}

fn number_since(now: Number, initial: Number) -> Option<Number> {
    match (now, initial) {
        (Number::Int(now), Number::Int(initial)) if now >= initial => {
            let doubles = || Number::Double(now as f64 - initial as f64);
            Some(now.checked_sub(initial).map_or_else(doubles, Number::Int))
        }
        (Number::Int(_), Number::Int(_)) => None,
        _ => {
            let since = now.as_f64() - initial.as_f64();
            (since >= 0.0).then_some(Number::Double(since))
        }
    }
}

/// What is remembered of a stream.
#[derive(Debug, Clone, PartialEq)]
struct Stream {
    /// When it began, Unix time in nanoseconds.
    start_ns: u64,
    /// Time of the newest point, Unix time in nanoseconds.
    time_ns: u64,
    /// [Size](Total::size) of that point.
    size: Number,
    /// What the first point said. None once the stream has begun anew: then its points say what came since.
    initial: Option<Total>,
}

impl Weigh for Stream {
    fn heap_bytes(&self) -> usize {
        match &self.initial {
            Some(Total::Histogram(histogram)) => size_of::<ExplicitHistogram>() + histogram.heap_bytes(),
            Some(Total::Exponential(histogram)) => size_of::<ExponentialHistogram>() + histogram.heap_bytes(),
            Some(Total::Number(_) | Total::Summary(..)) | None => 0,
        }
    }
}

impl Stream {
    fn begin(time_ns: u64, total: Total) -> Self {
        Self {
            start_ns: time_ns,
            time_ns,
            size: total.size(),
            initial: Some(total),
        }
    }

    /// Returns what came since the first point, and remembers the point.
    fn go_on(&mut self, time_ns: u64, total: Total) -> Outcome {
        let resent = time_ns == self.start_ns && self.initial.is_some();
        if time_ns <= self.start_ns {
            return Outcome::Drop(if resent {
                Reason::Initial
            } else {
                Reason::OutOfOrder
            });
        }
        let newer = time_ns > self.time_ns;
        let size = total.size();
        let since = match &self.initial {
            _ if newer && fell(self.size, size) => Err(Differ::Fell),
            Some(initial) => total.since(initial),
            None => Ok(total.clone()),
        };
        let total = match since {
            Ok(since) => since,
            Err(_) if !newer => return Outcome::Drop(Reason::OutOfOrder),
            Err(Differ::Buckets) => {
                *self = Self::begin(time_ns, total);
                return Outcome::Drop(Reason::Initial);
            }
            Err(Differ::Fell) => {
                self.start_ns = time_ns.saturating_sub(RESET_NS).max(self.start_ns);
                self.initial = None;
                total
            }
        };
        if newer {
            self.time_ns = time_ns;
            self.size = size;
        }
        Outcome::Since {
            start_ns: self.start_ns,
            total,
        }
    }
}

fn fell(before: Number, now: Number) -> bool {
    number_since(now, before).is_none()
}

/// What becomes of a point.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// It goes on with what came since its stream began.
    Since { start_ns: u64, total: Total },
    /// It goes.
    Drop(Reason),
}

/// Why a point goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It is the first of its stream: what it says is taken from the next ones.
    Initial,
    /// It is older than its stream, or late and says less than the first.
    OutOfOrder,
    /// It says what no total can say.
    Invalid,
}

/// Number of [`Reason`]s.
pub(crate) const REASONS: usize = 3;

impl Reason {
    /// All of them.
    pub(crate) const ALL: [Self; REASONS] = [Self::Initial, Self::OutOfOrder, Self::Invalid];

    /// Returns the name in the books.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::OutOfOrder => "out_of_order",
            Self::Invalid => "invalid",
        }
    }
}

/// The first points of all streams.
#[derive(Debug)]
pub(crate) struct Initials {
    table: Shards<Stream>,
}

impl Initials {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            table: Shards::new(limits),
        }
    }

    pub(crate) fn budget(&self) -> &Budget {
        self.table.budget()
    }

    /// Decides on a point with a total, and remembers it.
    ///
    /// # Errors
    ///
    /// [`Full`] for a stream that is not known.
    pub(crate) fn of(&self, id: StreamId, time_ns: u64, total: Total, now: u32) -> Result<Outcome, Full> {
        self.table.with(Shards::<Stream>::shard_of(id), |table, ()| {
            let Some(slot) = table.find(id) else {
                let value = Stream::begin(time_ns, total);
                table.insert(Entry { id, seen: now, value })?;
                return Ok(Outcome::Drop(Reason::Initial));
            };
            let outcome = table.change(slot, |entry| {
                entry.seen = now;
                entry.value.go_on(time_ns, total)
            });
            Ok(outcome.expect("a slot that was found has an entry"))
        })
    }

    /// Returns when the stream of a point without a value began. None if it is not known, or the point is older.
    pub(crate) fn start(&self, id: StreamId, time_ns: u64) -> Option<u64> {
        self.table.with(Shards::<Stream>::shard_of(id), |table, ()| {
            let stream = &table.get(table.find(id)?)?.value;
            (stream.start_ns < time_ns).then_some(stream.start_ns)
        })
    }

    /// Forgets streams that were last seen more than `stale` seconds before `now`. Returns how many.
    pub(crate) fn sweep(&self, now: u32, stale: u32) -> usize {
        let sweep = |shard| {
            self.table.with(shard, |table, ()| {
                table.sweep(|entry| now.saturating_sub(entry.seen) > stale)
            })
        };
        (0..SHARDS).map(sweep).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_goes_on_is_what_a_naive_model_says(values in proptest::collection::vec((0..6u64, 0..9i64), 1..40)) {
            let initials = Initials::new(Limits { streams: 1, bytes: usize::MAX });
            // Start, what is taken away, time and value of the newest.
            let mut model = None::<(u64, i64, u64, i64)>;
            let mut clock = 10 * RESET_NS;
            for (step, value) in values {
                // Now and then a point again, or an older one.
                let time_ns = clock + step * RESET_NS - 2 * RESET_NS;
                clock = clock.max(time_ns);
                let since = |start_ns, value| Outcome::Since { start_ns, total: Total::Number(Number::Int(value)) };
                let expected = match &mut model {
                    None => {
                        model = Some((time_ns, value, time_ns, value));
                        Outcome::Drop(Reason::Initial)
                    }
                    Some((start, less, newest, last)) => {
                        let reset = time_ns > *newest && value < *last;
                        if time_ns <= *start {
                            // The first, again, unless the stream has begun anew since.
                            match time_ns == *start && *less >= 0 {
                                true => Outcome::Drop(Reason::Initial),
                                false => Outcome::Drop(Reason::OutOfOrder),
                            }
                        } else if reset {
                            *start = (time_ns - RESET_NS).max(*start);
                            (*less, *newest, *last) = (-1, time_ns, value);
                            since(*start, value)
                        } else if value < *less {
                            Outcome::Drop(Reason::OutOfOrder)
                        } else {
                            if time_ns > *newest {
                                (*newest, *last) = (time_ns, value);
                            }
                            since(*start, value - (*less).max(0))
                        }
                    }
                };
                let total = Total::Number(Number::Int(value));
                prop_assert_eq!(initials.of(StreamId::from(7), time_ns, total, 0), Ok(expected));
            }
        }
    }

    #[test]
    fn numbers_are_compared_as_what_they_are() {
        let (int, double) = (Number::Int, Number::Double);
        for (now, initial, since) in [
            (int(5), int(3), Some(int(2))),
            (int(3), int(5), None),
            (int(i64::MAX), int(-1), Some(double(i64::MAX as f64))),
            (double(5.5), int(3), Some(double(2.5))),
            (double(2.5), double(2.5), Some(double(0.0))),
            (int(2), double(2.5), None),
        ] {
            assert_eq!(number_since(now, initial), since, "{now:?} since {initial:?}");
        }
    }
}
