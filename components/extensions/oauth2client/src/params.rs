//! Further parameters of token requests.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, SeqAccess};
use serde::{Deserialize, Deserializer, Serialize};
use weir_component::config::Secret;
use weir_component::schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Parameters by name, each with a value or a list of values. They are not shown: some servers want credentials here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndpointParams(BTreeMap<String, Values>);

/// A text, or a list of texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Values(Vec<Secret>);

impl EndpointParams {
    /// Returns true if there are values for a name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns names and values, a name once for each of its values.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .flat_map(|(name, values)| values.0.iter().map(|value| (name.as_str(), value.expose())))
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Values;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Values, E> {
                Ok(Values(vec![Secret::new(value)]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Values, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    values.push(value);
                }
                Ok(Values(values))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for EndpointParams {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EndpointParams".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "additionalProperties": { "type": ["string", "array"], "items": { "type": "string" } },
        })
    }
}
