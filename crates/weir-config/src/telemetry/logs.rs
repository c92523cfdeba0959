//! Which log lines there are, what they look like, and where they go.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::Serialize;
use weir_component::config::duration;
use weir_component::schemars::{self, JsonSchema};

use super::{AttributeValue, Processor, printed};

/// How Weir logs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Logs {
    /// The least level that is written. Default: `info`.
    pub level: LogLevel,
    /// Lines from `warn` on say how the code got there. Default: false.
    pub development: bool,
    /// The form of a line. Default: `console`.
    pub encoding: LogEncoding,
    /// Leaves out where in the code a line comes from. Default: false.
    pub disable_caller: bool,
    /// Leaves out how the code got there, also in `development`. Default: false.
    pub disable_stacktrace: bool,
    /// Where lines go, to each of these. Default: standard error.
    pub output_paths: Vec<LogOutput>,
    /// Where failures of the logs themselves are told. Default: standard error.
    pub error_output_paths: Vec<LogOutput>,
    /// Fields of every line.
    pub initial_fields: BTreeMap<String, AttributeValue>,
    /// Thins out repeated lines, `None` to write all of them. Default: on.
    #[serde(serialize_with = "printed::sampling")]
    pub sampling: Option<LogSampling>,
    /// Leaves out the field `resource`. Default: false.
    pub disable_zap_resource: bool,
    /// Where log records are pushed to beside. Default: nowhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub processors: Vec<Processor>,
}

impl Default for Logs {
    fn default() -> Self {
        Self {
            level: LogLevel::Info,
            development: false,
            encoding: LogEncoding::Console,
            disable_caller: false,
            disable_stacktrace: false,
            output_paths: vec![LogOutput::Stderr],
            error_output_paths: vec![LogOutput::Stderr],
            initial_fields: BTreeMap::new(),
            sampling: Some(LogSampling::default()),
            disable_zap_resource: false,
            processors: Vec::new(),
        }
    }
}

/// The weight of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What an operator may want to know.
    Info,
    /// Degraded, nothing lost.
    Warn,
    /// Data lost, or a person must act.
    Error,
    /// Only what ends the process. The Collector's `dpanic`, `panic` and `fatal` all mean this.
    Fatal,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogEncoding {
    /// Columns between tabs, for people.
    Console,
    /// One JSON object.
    Json,
}

/// Where log lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogOutput {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, to which lines are appended.
    File(PathBuf),
}

/// Of lines with the same level and message, `initial` are written per `tick`, then every `thereafter`th.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LogSampling {
    /// How long lines are counted together. Default: 10s.
    #[serde(with = "duration")]
    pub tick: Duration,
    /// Lines written in any case. Default: 10.
    pub initial: u64,
    /// Of the rest, every how many-th is written; 0 for none. Default: 100.
    pub thereafter: u64,
}

impl Default for LogSampling {
    fn default() -> Self {
        Self {
            tick: Duration::from_secs(10),
            initial: 10,
            thereafter: 100,
        }
    }
}
