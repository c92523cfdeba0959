//! What handles write to: atomics, shared with whoever reads the registry.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{CounterFn, GaugeFn, HistogramFn};

/// The value of one series.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    /// Whole things, only ever more.
    Count(Arc<AtomicU64>),
    /// A floating point number, as its bits.
    Number(Arc<AtomicU64>),
    /// A distribution.
    Spread(Arc<Spread>),
}

/// A histogram with fixed bounds.
#[derive(Debug)]
pub(super) struct Spread {
    pub(super) bounds: Arc<[f64]>,
    /// One more than bounds: the last holds what is above all of them.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
    min: AtomicU64,
    max: AtomicU64,
}

/// The contents of a histogram.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Upper bounds of all buckets but the last.
    pub bounds: Arc<[f64]>,
    /// Values per bucket, one more than bounds.
    pub counts: Vec<u64>,
    /// Sum of all values.
    pub sum: f64,
    /// Least and greatest value; none if there are no values, or if they are not known for the time shown.
    pub extremes: Option<(f64, f64)>,
}

impl Distribution {
    /// Returns the number of values.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl Spread {
    pub(super) fn new(bounds: Arc<[f64]>) -> Self {
        Self {
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            bounds,
            sum: AtomicU64::new(0.0_f64.to_bits()),
            min: AtomicU64::new(f64::INFINITY.to_bits()),
            max: AtomicU64::new(f64::NEG_INFINITY.to_bits()),
        }
    }

    pub(super) fn read(&self) -> Distribution {
        let float = |bits: &AtomicU64| f64::from_bits(bits.load(Ordering::Relaxed));
        let (min, max) = (float(&self.min), float(&self.max));
        Distribution {
            bounds: Arc::clone(&self.bounds),
            counts: self
                .counts
                .iter()
                .map(|count| count.load(Ordering::Relaxed))
                .collect(),
            sum: float(&self.sum),
            extremes: (min <= max).then_some((min, max)),
        }
    }

    fn update(bits: &AtomicU64, change: impl Fn(f64) -> f64) {
        // Never returns None, so it always succeeds.
        let _ = bits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bits| {
            Some(change(f64::from_bits(bits)).to_bits())
        });
    }
}

impl HistogramFn for Spread {
    fn record(&self, value: f64) {
        // Nothing measured is not a number; if it were, the sum would be lost for good.
        if value.is_nan() {
            return;
        }
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        Self::update(&self.sum, |sum| sum + value);
        if value < f64::from_bits(self.min.load(Ordering::Relaxed)) {
            Self::update(&self.min, |min| min.min(value));
        }
        if value > f64::from_bits(self.max.load(Ordering::Relaxed)) {
            Self::update(&self.max, |max| max.max(value));
        }
    }
}

/// Writes to several cells: views may make more than one metric of what is recorded once.
#[derive(Debug)]
pub(super) struct Each<T>(pub(super) Vec<Arc<T>>);

impl<T: CounterFn> CounterFn for Each<T> {
    fn increment(&self, value: u64) {
        self.0.iter().for_each(|cell| cell.increment(value));
    }

    fn absolute(&self, value: u64) {
        self.0.iter().for_each(|cell| cell.absolute(value));
    }
}

impl<T: GaugeFn> GaugeFn for Each<T> {
    fn increment(&self, value: f64) {
        self.0.iter().for_each(|cell| cell.increment(value));
    }

    fn decrement(&self, value: f64) {
        self.0.iter().for_each(|cell| cell.decrement(value));
    }

    fn set(&self, value: f64) {
        self.0.iter().for_each(|cell| cell.set(value));
    }
}

impl<T: HistogramFn> HistogramFn for Each<T> {
    fn record(&self, value: f64) {
        self.0.iter().for_each(|cell| cell.record(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_into_the_first_bucket_that_is_not_too_small() {
        let spread = Spread::new([1.0, 2.0].into());
        for value in [0.5, 1.0, 1.5, 3.0, f64::NAN] {
            spread.record(value);
        }
        let read = spread.read();
        assert_eq!((read.counts.as_slice(), read.sum), ([2, 1, 1].as_slice(), 6.0));
        assert_eq!(read.extremes, Some((0.5, 3.0)));
        assert_eq!(Spread::new([].into()).read().extremes, None);
    }
}
