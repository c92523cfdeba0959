//! The JSON forms of what is neither object nor array.
//!
//! A number keeps its text until it is known what it must be. So a 64-bit integer is exact however it is spelt, a
//! floating-point number is rounded once and correctly, and it makes no difference whether either stood in quotes.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{self, Deserialize, Deserializer, Error, Visitor};
use serde_json::value::RawValue;

use super::read::{FromJson, Place};
use super::write::{self, ToJson};

impl FromJson for bool {
    fn read<'de, D: Deserializer<'de>>(input: D, _: &mut Place<'de>) -> Result<Self, D::Error> {
        bool::deserialize(input)
    }
}

impl ToJson for bool {
    fn is_unset(&self) -> bool {
        !self
    }

    fn write(&self, out: &mut Vec<u8>) {
        write::literal(out, self);
    }
}

impl FromJson for String {
    fn read<'de, D: Deserializer<'de>>(input: D, _: &mut Place<'de>) -> Result<Self, D::Error> {
        String::deserialize(input)
    }
}

impl ToJson for String {
    fn is_unset(&self) -> bool {
        self.is_empty()
    }

    fn write(&self, out: &mut Vec<u8>) {
        write::literal(out, self);
    }
}

// === Numbers ===

impl FromJson for u32 {
    fn read<'de, D: Deserializer<'de>>(input: D, _: &mut Place<'de>) -> Result<Self, D::Error> {
        number(input, "an unsigned integer of 32 bits", integer)
    }
}

impl ToJson for u32 {
    fn is_unset(&self) -> bool {
        *self == 0
    }

    fn write(&self, out: &mut Vec<u8>) {
        write::literal(out, self);
    }
}

impl FromJson for i32 {
    fn read<'de, D: Deserializer<'de>>(input: D, _: &mut Place<'de>) -> Result<Self, D::Error> {
        number(input, "an integer of 32 bits", integer)
    }
}

impl ToJson for i32 {
    fn is_unset(&self) -> bool {
        *self == 0
    }

    fn write(&self, out: &mut Vec<u8>) {
        write::literal(out, self);
    }
}

impl FromJson for u64 {
    fn read<'de, D: Deserializer<'de>>(input: D, _: &mut Place<'de>) -> Result<Self, D::Error> {
        number(input, "an unsigned integer of 64 bits", integer)
    }
}

impl ToJson for u64 {
    fn is_unset(&self) -> bool {
        *self == 0
    }

    fn write(&self, out: &mut Vec<u8>) {
        write::quoted(out, |out| write::literal(out, self));
    }
}

impl FromJson for i64 {
    fn read<'de, D: Deserializer<'de>>(input: D, _: &mut Place<'de>) -> Result<Self, D::Error> {
        number(input, "an integer of 64 bits", integer)
    }
}

impl ToJson for i64 {
    fn is_unset(&self) -> bool {
        *self == 0
    }

    fn write(&self, out: &mut Vec<u8>) {
        write::quoted(out, |out| write::literal(out, self));
    }
}

impl FromJson for f64 {
    fn read<'de, D: Deserializer<'de>>(input: D, _: &mut Place<'de>) -> Result<Self, D::Error> {
        number(
            input,
            "a number, `NaN`, `Infinity` or `-Infinity`",
            |text| match text {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                _ if is_number(text) => text.parse().ok().filter(|value: &f64| value.is_finite()),
                _ => None,
            },
        )
    }
}

impl ToJson for f64 {
    /// Negative zero differs from the default.
    fn is_unset(&self) -> bool {
        self.to_bits() == 0
    }

    fn write(&self, out: &mut Vec<u8>) {
        if self.is_nan() {
            write::literal(out, "NaN");
        } else if self.is_infinite() {
            write::literal(out, if *self > 0.0 { "Infinity" } else { "-Infinity" });
        } else {
            write::literal(out, self);
        }
    }
}

/// Reads what `parse` makes of the text of a number, which may stand in quotes.
fn number<'de, D: Deserializer<'de>, T>(
    input: D,
    expected: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let raw = <&RawValue>::deserialize(input)?.get();
    let text = if raw.starts_with('"') {
        unquote(raw).map_err(D::Error::custom)?
    } else {
        raw.into()
    };
    parse(&text).ok_or_else(|| D::Error::custom(format_args!("expected {expected}")))
}

