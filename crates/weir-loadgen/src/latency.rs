//! A histogram of durations that many tasks record into at once.
//!
//! Buckets are log-linear: 32 to each power of two of nanoseconds, so a quantile is off by at most 1/32 (3 %).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets per power of two, as a power of two.
const PRECISION: u32 = 5;
/// Durations of 2^42 ns (73 minutes) and more share the last bucket.
const HIGHEST: u32 = 42;
const BUCKETS: usize = ((HIGHEST - PRECISION + 1) << PRECISION) as usize;

/// Concurrent histogram of durations; never allocates after it is made.
#[derive(Debug)]
pub struct LatencyHistogram {
    buckets: Box<[AtomicU64]>,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl LatencyHistogram {
    /// Counts one duration.
    pub fn record(&self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket(nanos)].fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the counts so far.
    pub fn snapshot(&self) -> LatencySnapshot {
        LatencySnapshot {
            counts: self
                .buckets
                .iter()
                .map(|count| count.load(Ordering::Relaxed))
                .collect(),
        }
    }
}

/// Counts of a [`LatencyHistogram`] at one moment, or between two.
#[derive(Debug, Clone)]
pub struct LatencySnapshot {
    counts: Vec<u64>,
}

impl LatencySnapshot {
    /// Returns what was recorded after `earlier`, a snapshot of the same histogram.
    pub fn since(&self, earlier: &Self) -> Self {
        let counts = self
            .counts
            .iter()
            .zip(&earlier.counts)
            .map(|(now, then)| now.saturating_sub(*then));
        Self {
            counts: counts.collect(),
        }
    }

    /// Returns how many durations were recorded.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns the duration that a share `quantile` (0 to 1) of all durations does not exceed, rounded up to the end
    /// of its bucket; none if nothing was recorded.
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let rank = (quantile * self.count() as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Some(Duration::from_nanos(upper_bound(index)));
            }
        }
        None
    }
}

fn bucket(nanos: u64) -> usize {
    let linear = 1 << PRECISION;
    if nanos < linear {
        return nanos as usize;
    }
    let exponent = nanos.ilog2();
    if exponent >= HIGHEST {
        return BUCKETS - 1;
    }
    let within = (nanos >> (exponent - PRECISION)) as usize & (linear as usize - 1);
    (((exponent - PRECISION + 1) as usize) << PRECISION) + within
}

fn upper_bound(index: usize) -> u64 {
    let (row, within) = (index >> PRECISION, index as u64 & ((1 << PRECISION) - 1));
    match row {
        0 => within,
        row => (((1 << PRECISION) + within + 1) << (row - 1)) - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duration_lands_below_the_upper_bound_of_its_bucket_and_above_the_one_before() {
        for nanos in (0..4096).chain((12..42).map(|power| (1 << power) + 12345)) {
            let index = bucket(nanos);
            assert!(nanos <= upper_bound(index), "{nanos}");
            assert!(index == 0 || nanos > upper_bound(index - 1), "{nanos}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_of_a_window_ignore_what_came_before() {
        let histogram = LatencyHistogram::default();
        histogram.record(Duration::from_secs(9));
        let before = histogram.snapshot();
        for millis in 1..=100 {
            histogram.record(Duration::from_millis(millis));
        }
        let window = histogram.snapshot().since(&before);
        assert_eq!(window.count(), 100);
        let p50 = window.quantile(0.5).unwrap().as_secs_f64();
        assert!((0.050..0.052).contains(&p50), "{p50}");
        assert!(window.quantile(1.0).unwrap() < Duration::from_millis(104));
        assert!(before.since(&before).quantile(0.5).is_none());
    }
}
