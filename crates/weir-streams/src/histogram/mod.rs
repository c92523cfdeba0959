//! Owned histograms that can be added to each other, and taken from each other.

pub(crate) mod explicit;
pub(crate) mod exponential;
mod since;
mod write;

/// A histogram that cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// There are counts, but not one more than bounds.
    #[error("number of buckets does not fit the bounds")]
    Buckets,
    /// Bounds do not ascend, or one is NaN.
    #[error("bounds do not ascend")]
    Bounds,
    /// The sum is NaN or infinite: adding it up would spoil the total for ever.
    #[error("sum is not a finite number")]
    Sum,
    /// A scale that no histogram of doubles needs.
    #[error("scale out of range")]
    Scale,
    /// The zero threshold is negative or not a finite number.
    #[error("zero threshold out of range")]
    ZeroThreshold,
    /// A bucket index leaves 32 bits.
    #[error("bucket index out of range")]
    Index,
}

/// A count that would leave 64 bits; nothing was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("count overflows")]
pub struct Overflow;

/// Sum, minimum and maximum: each is there or not.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Extremes {
    /// Sum of the measurements.
    pub sum: Option<f64>,
    /// Smallest measurement.
    pub min: Option<f64>,
    /// Largest measurement.
    pub max: Option<f64>,
}

impl Extremes {
    /// Adds: what one side lacks, the result lacks.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let both =
            |left: Option<f64>, right: Option<f64>, join: fn(f64, f64) -> f64| Some(join(left?, right?));
        Self {
            sum: both(self.sum, other.sum, |left, right| left + right),
            min: both(self.min, other.min, f64::min),
            max: both(self.max, other.max, f64::max),
        }
    }
}
