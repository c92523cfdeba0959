//! `resource`, in both of its forms.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

use super::scalar::Scalar;
use crate::telemetry::{AttributeValue, Complaints, Resource};

/// The two forms of `resource`: `attributes` with a list, or the attributes themselves.
#[derive(Default)]
pub(super) struct WrittenResource {
    attributes: Option<Vec<WrittenAttribute>>,
    inline: BTreeMap<String, Scalar>,
    schema_url: Option<String>,
    detection: Option<IgnoredAny>,
    attributes_list: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenAttribute {
    name: String,
    value: Scalar,
    #[serde(default)]
    r#type: Option<AttributeType>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AttributeType {
    String,
    Bool,
    Int,
    Double,
    StringArray,
    BoolArray,
    IntArray,
    DoubleArray,
}

impl<'de> Deserialize<'de> for WrittenResource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ResourceVisitor;
        impl<'de> Visitor<'de> for ResourceVisitor {
            type Value = WrittenResource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WrittenResource, A::Error> {
                let mut resource = WrittenResource::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "attributes" => resource.attributes = Some(map.next_value()?),
                        "schema_url" => resource.schema_url = Some(map.next_value()?),
                        "detection" | "detection/development" => resource.detection = Some(map.next_value()?),
                        "attributes_list" => resource.attributes_list = Some(map.next_value()?),
                        _ => {
                            resource.inline.insert(key, map.next_value()?);
                        }
                    }
                }
                Ok(resource)
            }
        }
        deserializer.deserialize_map(ResourceVisitor)
    }
}

impl WrittenResource {
    pub(super) fn understand(self, found: &mut Complaints<'_>) -> Resource {
        if self.schema_url.is_some() {
            found.unsupported("resource::schema_url", "a schema of the resource");
        }
        if self.detection.is_some() {
            found.unsupported(
                "resource::detection/development",
                "detecting attributes of the resource",
            );
        }
        if self.attributes_list.is_some() {
            found.error(
                "resource::attributes_list",
                "`attributes_list` is not allowed here",
                Some("use `attributes`"),
            );
        }
        let mut attributes = BTreeMap::new();
        if !self.inline.is_empty() {
            let hint = "write `attributes: [{name: ..., value: ...}]`";
            if self.attributes.is_some() {
                found.error(
                    "resource",
                    "`attributes` beside attributes in the older form",
                    Some(hint),
                );
            } else {
                found.warning("resource", "attributes in an older form", hint);
            }
        }
        for (key, value) in self.inline {
            attributes.insert(key, value.0);
        }
        for (nth, attribute) in self.attributes.into_iter().flatten().enumerate() {
            let at = format!("resource::attributes::{nth}");
            let Some(value) = attribute.value.0 else {
                found.error(&at, "an attribute without a value", None);
                continue;
            };
            match convert(value, attribute.r#type) {
                Ok(value) => {
                    attributes.insert(attribute.name, Some(value));
                }
                Err(message) => found.error(&format!("{at}::value"), message, None),
            }
        }
        Resource { attributes }
    }
}

/// Gives a value the type that it is declared to have.
pub(super) fn convert(
    value: AttributeValue,
    declared: Option<AttributeType>,
) -> Result<AttributeValue, String> {
    use AttributeType as Type;
    use AttributeValue as Value;
    Ok(match (declared, value) {
        (None, value)
        | (Some(Type::String), value @ Value::Text(_))
        | (Some(Type::Bool), value @ Value::Bool(_))
        | (Some(Type::Int), value @ Value::Int(_))
        | (Some(Type::Double), value @ Value::Double(_)) => value,
        (Some(Type::Double), Value::Int(value)) => Value::Double(value as f64),
        (Some(Type::StringArray | Type::BoolArray | Type::IntArray | Type::DoubleArray), _) => {
            return Err("not supported yet: attributes that are lists".to_owned());
        }
        _ => return Err("the value is not of the type that `type` says".to_owned()),
    })
}
