//! Values, attributes, ids and times as text.

use jiff::Timestamp;
use serde_json::Value as Json;
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::common::v1::{AnyValue, KeyValue};

/// Returns a value with its type, for example `Str(a)`.
pub(super) fn typed(value: Option<&AnyValue>) -> String {
    let kind = match value.and_then(|value| value.value.as_ref()) {
        None | Some(Value::StringValueStrindex(_)) => "Empty",
        Some(Value::StringValue(_)) => "Str",
        Some(Value::BoolValue(_)) => "Bool",
        Some(Value::IntValue(_)) => "Int",
        Some(Value::DoubleValue(_)) => "Double",
        Some(Value::ArrayValue(_)) => "Slice",
        Some(Value::KvlistValue(_)) => "Map",
        Some(Value::BytesValue(_)) => "Bytes",
    };
    format!("{kind}({})", plain(value))
}

/// Returns a value without its type; nested values are JSON.
pub(super) fn plain(value: Option<&AnyValue>) -> String {
    match json(value) {
        Json::Null => String::new(),
        Json::String(text) => text,
        other => other.to_string(),
    }
}

fn json(value: Option<&AnyValue>) -> Json {
    match value.and_then(|value| value.value.as_ref()) {
        None | Some(Value::StringValueStrindex(_)) => Json::Null,
        Some(Value::StringValue(text)) => Json::from(text.as_str()),
        Some(Value::BoolValue(value)) => Json::from(*value),
        Some(Value::IntValue(value)) => Json::from(*value),
        Some(Value::DoubleValue(value)) if value.is_finite() => Json::from(*value),
        Some(Value::DoubleValue(value)) => Json::from(value.to_string()),
        Some(Value::ArrayValue(list)) => list.values.iter().map(|value| json(Some(value))).collect(),
        Some(Value::KvlistValue(list)) => Json::Object(
            list.values
                .iter()
                .map(|pair| (pair.key.clone(), json(pair.value.as_ref())))
                .collect(),
        ),
        Some(Value::BytesValue(bytes)) => Json::from(hex(bytes)),
    }
}

/// Returns attributes as `key=value` pairs.
pub(super) fn pairs(attributes: &[KeyValue], separator: &str) -> String {
    let pairs = attributes
        .iter()
        .map(|pair| format!("{}={}", pair.key, plain(pair.value.as_ref())));
    pairs.collect::<Vec<_>>().join(separator)
}

/// Returns bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns a Unix time in nanoseconds as text in UTC.
pub(super) fn time(nanos: u64) -> String {
    Timestamp::from_nanosecond(i128::from(nanos)).map_or_else(|_| nanos.to_string(), |time| time.to_string())
}
