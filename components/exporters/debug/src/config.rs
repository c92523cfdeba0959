//! Options of the `debug` exporter.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use weir_component::config::{OffUnlessNamed, schema};
use weir_component::schemars::{self, JsonSchema, Schema, SchemaGenerator};
use weir_component::{Validate, Violations};

/// Options of the `debug` exporter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How much is printed: `basic` counts, `normal` adds a line per record, `detailed` prints everything. Default `basic`.
    pub verbosity: Verbosity,
    /// Batches printed per second before sampling begins. Default 2.
    pub sampling_initial: u32,
    /// After those, every how many batches one is printed; 1 prints all, 0 none for the rest of the second. Default 1.
    pub sampling_thereafter: u32,
    /// Prints through Weir's own log instead of writing plain text to `output_paths`. Default true.
    pub use_internal_logger: bool,
    /// Where plain text goes: `stdout`, `stderr` or files. Only without the internal logger. Default `[stdout]`.
    pub output_paths: Vec<String>,
    /// The Collector's queue in front of the exporter. Not supported, for printing is synchronous: turning it on is an error.
    pub sending_queue: OffUnlessNamed<Unsupported>,
}

/// A section without keys of its own, there to be refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unsupported {}

impl Default for Config {
    fn default() -> Self {
        Self {
            verbosity: Verbosity::Basic,
            sampling_initial: 2,
            sampling_thereafter: 1,
            use_internal_logger: true,
            output_paths: vec!["stdout".to_owned()],
            sending_queue: OffUnlessNamed::off(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        found.require(
            !self.sending_queue.is_on(),
            "sending_queue",
            "is not supported by `debug`: remove it",
        );
        found.require(
            !self.output_paths.is_empty(),
            "output_paths",
            "must name at least one of stdout, stderr or a file",
        );
        let plain = self.output_paths == ["stdout"];
        found.require(
            plain || !self.use_internal_logger,
            "output_paths",
            "has no effect with the internal logger: set `use_internal_logger: false`",
        );
    }
}

/// How much is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// Counts of each batch.
    Basic,
    /// And a line per record.
    Normal,
    /// And every field.
    Detailed,
}

impl JsonSchema for Verbosity {
    fn schema_name() -> Cow<'static, str> {
        "Verbosity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema::words_in_any_case(&["basic", "normal", "detailed"])
    }
}

impl Serialize for Verbosity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Basic => "basic",
            Self::Normal => "normal",
            Self::Detailed => "detailed",
        })
    }
}

impl<'de> Deserialize<'de> for Verbosity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Verbosity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one of basic, normal, detailed")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Verbosity, E> {
                match text.to_ascii_lowercase().as_str() {
                    "basic" => Ok(Verbosity::Basic),
                    "normal" => Ok(Verbosity::Normal),
                    "detailed" => Ok(Verbosity::Detailed),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}
