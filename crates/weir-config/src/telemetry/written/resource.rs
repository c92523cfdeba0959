//! `resource`, in both of its forms.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

use weir_component::schemars::{self, JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{
    metrics::WrittenSelection,
    scalar::{Nothing, Scalar, present, without_default},
};
use crate::telemetry::{AttributeValue, Complaints, Detection, Detector, Resource};

/// The two forms of `resource`: `attributes` with a list, or the attributes themselves.
#[derive(Default)]
pub(super) struct WrittenResource {
    attributes: Option<Vec<WrittenAttribute>>,
    inline: BTreeMap<String, Scalar>,
    schema_url: Option<String>,
    detection: WrittenDetection,
    attributes_list: Option<IgnoredAny>,
}

/// An attribute of the resource.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenAttribute {
    /// Name of the attribute. Required.
    name: String,
    /// Its value. Required.
    value: Scalar,
    /// Type that the value must have. Default: that of the value.
    #[serde(default)]
    r#type: Option<AttributeType>,
}

/// Finds attributes of the resource.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct WrittenDetection {
    /// Which of the attributes found are taken. Default: all.
    attributes: Option<WrittenSelection>,
    /// Where to look. Default: nowhere.
    detectors: Vec<WrittenDetector>,
}

/// Where to look for attributes: one of the keys.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct WrittenDetector {
    /// The container: `container.id`. Takes an empty section.
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Option<Nothing>", transform = without_default)]
    container: bool,
    /// The machine: `host.name`, `host.id`, `host.arch`, `os.type`. Takes an empty section.
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Option<Nothing>", transform = without_default)]
    host: bool,
    /// The process: `process.pid`, `process.executable.name`, `process.executable.path`, `process.owner`. Takes an empty section.
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Option<Nothing>", transform = without_default)]
    process: bool,
    /// The service, by `OTEL_SERVICE_NAME`: `service.name`. Takes an empty section.
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Option<Nothing>", transform = without_default)]
    service: bool,
}

impl WrittenDetection {
    fn understand(self, at: &str, found: &mut Complaints<'_>) -> Detection {
        let mut detectors = Vec::new();
        for (nth, written) in self.detectors.iter().enumerate() {
            let chosen = [
                (written.container, Detector::Container),
                (written.host, Detector::Host),
                (written.process, Detector::Process),
                (written.service, Detector::Service),
            ];
            let chosen = chosen.iter().filter(|(is_chosen, _)| *is_chosen);
            let before = detectors.len();
            detectors.extend(chosen.map(|(_, detector)| *detector));
            if detectors.len() == before {
                let at = format!("{at}::detectors::{nth}");
                found.error(
                    &at,
                    "a detector is one of `container`, `host`, `process`, `service`",
                    None,
                );
            }
        }
        detectors.sort_unstable();
        detectors.dedup();
        Detection {
            attributes: self
                .attributes
                .map(|attributes| attributes.understand(&format!("{at}::attributes"), found)),
            detectors,
        }
    }
}

/// A type of attributes.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
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

impl JsonSchema for WrittenResource {
    fn schema_name() -> Cow<'static, str> {
        "TelemetryResource".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut detection = generator.subschema_for::<WrittenDetection>();
        detection.insert(
            "description".to_owned(),
            "Finds attributes. Default: none are looked for.".into(),
        );
        let mut old = detection.clone();
        old.insert(
            "description".to_owned(),
            "Old spelling of `detection/development`.".into(),
        );
        old.insert("deprecated".to_owned(), true.into());
        let mut attributes = generator.subschema_for::<Option<Vec<WrittenAttribute>>>();
        attributes.insert(
            "description".to_owned(),
            "The attributes, over those that Weir sets itself (`service.name`, `service.version`, `service.instance.id`).".into(),
        );
        json_schema!({
            "description": "What tells this process from others. Other keys are attributes in an older form: a name and its value, or null to take it away.",
            "type": "object",
            "properties": {
                "attributes": attributes,
                "schema_url": { "description": "URL of the schema that the attributes follow.", "type": ["string", "null"] },
                "detection/development": detection,
                "detection": old,
            },
            "additionalProperties": generator.subschema_for::<Scalar>(),
        })
    }
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
                        "schema_url" => resource.schema_url = map.next_value()?,
                        "detection" | "detection/development" => {
                            resource.detection = map.next_value::<Option<_>>()?.unwrap_or_default();
                        }
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
        let detection = self
            .detection
            .understand("resource::detection/development", found);
        Resource {
            attributes,
            schema_url: self.schema_url.filter(|url| !url.is_empty()),
            detection,
        }
    }
}

/// Gives a value the type that it is declared to have.
pub(super) fn convert(
    value: AttributeValue,
    declared: Option<AttributeType>,
) -> Result<AttributeValue, String> {
    use AttributeType as Type;
    use AttributeValue as Value;
    if let (None, Value::List(values)) = (declared, &value)
        && values
            .windows(2)
            .any(|pair| std::mem::discriminant(&pair[0]) != std::mem::discriminant(&pair[1]))
    {
        return Err("a list of different types".to_owned());
    }
    Ok(match (declared, value) {
        (None, value)
        | (Some(Type::String), value @ Value::Text(_))
        | (Some(Type::Bool), value @ Value::Bool(_))
        | (Some(Type::Int), value @ Value::Int(_))
        | (Some(Type::Double), value @ Value::Double(_)) => value,
        (Some(Type::Double), Value::Int(value)) => Value::Double(value as f64),
        (Some(declared), Value::List(values)) => {
            let one = match declared {
                Type::StringArray => Type::String,
                Type::BoolArray => Type::Bool,
                Type::IntArray => Type::Int,
                Type::DoubleArray => Type::Double,
                _ => return Err("a list, which is not what `type` says".to_owned()),
            };
            let values = values.into_iter().map(|value| convert(value, Some(one)));
            Value::List(values.collect::<Result<_, _>>()?)
        }
        _ => return Err("the value is not of the type that `type` says".to_owned()),
    })
}
