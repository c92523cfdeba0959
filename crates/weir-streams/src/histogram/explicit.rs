//! Histograms with explicit bounds.

use std::sync::Arc;

use weir_pdata::view::HistogramPoint;

use super::{Extremes, Invalid, Overflow};
use crate::Weigh;

/// A histogram with explicit bounds that owns its buckets.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplicitHistogram {
    /// Number of measurements.
    pub count: u64,
    /// Sum, smallest and largest measurement.
    pub extremes: Extremes,
    /// Upper bounds of all buckets but the last, ascending; shared, for many streams have the same.
    pub bounds: Arc<[f64]>,
    /// Measurements per bucket: one more than `bounds`, or none.
    pub counts: Box<[u64]>,
}

/// Two histograms whose bounds differ: they cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bounds differ")]
pub struct BoundsDiffer;

impl ExplicitHistogram {
    /// Takes over a point. `like` are bounds to share if they are the same.
    ///
    /// # Errors
    ///
    /// [`Invalid`]: drop the point.
    pub fn of(point: &HistogramPoint<'_>, like: Option<&Arc<[f64]>>) -> Result<Self, Invalid> {
        let (buckets, bounds) = (point.bucket_counts.len(), point.bounds.len());
        if buckets != bounds + 1 && (buckets, bounds) != (0, 0) {
            return Err(Invalid::Buckets);
        }
        if point.sum.is_some_and(|sum| !sum.is_finite()) {
            return Err(Invalid::Sum);
        }
        let same = |like: &&Arc<[f64]>| {
            like.len() == bounds && like.iter().zip(point.bounds.iter()).all(|(a, b)| *a == b)
        };
        let bounds = match like.filter(same) {
            Some(like) => Arc::clone(like),
            None => {
                let bounds: Arc<[f64]> = point.bounds.iter().collect();
                let ascend = bounds.windows(2).all(|pair| pair[0] < pair[1]);
                if !ascend || bounds.iter().any(|bound| bound.is_nan()) {
                    return Err(Invalid::Bounds);
                }
                bounds
            }
        };
        Ok(Self {
            count: point.count,
            extremes: Extremes {
                sum: point.sum,
                min: point.min,
                max: point.max,
            },
            bounds,
            counts: point.bucket_counts.iter().collect(),
        })
    }

    /// Returns true if the two can be added. Without bounds there is one bucket, or none: those two do not fit.
    pub fn fits(&self, other: &Self) -> bool {
        self.counts.len() == other.counts.len()
            && (Arc::ptr_eq(&self.bounds, &other.bounds) || self.bounds == other.bounds)
    }

    /// Adds another histogram with the same bounds.
    ///
    /// # Errors
    ///
    /// [`Overflow`]: nothing was added.
    ///
    /// # Panics
    ///
    /// If the two do not [fit](Self::fits).
    pub fn add(&mut self, other: &Self) -> Result<(), Overflow> {
        assert_eq!(
            self.counts.len(),
            other.counts.len(),
            "histograms of the same bounds"
        );
        let count = self.count.checked_add(other.count).ok_or(Overflow)?;
        let pairs = self.counts.iter().zip(&other.counts);
        if pairs
            .clone()
            .any(|(left, right)| left.checked_add(*right).is_none())
        {
            return Err(Overflow);
        }
        for (left, right) in self.counts.iter_mut().zip(&other.counts) {
            *left += right;
        }
        self.count = count;
        self.extremes = self.extremes.plus(&other.extremes);
        Ok(())
    }
}

impl Weigh for ExplicitHistogram {
    fn heap_bytes(&self) -> usize {
        // Bounds are shared by the streams of a metric.
        self.counts.len() * 8
    }
}

#[cfg(test)]
mod tests;
