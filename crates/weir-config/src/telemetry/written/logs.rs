//! `logs`.

use std::{borrow::Cow, collections::BTreeMap, path::PathBuf, time::Duration};

use serde::{Deserialize, Deserializer, de};
use weir_component::config::{OnUnlessDisabled, duration, schema};
use weir_component::schemars::{self, JsonSchema, Schema, SchemaGenerator};

use super::{
    push::{Pushed, WrittenProcessor, processors},
    scalar::{Scalar, folded},
};
use crate::telemetry::{Complaints, LogEncoding, LogLevel, LogOutput, LogSampling, Logs};

/// Log lines.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenLogs {
    /// The least level that is written: `debug`, `info`, `warn`, `error`; `dpanic`, `panic` and `fatal` write only what ends the process.
    level: LogLevel,
    /// Lines from `warn` on say how the code got there.
    development: bool,
    /// The form of a line: `console`, columns between tabs for people, or `json`, one object.
    encoding: LogEncoding,
    /// Leaves out where in the code a line comes from.
    disable_caller: bool,
    /// Leaves out how the code got there, also in `development`.
    disable_stacktrace: bool,
    /// Where lines go, to each of these: `stdout`, `stderr`, a path, or `file:///path`. At least one.
    output_paths: Vec<String>,
    /// Where failures of the log itself are told, in the same forms.
    error_output_paths: Vec<String>,
    /// Fields of every line.
    initial_fields: BTreeMap<String, Scalar>,
    /// Thins out repeated lines, that is lines with the same level and message.
    sampling: OnUnlessDisabled<WrittenSampling>,
    /// Leaves out the field `resource`.
    disable_zap_resource: bool,
    /// Where log records are pushed to besides, by OTLP. Default: nowhere.
    processors: Vec<WrittenProcessor>,
}

impl Default for WrittenLogs {
    fn default() -> Self {
        Self {
            level: LogLevel::Info,
            development: false,
            encoding: LogEncoding::Console,
            disable_caller: false,
            disable_stacktrace: false,
            output_paths: vec!["stderr".to_owned()],
            error_output_paths: vec!["stderr".to_owned()],
            initial_fields: BTreeMap::new(),
            sampling: OnUnlessDisabled::default(),
            disable_zap_resource: false,
            processors: Vec::new(),
        }
    }
}

/// Of lines with the same level and message, `initial` are written per `tick`, then every `thereafter`th.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = defaults_of_sampling)]
pub(super) struct WrittenSampling {
    /// How long lines are counted together; more than 0.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    tick: Duration,
    /// Lines that are written in any case, per `tick`.
    initial: u64,
    /// Of the rest, every how many-th is written; 0 for none.
    thereafter: u64,
}

fn defaults_of_sampling(schema: &mut Schema) {
    schema::set_defaults(schema, &LogSampling::default());
}

impl Default for WrittenSampling {
    fn default() -> Self {
        let LogSampling {
            tick,
            initial,
            thereafter,
        } = LogSampling::default();
        Self {
            tick,
            initial,
            thereafter,
        }
    }
}

impl WrittenLogs {
    pub(super) fn understand(self, found: &mut Complaints<'_>) -> Logs {
        if self.output_paths.is_empty() {
            let hint = "set `level: fatal` to write nearly nothing";
            found.error("logs::output_paths", "logs go nowhere", Some(hint));
        }
        if self
            .sampling
            .as_ref()
            .is_some_and(|sampling| sampling.tick.is_zero())
        {
            found.error("logs::sampling::tick", "`tick`: must be above 0", None);
        }
        Logs {
            level: self.level,
            development: self.development,
            encoding: self.encoding,
            disable_caller: self.disable_caller,
            disable_stacktrace: self.disable_stacktrace,
            output_paths: outputs("logs::output_paths", self.output_paths, found),
            error_output_paths: outputs("logs::error_output_paths", self.error_output_paths, found),
            initial_fields: self
                .initial_fields
                .into_iter()
                .filter_map(|(key, value)| {
                    let at = format!("logs::initial_fields::{key}");
                    if value.0.is_none() {
                        found.error(&at, "a field without a value", None);
                    }
                    Some((key, value.0?))
                })
                .collect(),
            sampling: self.sampling.into_inner().map(|written| LogSampling {
                tick: written.tick,
                initial: written.initial,
                thereafter: written.thereafter,
            }),
            disable_zap_resource: self.disable_zap_resource,
            processors: processors(self.processors, "logs::processors", Pushed::Logs, found),
        }
    }
}

fn outputs(at: &str, paths: Vec<String>, found: &mut Complaints<'_>) -> Vec<LogOutput> {
    let paths = paths.into_iter().enumerate();
    paths
        .filter_map(|(nth, path)| output(format!("{at}::{nth}"), path, found))
        .collect()
}

/// `stdout`, `stderr`, a path, or `file:///absolute/path`.
fn output(at: String, path: String, found: &mut Complaints<'_>) -> Option<LogOutput> {
    match path.as_str() {
        "stdout" => return Some(LogOutput::Stdout),
        "stderr" => return Some(LogOutput::Stderr),
        "" => {
            found.error(&at, "an empty path", None);
            return None;
        }
        _ => {}
    }
    match path.split_once("://") {
        None => Some(LogOutput::File(PathBuf::from(path))),
        Some(("file", rest)) if rest.starts_with('/') => Some(LogOutput::File(PathBuf::from(rest))),
        Some(_) => {
            found.error(
                &at,
                format!("`{path}` is no place for logs"),
                Some("`stdout`, `stderr`, a path or `file:///path`"),
            );
            None
        }
    }
}

/// The words for levels, in any case.
const LEVELS: &[&str] = &["debug", "info", "warn", "error", "dpanic", "panic", "fatal"];

impl JsonSchema for LogLevel {
    fn schema_name() -> Cow<'static, str> {
        "LogLevel".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema::words_in_any_case(LEVELS)
    }
}

impl<'de> Deserialize<'de> for LogLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const NAMES: &[(&str, LogLevel)] = &[
            ("debug", LogLevel::Debug),
            ("info", LogLevel::Info),
            ("warn", LogLevel::Warn),
            ("error", LogLevel::Error),
            ("dpanic", LogLevel::Fatal),
            ("panic", LogLevel::Fatal),
            ("fatal", LogLevel::Fatal),
        ];
        folded(deserializer, NAMES, LEVELS)
    }
}

impl<'de> Deserialize<'de> for LogEncoding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "console" => Ok(Self::Console),
            "json" => Ok(Self::Json),
            other => Err(de::Error::unknown_variant(other, &["console", "json"])),
        }
    }
}
