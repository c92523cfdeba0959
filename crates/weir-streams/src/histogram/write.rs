//! Histograms written over the points that they stand for.

use weir_pdata::rewrite::{ExponentialHistogramEdit, HistogramEdit};

use super::explicit::ExplicitHistogram;
use super::exponential::ExponentialHistogram;

impl ExplicitHistogram {
    /// Makes a point say what this histogram does. Times and bounds stay as they are.
    pub fn write_to(&self, edit: &mut HistogramEdit<'_>) {
        edit.set_count(self.count);
        edit.set_bucket_counts(&self.counts);
        edit.set_sum(self.extremes.sum);
        edit.set_min(self.extremes.min);
        edit.set_max(self.extremes.max);
    }
}

impl ExponentialHistogram {
    /// Makes a point say what this histogram does. Times stay as they are.
    pub fn write_to(&self, edit: &mut ExponentialHistogramEdit<'_>) {
        edit.set_count(self.count);
        edit.set_scale(self.scale);
        edit.set_zero_count(self.zero_count);
        edit.set_zero_threshold(self.zero_threshold);
        edit.set_positive(self.positive.offset, &self.positive.counts);
        edit.set_negative(self.negative.offset, &self.negative.counts);
        edit.set_sum(self.extremes.sum);
        edit.set_min(self.extremes.min);
        edit.set_max(self.extremes.max);
    }
}
