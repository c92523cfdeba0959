//! Attributes that must be there.

use std::fmt::Write;

use weir_component::BuildError;
use weir_pdata::view::{AnyValue, Attributes};

use super::texts::{Comparison, Texts};
use super::{AttributeMatch, MatchType};
use crate::Literal;

/// Attributes that must all be there, each with a value that matches.
#[derive(Debug, Default)]
pub(super) struct AttributeTests(Vec<AttributeTest>);

#[derive(Debug)]
struct AttributeTest {
    key: String,
    value: ValueTest,
}

#[derive(Debug)]
enum ValueTest {
    Any,
    Equals(Literal),
    Text(Texts),
}

impl AttributeTests {
    pub(super) fn new(comparison: Comparison<'_>, attributes: &[AttributeMatch]) -> Result<Self, BuildError> {
        let test = |attribute: &AttributeMatch| {
            let value = match (&attribute.value, comparison.match_type) {
                (None, _) => ValueTest::Any,
                (Some(value), MatchType::Strict) => ValueTest::Equals(value.clone()),
                (Some(Literal::Text(text)), MatchType::Regexp) => {
                    ValueTest::Text(comparison.texts([text.as_str()].into_iter())?)
                }
                (Some(_), MatchType::Regexp) => {
                    return Err(BuildError::new(format!(
                        "the value of `{}` must be a text with `match_type: regexp`",
                        attribute.key
                    )));
                }
            };
            let key = attribute.key.clone();
            Ok(AttributeTest { key, value })
        };
        attributes.iter().map(test).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn matches(&self, attributes: &Attributes<'_>) -> bool {
        self.0.iter().all(|test| {
            let mut all = attributes.iter();
            all.find(|attribute| attribute.key().as_bytes() == test.key.as_bytes())
                .is_some_and(|attribute| test.value.matches(attribute.value()))
        })
    }
}

impl ValueTest {
    fn matches(&self, value: AnyValue<'_>) -> bool {
        match (self, value) {
            (Self::Any, _) => true,
            (Self::Equals(literal), value) => literal.equals(value),
            (Self::Text(texts), AnyValue::String(text)) => texts.match_text(text),
            (Self::Text(texts), AnyValue::Bool(value)) => {
                texts.match_str(if value { "true" } else { "false" })
            }
            (Self::Text(texts), AnyValue::Int(value)) => match_number(texts, format_args!("{value}")),
            // Without an exponent, unlike elsewhere: this is how the Collector compares.
            (Self::Text(texts), AnyValue::Double(value)) if value.is_infinite() => {
                texts.match_str(if value > 0.0 { "+Inf" } else { "-Inf" })
            }
            (Self::Text(texts), AnyValue::Double(value)) => match_number(texts, format_args!("{value}")),
            (Self::Text(_), AnyValue::Empty | AnyValue::Bytes(_) | AnyValue::Array(_) | AnyValue::Map(_)) => {
                false
            }
        }
    }
}

fn match_number(texts: &Texts, number: std::fmt::Arguments<'_>) -> bool {
    let mut text = String::new();
    text.write_fmt(number).expect("a string takes everything");
    texts.match_str(&text)
}
