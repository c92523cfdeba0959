//! Severities of log records.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use weir_component::schemars::{self, JsonSchema, Schema, SchemaGenerator, json_schema};

/// A `SeverityNumber` of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Severity(pub i32);

/// How severe a log record must be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SeverityMatch {
    /// Lowest severity that matches: a number from 1 to 24, or a name such as `INFO` or `WARN2`; case does not count. Without
    /// one, every severity matches that is set.
    #[serde(skip_serializing_if = "Severity::is_unset")]
    pub min: Severity,
    /// Whether records without a severity number match. Default false.
    pub match_undefined: bool,
}

impl SeverityMatch {
    /// Returns true if a record with this number matches.
    pub const fn matches(&self, number: i32) -> bool {
        match number {
            0 => self.match_undefined,
            number => number >= self.min.0,
        }
    }
}

const NAMES: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

impl Severity {
    const fn is_unset(&self) -> bool {
        self.0 == 0
    }

    fn from_number(number: i64) -> Option<Self> {
        i32::try_from(number)
            .ok()
            .filter(|number| (0..=24).contains(number))
            .map(Self)
    }

    fn from_name(name: &str) -> Option<Self> {
        if name.is_empty() {
            return Some(Self(0));
        }
        let (word, step) = match name.as_bytes() {
            [word @ .., step @ b'2'..=b'4'] => (word, i32::from(step - b'0')),
            word => (word, 1),
        };
        let place = NAMES
            .iter()
            .position(|known| known.as_bytes().eq_ignore_ascii_case(word));
        place
            .map(|place| Self(place as i32 * 4 + step))
            .or_else(|| Self::from_number(name.parse().ok()?))
    }
}

impl Serialize for Severity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(self.0)
    }
}

impl JsonSchema for Severity {
    fn schema_name() -> Cow<'static, str> {
        "Severity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = "[Tt][Rr][Aa][Cc][Ee]|[Dd][Ee][Bb][Uu][Gg]|[Ii][Nn][Ff][Oo]|[Ww][Aa][Rr][Nn]|[Ee][Rr][Rr][Oo][Rr]|[Ff][Aa][Tt][Aa][Ll]";
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": 24 },
            { "type": "string", "pattern": format!("^(|({names})[2-4]?|[0-9]|1[0-9]|2[0-4])$") },
        ] })
    }
}

impl<'de> Deserialize<'de> for Severity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Severity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a severity: a number from 1 to 24, or a name such as INFO or WARN2")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Severity, E> {
                Severity::from_number(number)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Signed(number), &self))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Severity, E> {
                self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Severity, E> {
                Severity::from_name(name).ok_or_else(|| E::invalid_value(de::Unexpected::Str(name), &self))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_numbers_or_names() {
        for (json, number) in [
            ("9", 9),
            (r#""INFO""#, 9),
            (r#""warn2""#, 14),
            (r#""Fatal4""#, 24),
            (r#""1""#, 1),
            (r#""""#, 0),
        ] {
            assert_eq!(
                serde_json::from_str::<Severity>(json).unwrap(),
                Severity(number),
                "{json}"
            );
        }
        for json in ["25", "-1", r#""INFO1""#, r#""INFO5""#, r#""NOTICE""#, "1.5", "[]"] {
            assert!(serde_json::from_str::<Severity>(json).is_err(), "{json}");
        }
    }
}
