//! Native histograms: OTLP buckets to spans and deltas in one canonical layout.
//!
//! Both OTLP histogram kinds end here: exponential histograms keep their schema ([`exponential`]), explicit
//! ones may become native histograms with custom buckets ([`custom`]). What comes out satisfies the checks
//! of a strict receiver, because one bad histogram costs the whole request.

mod buckets;
mod custom;
mod exponential;

pub use buckets::{Buckets, Span};
pub use custom::{CUSTOM_SCHEMA, custom};
pub use exponential::{DEFAULT_ZERO_THRESHOLD, ExponentialInput, MAX_SCHEMA, MIN_SCHEMA, Side, exponential};

/// One native histogram with integer counts, as remote write carries it. Reused as a buffer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NativeHistogram {
    /// Number of observations.
    pub count: u64,
    /// Bits of the sum of observations (see [`crate::stale`]).
    pub sum_bits: u64,
    /// Resolution, -4 to 8, or [`CUSTOM_SCHEMA`].
    pub schema: i32,
    /// Half-width of the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: u64,
    /// Buckets of negative observations.
    pub negative: Buckets,
    /// Buckets of positive observations, or all custom buckets.
    pub positive: Buckets,
    /// Upper bounds of custom buckets, without the last one (+Inf).
    pub custom_values: Vec<f64>,
}

impl NativeHistogram {
    fn reset(&mut self) {
        self.count = 0;
        self.sum_bits = 0;
        self.schema = 0;
        self.zero_threshold = 0.0;
        self.zero_count = 0;
        self.negative.clear();
        self.positive.clear();
        self.custom_values.clear();
    }
}

/// Why a histogram point has no valid native form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NativeError {
    /// The scale is below the coarsest schema that Prometheus has.
    #[error("scale is below -4")]
    ScaleTooSmall,
    /// The point carries no sum.
    #[error("sum is missing")]
    MissingSum,
    /// The count is not the total of the buckets.
    #[error("count differs from the buckets' total")]
    CountMismatch,
    /// The number of bucket counts does not fit the number of bounds.
    #[error("number of bucket counts does not fit the bounds")]
    BucketCountMismatch,
    /// Bounds out of order or not finite, indexes or counts out of range.
    #[error("bounds, indexes or counts are out of range")]
    OutOfRange,
}
