//! Attribute values.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::common::v1::{AnyValue, KeyValue};

/// Returns the value with the name of its type, such as `Int(3)`.
pub(super) fn typed(value: Option<&AnyValue>) -> String {
    let name = match value.and_then(|value| value.value.as_ref()) {
        None | Some(Value::StringValueStrindex(_)) => "Empty",
        Some(Value::StringValue(_)) => "Str",
        Some(Value::BoolValue(_)) => "Bool",
        Some(Value::IntValue(_)) => "Int",
        Some(Value::DoubleValue(_)) => "Double",
        Some(Value::ArrayValue(_)) => "Slice",
        Some(Value::KvlistValue(_)) => "Map",
        Some(Value::BytesValue(_)) => "Bytes",
    };
    format!("{name}({})", plain(value))
}

/// Returns the value alone: texts as they are, lists and maps as JSON, bytes as base64.
pub(super) fn plain(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        None | Some(Value::StringValueStrindex(_)) => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::BytesValue(bytes)) => STANDARD.encode(bytes),
        Some(_) => json(value).to_string(),
    }
}

/// Depth is bounded: messages are decoded to a depth of 100.
fn json(value: Option<&AnyValue>) -> Json {
    match value.and_then(|value| value.value.as_ref()) {
        None | Some(Value::StringValueStrindex(_)) => Json::Null,
        Some(Value::StringValue(text)) => Json::from(text.as_str()),
        Some(Value::BoolValue(value)) => Json::from(*value),
        Some(Value::IntValue(number)) => Json::from(*number),
        Some(Value::DoubleValue(number)) => Json::from(*number),
        Some(Value::ArrayValue(list)) => list.values.iter().map(|value| json(Some(value))).collect(),
        Some(Value::KvlistValue(map)) => {
            Json::Object(map.values.iter().map(|pair| (pair.key.clone(), json(pair.value.as_ref()))).collect())
        }
        Some(Value::BytesValue(bytes)) => Json::from(STANDARD.encode(bytes)),
    }
}

/// Returns attributes as `key=value`, joined by `separator`.
pub(super) fn pairs(attributes: &[KeyValue], separator: &str) -> String {
    let pairs = attributes.iter().map(|pair| format!("{}={}", pair.key, plain(pair.value.as_ref())));
    pairs.collect::<Vec<_>>().join(separator)
}
