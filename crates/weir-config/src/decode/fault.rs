//! What can be wrong with a value, and how to say it.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::{path::Path, suggest};

/// One mistake in a value, found while decoding it.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// A key that the section does not have.
    UnknownField {
        field: String,
        known: &'static [&'static str],
    },
    /// A required key that is not there.
    Missing(String),
    /// A value of another type than wanted.
    Type { found: Given, wanted: String },
    /// A value of the right type that is not allowed.
    Value { found: Given, wanted: String },
    /// A text that is none of the allowed ones.
    UnknownVariant {
        variant: String,
        known: &'static [&'static str],
    },
    /// A message from the type itself.
    Custom(String),
    /// A key of a map that its type refuses.
    Key(String),
}

/// What was found in place of what was wanted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Given {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List,
    Map,
    Other(String),
}

impl Fault {
    /// The path of the value to point at (and to leave out), for a fault found at `path`.
    pub(crate) fn culprit(&self, path: &Path) -> Path {
        match self {
            Self::UnknownField { field, .. } => path.key(field),
            _ => path.clone(),
        }
    }

    pub(crate) fn message(&self) -> String {
        match self {
            Self::UnknownField { field, .. } => format!("unknown key `{field}`"),
            Self::Missing(field) => format!("the required key `{field}` is missing"),
            Self::Type { found, wanted } => format!("expected {}, found {found}", plain(wanted)),
            Self::Value { found, wanted } => format!("{found} is not allowed, expected {}", plain(wanted)),
            Self::UnknownVariant { variant, .. } => format!("unknown value `{variant}`"),
            Self::Custom(message) | Self::Key(message) => message.clone(),
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownField { known: [], .. } => Some("this section has no keys".to_owned()),
            Self::UnknownField { field, known } => {
                suggest::hint(field, known.iter().copied(), "the keys here are")
            }
            Self::UnknownVariant { variant, known } => {
                suggest::hint(variant, known.iter().copied(), "the values allowed here are")
            }
            Self::Type { found, wanted } => type_hint(found, wanted),
            _ => None,
        }
    }
}

fn type_hint(found: &Given, wanted: &str) -> Option<String> {
    let text = wanted.contains("string") && !wanted.contains("list");
    match found {
        Given::Null => Some("remove the key to keep its default, or give it a value".to_owned()),
        Given::Number(_) | Given::Bool(_) if text => {
            Some("put the value in quotes to make it a text".to_owned())
        }
        Given::Number(_) if wanted.contains("duration") => Some("add a unit, as in `5s`".to_owned()),
        Given::Text(text) if wanted == "a boolean" => match text.to_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => Some("write `true`, without quotes".to_owned()),
            "false" | "no" | "off" | "n" => Some("write `false`, without quotes".to_owned()),
            _ => Some("write `true` or `false`".to_owned()),
        },
        Given::Text(text) if integer_range(wanted).is_some() && text.parse::<i128>().is_ok() => {
            Some("remove the quotes".to_owned())
        }
        Given::Text(text) if integer_range(wanted).is_some() && is_size(text) => {
            Some("write a plain number; the key or its reference says in which unit".to_owned())
        }
        Given::Bool(false) if plain(wanted).contains("mapping") => Some(SWITCH_OFF.to_owned()),
        Given::Text(text)
            if plain(wanted).contains("mapping")
                && ["off", "no", "false", "none", "disabled"].contains(&text.to_lowercase().as_str()) =>
        {
            Some(SWITCH_OFF.to_owned())
        }
        Given::Other(what) if what == "a text" && wanted == "a list" => {
            Some("put it in brackets to make it a list".to_owned())
        }
        _ => None,
    }
}

const SWITCH_OFF: &str = "a section that can be switched off takes `enabled: false`";

/// Returns whether a text is a number with a unit of bytes, such as `20MiB`.
fn is_size(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit()).trim();
    let units = ["b", "k", "kb", "kib", "m", "mb", "mib", "g", "gb", "gib"];
    text.starts_with(|c: char| c.is_ascii_digit()) && units.contains(&unit.to_lowercase().as_str())
}

/// serde's and Rust's words for types in words of YAML.
fn plain(wanted: &str) -> String {
    if let Some(range) = integer_range(wanted) {
        return range.to_owned();
    }
    match wanted {
        "f32" | "f64" => "a number".to_owned(),
        "a string" | "string" | "str" | "a borrowed string" => "a text".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a mapping".to_owned(),
        "unit" => "nothing".to_owned(),
        _ if wanted.starts_with("struct ") => "a mapping".to_owned(),
        _ if wanted.starts_with("enum ") || wanted == "variant identifier" => {
            "one of the allowed texts".to_owned()
        }
        _ => wanted.to_owned(),
    }
}

fn integer_range(wanted: &str) -> Option<&'static str> {
    Some(match wanted {
        "u8" => "an integer from 0 to 255",
        "u16" => "an integer from 0 to 65535",
        "u32" => "an integer from 0 to 4294967295",
        "u64" | "u128" | "usize" => "an integer not below 0",
        "i8" => "an integer from -128 to 127",
        "i16" => "an integer from -32768 to 32767",
        "i32" => "an integer from -2147483648 to 2147483647",
        "i64" | "i128" | "isize" => "an integer",
        "a nonzero u8" | "a nonzero u16" | "a nonzero u32" | "a nonzero u64" | "a nonzero usize" => {
            "an integer above 0"
        }
        _ => return None,
    })
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("nothing"),
            Self::Bool(value) => write!(f, "`{value}`"),
            Self::Number(value) => write!(f, "the number `{value}`"),
            // Several words are often several lines, some of which may be secret.
            Self::Text(value) if value.contains(char::is_whitespace) => {
                f.write_str("a text of several words")
            }
            Self::Text(value) => write!(f, "the text `{value}`"),
            Self::List => f.write_str("a list"),
            Self::Map => f.write_str("a mapping"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

impl From<Unexpected<'_>> for Given {
    fn from(unexpected: Unexpected<'_>) -> Self {
        match unexpected {
            Unexpected::Unit | Unexpected::Option => Self::Null,
            Unexpected::Bool(value) => Self::Bool(value),
            Unexpected::Unsigned(value) => Self::Number(value.to_string()),
            Unexpected::Signed(value) => Self::Number(value.to_string()),
            Unexpected::Float(value) => Self::Number(value.to_string()),
            Unexpected::Char(value) => Self::Text(value.to_string()),
            Unexpected::Str(value) => Self::Text(value.to_owned()),
            Unexpected::Seq => Self::List,
            Unexpected::Map | Unexpected::NewtypeStruct => Self::Map,
            other => Self::Other(other.to_string()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Type {
            found: unexpected.into(),
            wanted: expected.to_string(),
        }
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Value {
            found: unexpected.into(),
            wanted: expected.to_string(),
        }
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        Self::UnknownVariant {
            variant: variant.to_owned(),
            known,
        }
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Self::UnknownField {
            field: field.to_owned(),
            known,
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field.to_owned())
    }
}
