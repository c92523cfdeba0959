//! Small values: of any plain type, one of a few names, or present at all.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};

use weir_component::schemars::{self, JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::telemetry::AttributeValue;

/// A boolean, number or text, or a list of these; `None` for null.
pub(super) struct Scalar(pub(super) Option<AttributeValue>);

impl JsonSchema for Scalar {
    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["boolean", "number", "string", "array", "null"],
            "items": { "type": ["boolean", "number", "string"] },
        })
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a boolean, a number, a text or a list of these")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(Some(AttributeValue::Bool(value))))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(Some(AttributeValue::Int(value))))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Scalar, E> {
                match i64::try_from(value) {
                    Ok(value) => self.visit_i64(value),
                    Err(_) => Err(E::custom("an integer beyond 64 bits")),
                }
            }

            fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar(Some(AttributeValue::Double(value))))
            }

            fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar(Some(AttributeValue::Text(value.to_owned()))))
            }

            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
                let mut values = Vec::new();
                while let Some(Scalar(value)) = list.next_element()? {
                    match value {
                        Some(AttributeValue::List(_)) | None => {
                            return Err(de::Error::custom("a list of lists, or with null in it"));
                        }
                        Some(value) => values.push(value),
                    }
                }
                Ok(Scalar(Some(AttributeValue::List(values))))
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// Reads one of a few names, upper and lower case alike.
pub(super) fn folded<'de, D: Deserializer<'de>, T: Copy>(
    deserializer: D,
    names: &'static [(&'static str, T)],
    known: &'static [&'static str],
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    let found = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(&text));
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| de::Error::unknown_variant(&text, known))
}

/// A section that has no keys: what counts is that it is there.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Takes the default out of a schema: that of what is made of a section is not one of the section.
pub(super) fn without_default(schema: &mut Schema) {
    schema.remove("default");
}

/// Reads a section without keys, or null in its place, as true.
pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Option::<Nothing>::deserialize(deserializer).map(|_| true)
}
