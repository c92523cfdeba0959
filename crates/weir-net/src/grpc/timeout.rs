//! The `grpc-timeout` header.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

/// Header with the time that the caller is willing to wait.
pub(super) const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// Largest number that the header can carry: eight digits.
const MAX_NUMBER: u128 = 99_999_999;

/// Reads a timeout: one to eight digits and a unit. `None` if it is anything else.
pub(super) fn parse(value: &HeaderValue) -> Option<Duration> {
    let (unit, digits) = value.as_bytes().split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    match unit {
        b'H' => Some(Duration::from_secs(number * 3600)),
        b'M' => Some(Duration::from_secs(number * 60)),
        b'S' => Some(Duration::from_secs(number)),
        b'm' => Some(Duration::from_millis(number)),
        b'u' => Some(Duration::from_micros(number)),
        b'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// Writes a timeout in the finest unit that holds it, rounded up; beyond 11,000 years it is cut.
pub(super) fn format(timeout: Duration) -> HeaderValue {
    let nanos = timeout.as_nanos();
    let units = [
        (1, 'n'),
        (1_000, 'u'),
        (1_000_000, 'm'),
        (1_000_000_000, 'S'),
        (60_000_000_000, 'M'),
    ];
    let (number, unit) = units
        .into_iter()
        .map(|(scale, unit)| (nanos.div_ceil(scale), unit))
        .find(|(number, _)| *number <= MAX_NUMBER)
        .unwrap_or_else(|| (nanos.div_ceil(3_600_000_000_000).min(MAX_NUMBER), 'H'));
    HeaderValue::try_from(format!("{number}{unit}")).expect("digits and a letter are a header value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_and_written() {
        let check = |text: &'static str, expect: Option<Duration>| {
            assert_eq!(parse(&HeaderValue::from_static(text)), expect, "{text}")
        };
        check("1H", Some(Duration::from_secs(3600)));
        check("99999999S", Some(Duration::from_secs(99_999_999)));
        check("250m", Some(Duration::from_millis(250)));
        check("5u", Some(Duration::from_micros(5)));
        check("7n", Some(Duration::from_nanos(7)));
        for bad in ["", "S", "5", "5s", "-5S", "123456789S", "1.5S", "+5S"] {
            check(bad, None);
        }
        for duration in [
            Duration::ZERO,
            Duration::from_nanos(1),
            Duration::from_millis(10),
            Duration::from_secs(30),
            Duration::from_secs(86_400),
        ] {
            assert_eq!(parse(&format(duration)), Some(duration));
        }
        assert!(parse(&format(Duration::from_nanos(100_000_000_001))).unwrap() > Duration::from_secs(100));
        assert!(parse(&format(Duration::MAX)).is_some());
    }
}
