//! Limits repeated lines, by zap's rule: per level and message, within a tick, the first lines and then each n-th.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tracing::Level;

use super::Sampling;

/// Counters in all. Levels and messages share them by hash: memory stays bounded whatever is logged, at the price that
/// two messages rarely count as one.
const COUNTERS: usize = 4096;

/// Decides which lines are written.
#[derive(Debug)]
pub(super) struct Sampler {
    limits: Sampling,
    started: Instant,
    counters: Box<[Counter]>,
}

/// Lines seen of one hash in the tick that ends at `ends`, in nanoseconds since the start.
#[derive(Debug, Default)]
struct Counter {
    ends: AtomicU64,
    seen: AtomicU64,
}

impl Sampler {
    pub(super) fn new(limits: Sampling) -> Self {
        let counters = (0..COUNTERS).map(|_| Counter::default()).collect();
        Self {
            limits,
            started: Instant::now(),
            counters,
        }
    }

    /// Counts a line and returns true if it is to be written.
    pub(super) fn admits(&self, level: Level, message: &str) -> bool {
        self.admits_at(self.started.elapsed().as_nanos() as u64, level, message)
    }

    /// The same at a time in nanoseconds since the start.
    fn admits_at(&self, now: u64, level: Level, message: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        (level, message).hash(&mut hasher);
        let counter = &self.counters[hasher.finish() as usize % COUNTERS];
        let seen = counter.count(now, self.limits.tick.as_nanos() as u64);
        let Sampling {
            initial, thereafter, ..
        } = self.limits;
        seen <= initial || (thereafter > 0 && (seen - initial).is_multiple_of(thereafter))
    }
}

impl Counter {
    /// Counts one line; returns its number within the tick, from 1.
    fn count(&self, now: u64, tick: u64) -> u64 {
        let ends = self.ends.load(Ordering::Acquire);
        let over = now >= ends;
        // Of several threads that find the tick over, one begins the next.
        if over
            && self
                .ends
                .compare_exchange(
                    ends,
                    now.saturating_add(tick),
                    Ordering::AcqRel,
                    Ordering::Acquire,
                )
                .is_ok()
        {
            self.seen.store(1, Ordering::Release);
            return 1;
        }
        self.seen.fetch_add(1, Ordering::AcqRel) + 1
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_first_and_then_each_nth_line_of_a_tick_pass() {
        let sampler = |thereafter| {
            Sampler::new(Sampling {
                tick: Duration::from_secs(1),
                initial: 2,
                thereafter,
            })
        };
        let passed = |sampler: &Sampler, from: u64| -> Vec<u64> {
            (1..=9)
                .filter(|line| sampler.admits_at(from + line, Level::INFO, "again"))
                .collect()
        };
        let each_third = sampler(3);
        assert_eq!(passed(&each_third, 0), [1, 2, 5, 8]);
        assert!(
            each_third.admits_at(20, Level::WARN, "again"),
            "another level counts apart"
        );
        assert_eq!(
            passed(&each_third, 2_000_000_000),
            [1, 2, 5, 8],
            "a new tick begins anew"
        );
        assert_eq!(passed(&sampler(0), 0), [1, 2]);
    }
}
