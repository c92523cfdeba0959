//! When each stream began.

use weir_pdata::view::Number;
use weir_streams::{Budget, Entry, Full, Limits, SHARDS, Shards, StreamId, Weigh};

/// What is remembered of a stream.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stream {
    /// When it began, Unix time in nanoseconds.
    start_ns: u64,
    /// Time of the newest point, Unix time in nanoseconds.
    time_ns: u64,
    /// Its value, or its count.
    value: Number,
}

impl Weigh for Stream {
    fn heap_bytes(&self) -> usize {
        0
    }
}

/// A point, as far as it matters when its stream began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    /// Its stream.
    pub(crate) id: StreamId,
    /// Its time, Unix time in nanoseconds.
    pub(crate) time_ns: u64,
    /// Its value, or its count. None if it has none that counts.
    pub(crate) value: Option<Number>,
    /// Whether the value never falls unless the stream begins anew.
    pub(crate) grows: bool,
    /// When the process that sent it began, if that is known: Unix time in nanoseconds.
    pub(crate) process_ns: Option<u64>,
}

/// How much before its own time a stream began whose value fell: what remote write can tell apart.
pub(crate) const RESET_NS: u64 = 1_000_000;

/// Start times of all streams.
#[derive(Debug)]
pub(crate) struct Starts {
    table: Shards<Stream>,
}

impl Starts {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            table: Shards::new(limits),
        }
    }

    pub(crate) fn budget(&self) -> &Budget {
        self.table.budget()
    }

    /// Returns when the stream of a point began, and remembers the point. Nothing if that is not known: the point is older than the
    /// stream, or has no value and is the first.
    ///
    /// # Errors
    ///
    /// [`Full`] for a stream that is not known.
    pub(crate) fn of(&self, point: &Point, now: u32) -> Result<Option<u64>, Full> {
        let Point { id, time_ns, .. } = *point;
        // What begins later than it is cannot be right.
        let process_ns = point.process_ns.filter(|start_ns| *start_ns <= time_ns);
        self.table.with(Shards::<Stream>::shard_of(id), |table, ()| {
            let Some(slot) = table.find(id) else {
                let Some(value) = point.value else { return Ok(None) };
                let start_ns = process_ns.unwrap_or(time_ns);
                let value = Stream {
                    start_ns,
                    time_ns,
                    value,
                };
                table.insert(Entry { id, seen: now, value })?;
                return Ok(Some(start_ns));
            };
            let start_ns = table.change(slot, |entry| {
                entry.seen = now;
                let stream = &mut entry.value;
                if let Some(value) = point.value
                    && time_ns > stream.time_ns
                {
                    if point.grows && fell(stream.value, value) {
                        let restarted = process_ns.filter(|start_ns| *start_ns > stream.start_ns);
                        stream.start_ns = restarted
                            .unwrap_or(time_ns.saturating_sub(RESET_NS))
                            .max(stream.start_ns);
                    }
                    stream.time_ns = time_ns;
                    stream.value = value;
                }
                stream.start_ns
            });
            Ok(start_ns.filter(|start_ns| *start_ns <= time_ns))
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

fn fell(before: Number, now: Number) -> bool {
    match (before, now) {
        (Number::Int(before), Number::Int(now)) => now < before,
        _ => now.as_f64() < before.as_f64(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn starts_are_those_of_a_naive_model(values in proptest::collection::vec((0..6u64, 0..9i64), 1..40)) {
            let starts = Starts::new(Limits { streams: 1, bytes: usize::MAX });
            let (mut begun, mut newest, mut last) = (None::<u64>, 0, 0);
            let mut clock = 10 * RESET_NS;
            for (step, value) in values {
                // Now and then a point again, or an older one.
                let time_ns = clock + step * RESET_NS - 2 * RESET_NS;
                clock = clock.max(time_ns);
                let point = Point { id: StreamId::from(7), time_ns, value: Some(Number::Int(value)), grows: true, process_ns: None };
                let expected = match begun {
                    None => time_ns,
                    Some(start) if time_ns > newest && value < last => start.max(time_ns - RESET_NS),
                    Some(start) => start,
                };
                begun = Some(expected);
                if time_ns > newest {
                    (newest, last) = (time_ns, value);
                }
                let expected = (expected <= time_ns).then_some(expected);
                prop_assert_eq!(starts.of(&point, 0), Ok(expected));
            }
        }
    }
}
