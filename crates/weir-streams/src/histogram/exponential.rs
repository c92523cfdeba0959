//! Exponential histograms.
//!
//! Spec: OpenTelemetry data model, "ExponentialHistogram": bucket `i` of scale `s` covers `(base^i, base^(i+1)]`, base = 2^(2^-s).

use std::borrow::Cow;

use weir_pdata::view::{Buckets as BucketsView, ExponentialHistogramPoint};

use super::{Extremes, Invalid, Overflow};
use crate::Weigh;

/// Most buckets per side after histograms were added; beyond, the scale goes down. What SDKs and the Collector have.
pub const MAX_BUCKETS: usize = 160;

/// Scales of histograms whose buckets have a meaning: at -11 one bucket holds all doubles above 1, beyond 20 indexes of 32 bits do not
/// reach all doubles.
const SCALES: std::ops::RangeInclusive<i32> = -11..=40;

/// An exponential histogram that owns its buckets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExponentialHistogram {
    /// Number of measurements.
    pub count: u64,
    /// Sum, smallest and largest measurement.
    pub extremes: Extremes,
    /// Resolution: the base is 2^(2^-scale).
    pub scale: i32,
    /// Measurements within the zero threshold.
    pub zero_count: u64,
    /// Half-width of the zero bucket.
    pub zero_threshold: f64,
    /// Buckets of positive measurements.
    pub positive: Buckets,
    /// Buckets of negative measurements.
    pub negative: Buckets,
}

/// One side of an exponential histogram.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Buckets {
    /// Index of the first bucket.
    pub offset: i32,
    /// Measurements per bucket, the first and the last not 0.
    pub counts: Vec<u64>,
}

impl ExponentialHistogram {
    /// Takes over a point.
    ///
    /// # Errors
    ///
    /// [`Invalid`]: drop the point.
    pub fn of(point: &ExponentialHistogramPoint<'_>) -> Result<Self, Invalid> {
        if !SCALES.contains(&point.scale) {
            return Err(Invalid::Scale);
        }
        if !(point.zero_threshold >= 0.0 && point.zero_threshold.is_finite()) {
            return Err(Invalid::ZeroThreshold);
        }
        if point.sum.is_some_and(|sum| !sum.is_finite()) {
            return Err(Invalid::Sum);
        }
        Ok(Self {
            count: point.count,
            extremes: Extremes {
                sum: point.sum,
                min: point.min,
                max: point.max,
            },
            scale: point.scale,
            zero_count: point.zero_count,
            zero_threshold: point.zero_threshold,
            positive: Buckets::of(point.positive)?,
            negative: Buckets::of(point.negative)?,
        })
    }

    /// Adds another histogram. The finer scale goes down to the coarser one, and both further if a side would have more than
    /// `max_buckets`; the smaller zero threshold goes up to the larger one, and to the next edge if a bucket that is not empty lies
    /// across it.
    ///
    /// # Errors
    ///
    /// [`Overflow`]: nothing was added, though scale and threshold may have changed.
    pub fn add(&mut self, other: &Self, max_buckets: usize) -> Result<(), Overflow> {
        let count = self.count.checked_add(other.count).ok_or(Overflow)?;
        let scale = self.scale.min(other.scale);
        let mut other = Cow::Borrowed(other);
        self.scale_down(scale)?;
        scale_down(&mut other, scale)?;
        if self.zero_threshold != other.zero_threshold {
            let threshold = self.zero_threshold.max(other.zero_threshold);
            // What one of them moves into its zero bucket may widen it: the other follows.
            let threshold = other.to_mut().widen(threshold)?;
            let threshold = self.widen(threshold)?;
            other.to_mut().widen(threshold)?;
        }
        let zero_count = self.zero_count.checked_add(other.zero_count).ok_or(Overflow)?;
        let sides = [
            (&self.positive, &other.positive),
            (&self.negative, &other.negative),
        ];
        let steps = sides
            .iter()
            .map(|(left, right)| left.steps_to_fit(right, max_buckets))
            .max()
            .unwrap_or(0);
        self.scale_down(scale - steps as i32)?;
        scale_down(&mut other, scale - steps as i32)?;
        let positive = self.positive.plus(&other.positive)?;
        let negative = self.negative.plus(&other.negative)?;
        self.count = count;
        self.zero_count = zero_count;
        self.positive = positive;
        self.negative = negative;
        self.extremes = self.extremes.plus(&other.extremes);
        Ok(())
    }

    /// Merges neighbouring buckets until the scale is `scale`, if it is finer now.
    ///
    /// # Errors
    ///
    /// [`Overflow`] of a merged bucket.
    pub fn scale_down(&mut self, scale: i32) -> Result<(), Overflow> {
        let steps = self.scale.saturating_sub(scale);
        if steps > 0 {
            self.positive.merge(steps as u32)?;
            self.negative.merge(steps as u32)?;
            self.scale = scale;
        }
        Ok(())
    }

    /// Raises the zero threshold to at least `threshold`, which moves buckets below it into the zero bucket. Returns the threshold that
    /// it came to: the upper edge of the last bucket moved, if that is more.
    ///
    /// # Errors
    ///
    /// [`Overflow`] of the zero bucket.
    pub fn widen(&mut self, threshold: f64) -> Result<f64, Overflow> {
        if threshold <= self.zero_threshold {
            return Ok(self.zero_threshold);
        }
        // Both sides have the same edges, so what is an edge of one does not lie across a bucket of the other.
        let threshold = [&self.positive, &self.negative]
            .iter()
            .fold(threshold, |threshold, side| {
                threshold.max(side.edge_above(threshold, self.scale))
            });
        for side in [&mut self.positive, &mut self.negative] {
            let moved = side.take_below(threshold, self.scale)?;
            self.zero_count = self.zero_count.checked_add(moved).ok_or(Overflow)?;
        }
        self.zero_threshold = threshold;
        Ok(threshold)
    }
}

