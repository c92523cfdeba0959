//! Exponential histograms: OTLP's scale and offsets to a native schema and indexes.

use super::{NativeError, NativeHistogram};
use crate::stale;

/// Finest schema that Prometheus stores; finer scales are merged down to it.
pub const MAX_SCHEMA: i32 = 8;
/// Coarsest schema that Prometheus stores; coarser scales cannot be sent.
pub const MIN_SCHEMA: i32 = -4;
/// Zero threshold of points that carry none.
pub const DEFAULT_ZERO_THRESHOLD: f64 = 1e-128;

/// One side of an exponential histogram point.
#[derive(Debug, Clone, Copy)]
pub struct Side<I> {
    /// Index of the first bucket: bucket i covers (base^(offset+i), base^(offset+i+1)].
    pub offset: i32,
    /// Counts of consecutive buckets.
    pub counts: I,
}

/// The fields of an exponential histogram point.
#[derive(Debug, Clone, Copy)]
pub struct ExponentialInput<P, N> {
    /// Scale: base is 2^(2^-scale).
    pub scale: i32,
    /// Number of observations.
    pub count: u64,
    /// Sum of observations.
    pub sum: Option<f64>,
    /// Observations in the zero bucket.
    pub zero_count: u64,
    /// Half-width of the zero bucket, 0 if unknown.
    pub zero_threshold: f64,
    /// Buckets of positive observations.
    pub positive: Side<P>,
    /// Buckets of negative observations.
    pub negative: Side<N>,
    /// The "no recorded value" flag: the series has ended.
    pub stale: bool,
}

/// Writes the native form of an exponential histogram point into `out`.
///
/// # Errors
/// [`NativeError`] if the point cannot be represented or would be refused by a receiver; drop the point.
pub fn exponential<P, N>(point: ExponentialInput<P, N>, out: &mut NativeHistogram) -> Result<(), NativeError>
where
    P: Iterator<Item = u64>,
    N: Iterator<Item = u64>,
{
    out.reset();
    // Not `< 0`: a NaN threshold is refused too.
    if !(point.zero_threshold >= 0.0 && point.zero_threshold.is_finite()) {
        return Err(NativeError::OutOfRange);
    }
    out.zero_threshold = if point.zero_threshold > 0.0 {
        point.zero_threshold
    } else {
        DEFAULT_ZERO_THRESHOLD
    };
    out.schema = point.scale.clamp(MIN_SCHEMA, MAX_SCHEMA);
    if point.stale {
        out.sum_bits = stale::STALE_NAN;
        return Ok(());
    }
    if point.scale < MIN_SCHEMA {
        return Err(NativeError::ScaleTooSmall);
    }
    let sum = point.sum.ok_or(NativeError::MissingSum)?;
    let down = (i64::from(point.scale) - i64::from(MAX_SCHEMA)).max(0);
    let positive = out.positive.fill(indexed(point.positive, down))?;
    let negative = out.negative.fill(indexed(point.negative, down))?;
    let total = positive
        .checked_add(negative)
        .and_then(|buckets| buckets.checked_add(point.zero_count))
        .ok_or(NativeError::OutOfRange)?;
    // An observed NaN counts but falls in no bucket, and makes the sum NaN.
    if total > point.count || (total < point.count && !sum.is_nan()) {
        return Err(NativeError::CountMismatch);
    }
    out.count = point.count;
    out.zero_count = point.zero_count;
    out.sum_bits = stale::observed_bits(sum);
    Ok(())
}

/// Native indexes name a bucket's upper bound, OTLP's its lower: hence the one more. Merging `2^down`
/// neighbours is an arithmetic shift of the OTLP index.
fn indexed<I: Iterator<Item = u64>>(side: Side<I>, down: i64) -> impl Iterator<Item = (i64, u64)> {
    let down = down.min(63);
    (i64::from(side.offset)..)
        .zip(side.counts)
        .map(move |(index, count)| ((index >> down) + 1, count))
}
