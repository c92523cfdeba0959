//! NaN bit patterns with a meaning in Prometheus.

/// Bits of the staleness marker: the series has ended. Used for nothing else.
pub const STALE_NAN: u64 = 0x7ff0_0000_0000_0002;

/// Bits of an ordinary "not a number" value.
pub const NORMAL_NAN: u64 = 0x7ff8_0000_0000_0001;

/// Returns the bits to send for an observed value: NaNs lose their payload so that none of them looks like
/// a staleness marker.
#[must_use]
pub fn observed_bits(value: f64) -> u64 {
    if value.is_nan() {
        NORMAL_NAN
    } else {
        value.to_bits()
    }
}