/// Scales down what is borrowed, copying it only if there is something to do.
fn scale_down(histogram: &mut Cow<'_, ExponentialHistogram>, scale: i32) -> Result<(), Overflow> {
    if histogram.scale > scale {
        histogram.to_mut().scale_down(scale)?;
    }
    Ok(())
}

/// Returns the lower edge of a bucket: base^index.
fn edge(index: i64, scale: i32) -> f64 {
    (index as f64 * f64::from(-scale).exp2()).exp2()
}

impl Buckets {
    fn of(view: BucketsView<'_>) -> Result<Self, Invalid> {
        let last = i64::from(view.offset) + view.counts.len() as i64;
        if i32::try_from(last).is_err() {
            return Err(Invalid::Index);
        }
        Ok(Self::trimmed(i64::from(view.offset), view.counts.to_vec()))
    }

    /// Leaves out empty buckets at both ends. `offset` fits 32 bits, as does the index of the last bucket.
    pub(super) fn trimmed(offset: i64, mut counts: Vec<u64>) -> Self {
        let used = counts
            .iter()
            .rposition(|count| *count > 0)
            .map_or(0, |last| last + 1);
        counts.truncate(used);
        let empty = counts.iter().position(|count| *count > 0).unwrap_or(0);
        counts.drain(..empty);
        let offset = if counts.is_empty() {
            0
        } else {
            offset + empty as i64
        };
        Self {
            offset: i32::try_from(offset).unwrap_or_default(),
            counts,
        }
    }

    /// Returns the index after the last bucket.
    fn end(&self) -> i64 {
        i64::from(self.offset) + self.counts.len() as i64
    }

    /// Merges 2^steps neighbours into one.
    fn merge(&mut self, steps: u32) -> Result<(), Overflow> {
        if self.counts.is_empty() {
            return Ok(());
        }
        let steps = steps.min(63);
        let first = i64::from(self.offset) >> steps;
        let last = (self.end() - 1) >> steps;
        let mut merged = vec![0u64; (last - first + 1) as usize];
        for (index, count) in (i64::from(self.offset)..).zip(&self.counts) {
            let bucket = &mut merged[((index >> steps) - first) as usize];
            *bucket = bucket.checked_add(*count).ok_or(Overflow)?;
        }
        *self = Self::trimmed(first, merged);
        Ok(())
    }

    /// Returns by how much the scale must go down for the buckets of both to fit.
    fn steps_to_fit(&self, other: &Self, max_buckets: usize) -> u32 {
        let sides = [self, other];
        let used = || sides.iter().filter(|side| !side.counts.is_empty());
        let (Some(first), Some(last)) = (
            used().map(|side| i64::from(side.offset)).min(),
            used().map(|side| side.end() - 1).max(),
        ) else {
            return 0;
        };
        // After 33 steps an index of 32 bits is 0 or -1.
        (0..33)
            .find(|steps| (last >> steps) - (first >> steps) < max_buckets.max(2) as i64)
            .unwrap_or(33)
    }

    /// Adds two sides of the same scale.
    fn plus(&self, other: &Self) -> Result<Self, Overflow> {
        if self.counts.is_empty() || other.counts.is_empty() {
            return Ok(if self.counts.is_empty() { other } else { self }.clone());
        }
        let offset = self.offset.min(other.offset);
        let end = self.end().max(other.end());
        let mut counts = vec![0u64; (end - i64::from(offset)) as usize];
        for side in [self, other] {
            let at = (i64::from(side.offset) - i64::from(offset)) as usize;
            for (bucket, count) in counts[at..].iter_mut().zip(&side.counts) {
                *bucket = bucket.checked_add(*count).ok_or(Overflow)?;
            }
        }
        Ok(Self { offset, counts })
    }

    /// Returns how many buckets begin below the threshold.
    fn below(&self, threshold: f64, scale: i32) -> usize {
        (0..self.counts.len())
            .find(|place| edge(i64::from(self.offset) + *place as i64, scale) >= threshold)
            .unwrap_or(self.counts.len())
    }

    /// Returns the upper edge of the last bucket that begins below the threshold, or 0 if none does. Where that is beyond all doubles,
    /// returns the largest double.
    fn edge_above(&self, threshold: f64, scale: i32) -> f64 {
        let below = self.below(threshold, scale);
        match self.counts[..below].iter().rposition(|count| *count > 0) {
            Some(last) => edge(i64::from(self.offset) + last as i64 + 1, scale).min(f64::MAX),
            None => 0.0,
        }
    }

    /// Takes away the buckets that begin below the threshold and returns what was in them.
    fn take_below(&mut self, threshold: f64, scale: i32) -> Result<u64, Overflow> {
        let below = self.below(threshold, scale);
        let moved = self
            .counts
            .drain(..below)
            .try_fold(0u64, |sum, count| sum.checked_add(count));
        let offset = i64::from(self.offset) + below as i64;
        *self = Self::trimmed(offset, std::mem::take(&mut self.counts));
        moved.ok_or(Overflow)
    }
}

impl Weigh for ExponentialHistogram {
    fn heap_bytes(&self) -> usize {
        (self.positive.counts.capacity() + self.negative.counts.capacity()) * 8
    }
}

#[cfg(test)]
mod tests;
