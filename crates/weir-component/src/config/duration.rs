//! Durations as the Collector writes them: a sequence of decimal numbers with the units `ns`, `us` (`µs`), `ms`, `s`, `m`, `h`.
//!
//! Use as `#[serde(with = "weir_component::config::duration")]` on a [`std::time::Duration`].
//! Its schema is that of [`Text`]: `#[schemars(with = "duration::Text")]`.
//! Of bare numbers only 0 is read, which is the same in any unit. Others are refused: the Collector reads them as nanoseconds,
//! which is never what was meant.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserializer, Serializer, de};

/// Parses a duration such as `200ms`, `1h30m`, `1.5s` or `0`.
///
/// # Errors
///
/// A message that says what is wrong: an empty text, a missing or unknown unit (days do not exist), a negative value,
/// or a value beyond what 64 bits of nanoseconds hold (about 292 years).
pub fn parse(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.starts_with('-') {
        return Err(format!("negative duration `{text}`"));
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return Err("empty duration".to_owned());
    }
    let mut nanos = 0f64;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let value: f64 = number
            .parse()
            .map_err(|_| format!("`{text}` is not a duration such as `200ms`, `5s` or `1h30m`"))?;
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let scale = match unit {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            "" => {
                return Err(format!(
                    "missing unit in duration `{text}`: use ns, us, ms, s, m or h"
                ));
            }
            "d" | "w" => {
                return Err(format!(
                    "unknown unit `{unit}` in duration `{text}`: the largest unit is h"
                ));
            }
            _ => {
                return Err(format!(
                    "unknown unit `{unit}` in duration `{text}`: use ns, us, ms, s, m or h"
                ));
            }
        };
        nanos += value * scale;
        rest = tail;
    }
    if nanos > i64::MAX as f64 {
        return Err(format!("duration `{text}` is longer than 292 years"));
    }
    Ok(Duration::from_nanos(nanos.round() as u64))
}

/// Formats a duration so that [`parse`] reads the same value back, for example `1h30m`, `1.5s`, `200ms` or `0s`.
pub fn format(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    for (unit, scale) in [("ns", 1u128), ("us", 1_000), ("ms", 1_000_000)] {
        if nanos < scale * 1_000 {
            return decimal(nanos, scale, unit);
        }
    }
    let seconds = nanos / 1_000_000_000;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, nanos % 60_000_000_000);
    let mut text = String::new();
    if hours > 0 {
        text += &format!("{hours}h");
    }
    if minutes > 0 {
        text += &format!("{minutes}m");
    }
    if rest > 0 {
        text += &decimal(rest, 1_000_000_000, "s");
    }
    text
}

fn decimal(nanos: u128, scale: u128, unit: &str) -> String {
    let (whole, fraction) = (nanos / scale, nanos % scale);
    if fraction == 0 {
        return format!("{whole}{unit}");
    }
    let width = scale.ilog10() as usize;
    let digits = format!("{fraction:0width$}");
    format!("{whole}.{}{unit}", digits.trim_end_matches('0'))
}

/// Serializes a duration as text.
///
/// # Errors
///
/// Only those of the serializer.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

/// Deserializes a duration from text, or from the number 0.
///
/// # Errors
///
/// Those of [`parse`], and a value that is neither.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_str(DurationVisitor)
}

struct DurationVisitor;

impl de::Visitor<'_> for DurationVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration with a unit, such as `200ms`, `5s` or `1h30m`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        parse(text).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Duration, E> {
        match number {
            0 => Ok(Duration::ZERO),
            _ => Err(E::invalid_type(de::Unexpected::Unsigned(number), &self)),
        }
    }
}

/// Stands for a duration in JSON Schemas; has no values.
#[derive(Debug, Clone, Copy)]
pub enum Text {}

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "minimum": 0,
            "maximum": 0,
            "pattern": r"^(0|\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$",
        })
    }
}

/// The same for an optional duration: absent and null mean `None`.
pub mod option {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    /// Serializes an optional duration.
    ///
    /// # Errors
    ///
    /// Only those of the serializer.
    pub fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => super::serialize(duration, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Deserializes an optional duration.
    ///
    /// # Errors
    ///
    /// Those of [`super::deserialize`].
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        #[derive(Deserialize)]
        struct Wrapped(#[serde(with = "super")] Duration);
        Ok(Option::<Wrapped>::deserialize(deserializer)?.map(|wrapped| wrapped.0))
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;

    use super::*;

    #[test]
    fn go_syntax_is_read() {
        for (text, nanos) in [
            ("0", 0),
            ("0s", 0),
            ("200ms", 200_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1.5s", 1_500_000_000),
            (".5s", 500_000_000),
            ("1us", 1_000),
            ("1µs", 1_000),
            ("+2s", 2_000_000_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn of_numbers_only_zero_is_read() {
        let read = |number: u64| deserialize(IntoDeserializer::<de::value::Error>::into_deserializer(number));
        assert_eq!(read(0), Ok(Duration::ZERO));
        let refused = read(5).unwrap_err().to_string();
        assert!(refused.contains("a duration with a unit"), "{refused}");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "5", "1d", "s", "-1s", "1 s", "1x", "1.2.3s", "1000000000h"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn formatted_text_reads_back() {
        for nanos in [
            0u64,
            1,
            999,
            1_500,
            200_000_000,
            1_500_000_000,
            60_000_000_000,
            5_430_000_000_000,
            86_400_000_000_000,
        ] {
            let duration = Duration::from_nanos(nanos);
            assert_eq!(parse(&format(duration)), Ok(duration), "{}", format(duration));
        }
        assert_eq!(format(Duration::from_millis(200)), "200ms");
        assert_eq!(format(Duration::from_secs(300)), "5m");
        assert_eq!(format(Duration::from_micros(1_500)), "1.5ms");
    }
}
