//! Series as a store answers them, whichever store it is.

use std::collections::BTreeMap;

/// Labels of a series, `__name__` among them.
pub type Labels = BTreeMap<String, String>;

/// Samples by series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// Series of float samples, in order of time.
    pub floats: BTreeMap<Labels, Vec<Point>>,
    /// Series of native histograms, in order of time.
    pub natives: BTreeMap<Labels, Vec<NativePoint>>,
}

impl Series {
    /// Leaves out `target_info`, of which a gateway may write more or fewer samples.
    #[must_use]
    pub fn without_target_info(mut self) -> Self {
        self.floats
            .retain(|labels, _| labels["__name__"] != "target_info");
        self
    }

    /// Leaves out native histograms.
    #[must_use]
    pub fn without_natives(mut self) -> Self {
        self.natives.clear();
        self
    }
}

/// One float sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Milliseconds since 1970.
    pub milliseconds: i64,
    /// Value.
    pub value: f64,
}

/// One native histogram sample.
#[derive(Debug, Clone, PartialEq)]
pub struct NativePoint {
    /// Milliseconds since 1970.
    pub milliseconds: i64,
    /// Number of observations.
    pub count: f64,
    /// Sum of the observations.
    pub sum: f64,
    /// Buckets that are not empty, in ascending order.
    pub buckets: Vec<Bucket>,
}

/// One bucket of a native histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Lower bound.
    pub lower: f64,
    /// Upper bound.
    pub upper: f64,
    /// Number of observations.
    pub count: f64,
}

impl Bucket {
    /// Whether both are the same bucket, but for the last digits of computed bounds.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let near = |a: f64, b: f64| a == b || ((a - b) / a).abs() < 1e-9;
        // The zero bucket has a width that a store is told apart from it.
        let is_zero = |bucket: &Self| bucket.upper < 1e-100 && bucket.lower > -1e-100;
        let bounds = near(self.lower, other.lower) && near(self.upper, other.upper);
        (bounds || is_zero(self) && is_zero(other)) && self.count == other.count
    }
}

/// One exemplar in a store.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Milliseconds since 1970.
    pub milliseconds: i64,
    /// Value.
    pub value: f64,
    /// Labels: ids of the trace and attributes that a view removed.
    pub labels: Labels,
}
