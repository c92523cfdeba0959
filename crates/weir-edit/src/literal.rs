//! Values as a configuration writes them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use weir_component::schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use weir_pdata::view::AnyValue;
use weir_proto::otlp::common::v1 as otlp;
use weir_proto::otlp::common::v1::any_value::Value;

/// A value of any type that an attribute may have, but for bytes. Its type is that of the YAML scalar.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Nothing; only within lists and maps.
    Empty,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A number with a fraction.
    Double(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Literal>),
    /// A map, in the order in which it was written.
    Map(Vec<(String, Literal)>),
}

impl Literal {
    /// Deepest nesting of lists and maps: with this a value is legal wherever an attribute may stand.
    pub const MAX_DEPTH: usize = 16;

    /// Returns how deep lists and maps nest: 0 for a scalar.
    pub fn depth(&self) -> usize {
        match self {
            Self::List(list) => 1 + list.iter().map(Self::depth).max().unwrap_or(0),
            Self::Map(map) => 1 + map.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// Returns the value as OTLP writes it.
    pub fn to_message(&self) -> otlp::AnyValue {
        let value = match self {
            Self::Empty => None,
            Self::Bool(value) => Some(Value::BoolValue(*value)),
            Self::Int(value) => Some(Value::IntValue(*value)),
            Self::Double(value) => Some(Value::DoubleValue(*value)),
            Self::Text(text) => Some(Value::StringValue(text.clone())),
            Self::List(list) => Some(Value::ArrayValue(otlp::ArrayValue {
                values: list.iter().map(Self::to_message).collect(),
            })),
            Self::Map(map) => {
                let member = |(key, value): &(String, Self)| otlp::KeyValue {
                    key: key.clone(),
                    value: Some(value.to_message()),
                    ..otlp::KeyValue::default()
                };
                Some(Value::KvlistValue(otlp::KeyValueList {
                    values: map.iter().map(member).collect(),
                }))
            }
        };
        otlp::AnyValue { value }
    }

    /// Returns true if the value is of the same type and equal. The order of a map does not count.
    pub fn equals(&self, value: AnyValue<'_>) -> bool {
        match (self, value) {
            (Self::Empty, AnyValue::Empty) => true,
            (Self::Bool(own), AnyValue::Bool(value)) => *own == value,
            (Self::Int(own), AnyValue::Int(value)) => *own == value,
            (Self::Double(own), AnyValue::Double(value)) => *own == value,
            (Self::Text(own), AnyValue::String(text)) => own.as_bytes() == text.as_bytes(),
            (Self::List(own), AnyValue::Array(list)) => {
                let mut values = list.iter();
                own.iter()
                    .all(|own| values.next().is_some_and(|value| own.equals(value)))
                    && values.next().is_none()
            }
            (Self::Map(own), AnyValue::Map(map)) => {
                map.iter().count() == own.len()
                    && own.iter().all(|(key, own)| {
                        map.iter().any(|member| {
                            member.key().as_bytes() == key.as_bytes() && own.equals(member.value())
                        })
                    })
            }
            _ => false,
        }
    }
}

impl JsonSchema for Literal {
    fn schema_name() -> Cow<'static, str> {
        "Literal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({})
    }
}

impl Serialize for Literal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Empty => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(list) => serializer.collect_seq(list),
            Self::Map(map) => {
                let mut members = serializer.serialize_map(Some(map.len()))?;
                for (key, value) in map {
                    members.serialize_entry(key, value)?;
                }
                members.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Literal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Literal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, true or false, a list or a map")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Literal, E> {
                Ok(Literal::Empty)
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Literal, E> {
                Ok(Literal::Bool(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Literal, E> {
                Ok(Literal::Int(value))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Literal, E> {
                let value = i64::try_from(value);
                value
                    .map(Literal::Int)
                    .map_err(|_| E::custom("integers have at most 63 bits"))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Literal, E> {
                Ok(Literal::Double(value))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Literal, E> {
                Ok(Literal::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Literal, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(Literal::List(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Literal, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Literal::Map(members))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_keep_their_type() {
        let json = r#"{"a":[1,1.5,true,"x",null],"b":{}}"#;
        let literal: Literal = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&literal).unwrap(), json);
        assert_eq!(literal.depth(), 2);
        let message = literal.to_message();
        assert!(literal.equals(AnyValue::from_decoded(&message)));
        for other in [
            "{}",
            r#"{"a":[1,1.5,true,"x"],"b":{}}"#,
            r#"{"a":[1,1.5,true,"x",null],"c":{}}"#,
        ] {
            let other: Literal = serde_json::from_str(other).unwrap();
            assert!(!other.equals(AnyValue::from_decoded(&message)));
        }
        let turned: Literal = serde_json::from_str(r#"{"b":{},"a":[1,1.5,true,"x",null]}"#).unwrap();
        assert!(
            turned.equals(AnyValue::from_decoded(&message)),
            "maps have no order"
        );
        assert!(!Literal::Int(1).equals(AnyValue::Double(1.0)));
        assert!(serde_json::from_str::<Literal>("18446744073709551615").is_err());
    }
}