/// Returns the content of a JSON string.
fn unquote(raw: &str) -> serde_json::Result<Cow<'_, str>> {
    match raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Ok(plain.into()),
        _ => serde_json::from_str(raw).map(Cow::Owned),
    }
}

/// Returns the integer that a JSON number denotes, if it is one and in the range of `T`.
fn integer<T: FromStr + TryFrom<i128>>(text: &str) -> Option<T> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if plain || text == "0" {
        return text.parse().ok();
    }
    whole(text).and_then(|value| T::try_from(value).ok())
}

/// Returns the exact value of a JSON number with a point or an exponent, if it has no fraction and fits.
fn whole(text: &str) -> Option<i128> {
    if !is_number(text) {
        return None;
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    if digits == 0 {
        return Some(0);
    }
    // The value is `digits * 10^shift`.
    let shift = exponent
        .parse::<i32>()
        .ok()?
        .checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let power = 10_i128.checked_pow(shift.unsigned_abs())?;
    if shift >= 0 {
        digits.checked_mul(power)
    } else {
        (digits % power == 0).then(|| digits / power)
    }
}

/// Whether the text is a number of JSON's grammar (RFC 8259, section 6) and nothing else.
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_digit())
        && serde_json::from_str::<&RawValue>(text).is_ok()
}

/// An enum in either form that is accepted.
pub(super) enum EnumValue {
    Number(i32),
    Name(String),
}

impl FromJson for EnumValue {
    fn read<'de, D: Deserializer<'de>>(input: D, _: &mut Place<'de>) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(input)?.get();
        if raw.starts_with('"') {
            let name = unquote(raw).map_err(D::Error::custom)?;
            return Ok(EnumValue::Name(name.into_owned()));
        }
        let number = integer(raw).map(EnumValue::Number);
        number.ok_or_else(|| D::Error::custom("expected the number or the name of an enum value"))
    }
}

// === Bytes ===

/// Trace ids (16 bytes) and span ids (8 bytes).
// Spec: OTLP, "JSON Protobuf Encoding": ids are hex, unlike other bytes.
pub(super) struct Id<const N: usize>(pub(super) Vec<u8>);

impl<const N: usize> FromJson for Id<N> {
    fn read<'de, D: Deserializer<'de>>(input: D, _: &mut Place<'de>) -> Result<Self, D::Error> {
        text(input, format_args!("{} hex digits or none", 2 * N), |digits| {
            let bytes = from_hex(digits)?;
            (bytes.is_empty() || bytes.len() == N).then_some(Id(bytes))
        })
    }
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    let byte = |pair: &[u8; 2]| u8::try_from(nibble(pair[0])? << 4 | nibble(pair[1])?).ok();
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if rest.is_empty() {
        pairs.iter().map(byte).collect()
    } else {
        None
    }
}

/// Bytes that are no id.
pub(super) struct Base64(pub(super) Vec<u8>);

impl FromJson for Base64 {
    fn read<'de, D: Deserializer<'de>>(input: D, _: &mut Place<'de>) -> Result<Self, D::Error> {
        text(input, format_args!("base64"), |text| {
            let engine = if text.contains(['-', '_']) {
                URL_SAFE
            } else {
                STANDARD
            };
            engine.decode(text).ok().map(Base64)
        })
    }
}

/// Padding and the unused bits of the last digit carry nothing, so they may be anything.
const ANY_END: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_END);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_END);

/// Reads what `parse` makes of a string.
fn text<'de, D: Deserializer<'de>, T>(
    input: D,
    expected: fmt::Arguments<'_>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    struct Text<'a, F>(fmt::Arguments<'a>, F);

    impl<T, F: FnOnce(&str) -> Option<T>> Visitor<'_> for Text<'_, F> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_fmt(self.0)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            (self.1)(text).ok_or_else(|| E::custom(format_args!("expected {}", self.0)))
        }
    }

    input.deserialize_str(Text(expected, parse))
}
