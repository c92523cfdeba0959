//! What actions make of values.

use aws_lc_rs::digest::{SHA256, digest};
use weir_pdata::view::{AnyValue, push_text};

use super::ConvertedType;

/// Returns the SHA-256 hash of a value in hexadecimal digits: of the bytes of a text, of the 8 little-endian bytes of a number, of
/// the byte 0 or 1 of a truth value. An empty text and values of other types give an empty text.
pub(super) fn hash(value: AnyValue<'_>) -> String {
    match value {
        AnyValue::String(text) if text.is_empty() => String::new(),
        AnyValue::String(text) => hex(text.as_bytes()),
        AnyValue::Bool(value) => hex(&[u8::from(value)]),
        AnyValue::Int(value) => hex(&value.to_le_bytes()),
        AnyValue::Double(value) => hex(&value.to_le_bytes()),
        AnyValue::Empty | AnyValue::Bytes(_) | AnyValue::Array(_) | AnyValue::Map(_) => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let nibbles = digest(&SHA256, bytes);
    let nibbles = nibbles.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    nibbles
        .map(|nibble| char::from(DIGITS[usize::from(nibble)]))
        .collect()
}

/// A value after its conversion.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Converted {
    Int(i64),
    Double(f64),
    Text(String),
}

impl Converted {
    pub(super) fn as_value(&self) -> AnyValue<'_> {
        match self {
            Self::Int(value) => AnyValue::Int(*value),
            Self::Double(value) => AnyValue::Double(*value),
            Self::Text(text) => AnyValue::from(text.as_str()),
        }
    }
}

/// Converts a value, unless it is of the type already or cannot be converted.
pub(super) fn converted(value: AnyValue<'_>, to: ConvertedType) -> Option<Converted> {
    match (to, value) {
        (ConvertedType::Int, AnyValue::Double(value)) => Some(Converted::Int(value as i64)),
        (ConvertedType::Int, AnyValue::Bool(value)) => Some(Converted::Int(value.into())),
        (ConvertedType::Int, AnyValue::String(text)) => text.to_str().ok()?.parse().ok().map(Converted::Int),
        (ConvertedType::Double, AnyValue::Int(value)) => Some(Converted::Double(value as f64)),
        (ConvertedType::Double, AnyValue::Bool(value)) => Some(Converted::Double(value.into())),
        (ConvertedType::Double, AnyValue::String(text)) => to_double(text.to_str().ok()?),
        (ConvertedType::String, AnyValue::String(_)) => None,
        (ConvertedType::String, value) => {
            let mut text = String::new();
            push_text(value, &mut text).ok()?;
            Some(Converted::Text(text))
        }
        (ConvertedType::Int | ConvertedType::Double, _) => None,
    }
}

fn to_double(text: &str) -> Option<Converted> {
    let value: f64 = text.parse().ok()?;
    // A number too large for a double is no number, unless the text says so.
    let spelled_out = text.trim_start_matches(['+', '-']).starts_with(['i', 'I']);
    (value.is_finite() || value.is_nan() || spelled_out).then_some(Converted::Double(value))
}
