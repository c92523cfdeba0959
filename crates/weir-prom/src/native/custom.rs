//! Native histograms with custom buckets (NHCB): explicit bounds kept as they are.

use super::{NativeError, NativeHistogram};
use crate::stale;

/// Schema number of histograms with custom buckets.
pub const CUSTOM_SCHEMA: i32 = -53;

/// Writes the custom-bucket form of an explicit histogram point into `out`.
///
/// A trailing +Inf bound is implied and left out. A point without bucket counts has one bucket, +Inf. A count
/// below the buckets' total is raised to it.
///
/// # Errors
/// [`NativeError`] if the point would be refused by a receiver; drop the point.
pub fn custom(
    count: u64,
    sum: Option<f64>,
    bounds: &[f64],
    counts: &[u64],
    is_stale: bool,
    out: &mut NativeHistogram,
) -> Result<(), NativeError> {
    out.reset();
    out.schema = CUSTOM_SCHEMA;
    if is_stale {
        out.sum_bits = stale::STALE_NAN;
        return Ok(());
    }
    let sum = sum.ok_or(NativeError::MissingSum)?;
    out.sum_bits = stale::observed_bits(sum);
    if counts.is_empty() {
        out.count = out.positive.fill(std::iter::once((0, count)))?;
        return Ok(());
    }
    if counts.len() != bounds.len() + 1 {
        return Err(NativeError::BucketCountMismatch);
    }
    let bounds = bounds.strip_suffix(&[f64::INFINITY]).unwrap_or(bounds);
    if !bounds.is_sorted_by(|a, b| a < b) || !bounds.iter().all(|bound| bound.is_finite()) {
        return Err(NativeError::OutOfRange);
    }
    out.custom_values.extend_from_slice(bounds);
    // With an explicit +Inf bound the last two counts share the implied +Inf bucket.
    let last = i64::try_from(bounds.len()).map_err(|_| NativeError::OutOfRange)?;
    let total = out
        .positive
        .fill((0..).zip(counts).map(|(index, count)| (last.min(index), *count)))?;
    if count > total && !sum.is_nan() {
        return Err(NativeError::CountMismatch);
    }
    out.count = count.max(total);
    Ok(())
}
