//! Values as text.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{AnyValue, InvalidUtf8};

/// Deepest nesting of lists and maps that is written out; as deep as protobuf messages may nest.
const MAX_DEPTH: usize = 100;

/// Why a value has no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// A string in it is not UTF-8.
    #[error(transparent)]
    InvalidUtf8(#[from] InvalidUtf8),
    /// Lists and maps nest more than 100 deep.
    #[error("value is nested too deeply")]
    TooDeep,
}

/// Appends the text of an attribute value: strings as they are, numbers in their shortest form, bytes in
/// base64, lists and maps as JSON with sorted keys. An empty value adds nothing.
///
/// # Errors
/// [`ValueError`]; `out` may then hold a part of the text.
pub fn push_text(value: AnyValue<'_>, out: &mut String) -> Result<(), ValueError> {
    match value {
        AnyValue::Empty => {}
        AnyValue::String(text) => out.push_str(text.to_str()?),
        AnyValue::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        AnyValue::Int(value) => push(out, format_args!("{value}")),
        AnyValue::Double(value) => push_double(out, value),
        AnyValue::Bytes(bytes) => STANDARD.encode_string(bytes, out),
        AnyValue::Array(_) | AnyValue::Map(_) => push_json(value, MAX_DEPTH, out)?,
    }
    Ok(())
}

/// Appends the text of a double attribute: ECMAScript's shortest form, an exponent only below 1e-6 and
/// from 1e21 on, `NaN`, `Infinity`, `-Infinity`.
pub fn push_double(out: &mut String, value: f64) {
    let magnitude = value.abs();
    if value.is_nan() {
        out.push_str("NaN");
    } else if magnitude == f64::INFINITY {
        out.push_str(if value < 0.0 { "-Infinity" } else { "Infinity" });
    } else if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        push(out, format_args!("{value}"));
    } else {
        let start = out.len();
        push(out, format_args!("{value:e}"));
        // Rust writes `1e21`, the wanted form is `1e+21`; negative exponents agree.
        if let Some(e) = out[start..].find('e').map(|at| start + at + 1)
            && !out[e..].starts_with('-')
        {
            out.insert(e, '+');
        }
    }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a string cannot fail");
}

fn push_json(value: AnyValue<'_>, depth: usize, out: &mut String) -> Result<(), ValueError> {
    let depth = depth.checked_sub(1).ok_or(ValueError::TooDeep)?;
    match value {
        AnyValue::Empty => out.push_str("null"),
        AnyValue::String(text) => push_json_string(text.to_str()?, out),
        // JSON has no such numbers.
        AnyValue::Double(number) if !number.is_finite() => {
            out.push('"');
            push_double(out, number);
            out.push('"');
        }
        AnyValue::Bytes(_) => {
            out.push('"');
            push_text(value, out)?;
            out.push('"');
        }
        AnyValue::Array(list) => {
            out.push('[');
            for (index, element) in list.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                push_json(element, depth, out)?;
            }
            out.push(']');
        }
        AnyValue::Map(map) => {
            let mut members = Vec::new();
            for member in map.iter() {
                members.push((member.key().to_str()?, member.value()));
            }
            push_json_members(members, depth, out)?;
        }
        AnyValue::Bool(_) | AnyValue::Int(_) | AnyValue::Double(_) => push_text(value, out)?,
    }
    Ok(())
}

/// Of members with one key the last counts.
fn push_json_members(
    mut members: Vec<(&str, AnyValue<'_>)>,
    depth: usize,
    out: &mut String,
) -> Result<(), ValueError> {
    members.sort_by_key(|(key, _)| *key);
    out.push('{');
    let mut separator = "";
    for (index, (key, value)) in members.iter().enumerate() {
        if members.get(index + 1).is_some_and(|(next, _)| next == key) {
            continue;
        }
        out.push_str(separator);
        separator = ",";
        push_json_string(key, out);
        out.push(':');
        push_json(*value, depth, out)?;
    }
    out.push('}');
    Ok(())
}

/// Escapes what JSON demands, and the two line separators that JavaScript does not allow in strings; not
/// `<`, `>` and `&`.
fn push_json_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => push(out, format_args!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}
