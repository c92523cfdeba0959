//! The resource that own telemetry describes.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use weir_component::BuildInfo;
use weir_config::telemetry::{AttributeValue, Resource};
use weir_proto::otlp::{common, resource};

use super::{detect, settings};
use crate::App;

/// Schema of the attributes that Weir sets itself.
const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.37.0";

/// Attributes of the process: what logs, metrics and spans say about where they come from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OwnResource {
    pub(super) attributes: BTreeMap<String, AttributeValue>,
    pub(super) schema_url: String,
    /// Version of the binary, which is that of all scopes.
    pub(super) version: String,
}

impl OwnResource {
    /// Finds out what `configured` asks for and puts the rest together.
    pub(super) fn of(app: &App, configured: &Resource) -> Self {
        let wanted = configured.detection.attributes.as_ref().map(settings::selection);
        let detected = detect::all(&configured.detection.detectors)
            .into_iter()
            .filter(|(name, _)| wanted.as_ref().is_none_or(|wanted| wanted.takes(name)));
        Self::new(configured, detected.collect(), app.build_info(), app.instance())
    }

    /// Lays the configured attributes over the detected and the default ones. A detected name of the service wins over the default.
    fn new(
        configured: &Resource,
        detected: BTreeMap<String, AttributeValue>,
        build_info: &BuildInfo,
        instance: u128,
    ) -> Self {
        let text = |text: &str| AttributeValue::Text(text.to_owned());
        let mut attributes = BTreeMap::from([
            ("service.instance.id".to_owned(), text(&uuid(instance))),
            ("service.name".to_owned(), text(&build_info.command)),
            ("service.version".to_owned(), text(&build_info.version)),
        ]);
        attributes.extend(detected);
        for (name, value) in &configured.attributes {
            match value {
                Some(value) => attributes.insert(name.clone(), value.clone()),
                None => attributes.remove(name),
            };
        }
        Self {
            attributes,
            schema_url: configured
                .schema_url
                .clone()
                .unwrap_or_else(|| SCHEMA_URL.to_owned()),
            version: build_info.version.clone(),
        }
    }

    /// Returns the attributes as the field of log lines.
    pub(super) fn to_json(&self) -> Map<String, Value> {
        let attributes = self.attributes.iter();
        attributes
            .map(|(name, value)| (name.clone(), json(value)))
            .collect()
    }

    /// Returns the attributes as labels.
    pub(super) fn to_labels(&self) -> BTreeMap<String, String> {
        let attributes = self.attributes.iter();
        attributes
            .map(|(name, value)| (name.clone(), label(value)))
            .collect()
    }

    /// Returns the resource of OTLP.
    pub(super) fn to_proto(&self) -> resource::v1::Resource {
        resource::v1::Resource {
            attributes: self
                .attributes
                .iter()
                .map(|(name, value)| attribute(name, proto(value)))
                .collect(),
            ..resource::v1::Resource::default()
        }
    }
}

/// Returns an attribute of OTLP.
pub(super) fn attribute(name: &str, value: common::v1::any_value::Value) -> common::v1::KeyValue {
    common::v1::KeyValue {
        key: name.to_owned(),
        value: Some(common::v1::AnyValue { value: Some(value) }),
        ..common::v1::KeyValue::default()
    }
}

/// Returns a value of OTLP.
pub(super) fn proto(value: &AttributeValue) -> common::v1::any_value::Value {
    use common::v1::{AnyValue, ArrayValue, any_value};
    match value {
        AttributeValue::Bool(value) => any_value::Value::BoolValue(*value),
        AttributeValue::Int(value) => any_value::Value::IntValue(*value),
        AttributeValue::Double(value) => any_value::Value::DoubleValue(*value),
        AttributeValue::Text(value) => any_value::Value::StringValue(value.clone()),
        AttributeValue::List(values) => any_value::Value::ArrayValue(ArrayValue {
            values: values
                .iter()
                .map(|value| AnyValue {
                    value: Some(proto(value)),
                })
                .collect(),
        }),
    }
}

/// Returns a value as JSON.
pub(super) fn json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::Bool(value) => Value::from(*value),
        AttributeValue::Int(value) => Value::from(*value),
        AttributeValue::Double(value) => Value::from(*value),
        AttributeValue::Text(value) => Value::from(value.as_str()),
        AttributeValue::List(values) => values.iter().map(json).collect(),
    }
}

/// Returns a value as the value of a label.
fn label(value: &AttributeValue) -> String {
    match value {
        AttributeValue::Text(text) => text.clone(),
        other => json(other).to_string(),
    }
}

/// Formats random bits as a UUID of version 4 (RFC 9562, section 5.4).
fn uuid(bits: u128) -> String {
    let bits = bits & !(0xf << 76) & !(0b11 << 62) | 0x4 << 76 | 0b10 << 62;
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_attributes_are_laid_over_the_detected_and_the_default_ones() {
        let text = |text: &str| AttributeValue::Text(text.to_owned());
        let configured = Resource {
            attributes: BTreeMap::from([
                ("service.name".to_owned(), Some(text("edge"))),
                ("service.version".to_owned(), None),
                ("rack".to_owned(), Some(AttributeValue::Int(7))),
            ]),
            ..Resource::default()
        };
        let detected = BTreeMap::from([
            ("service.name".to_owned(), text("found")),
            ("host.name".to_owned(), text("h")),
        ]);
        let resource = OwnResource::new(&configured, detected, &BuildInfo::default(), 0);
        let labels = resource.to_labels();
        assert_eq!(
            labels.keys().collect::<Vec<_>>(),
            ["host.name", "rack", "service.instance.id", "service.name"]
        );
        assert_eq!(
            (labels["service.name"].as_str(), labels["rack"].as_str()),
            ("edge", "7")
        );
        assert_eq!(resource.schema_url, SCHEMA_URL);
    }

    #[test]
    fn uuids_carry_version_and_variant() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
