//! `service::telemetry`: Weir's own logs and metrics, and the resource they carry.
//!
//! The types here are what the settings mean; `written.rs` holds what a user may write, which is more. What Weir does not
//! honour yet is an error that says so, never a setting without effect.

mod printed;
mod written;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::Serialize;
use weir_component::config::duration;

use crate::{
    decode::{self, Fault, decode},
    node::{Kind, Node},
    path::Path,
    read::Reader,
    removed,
    report::Diagnostic,
};
use written::Written;

/// Weir's own telemetry.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Telemetry {
    /// Log lines.
    pub logs: Logs,
    /// Metrics about Weir.
    pub metrics: Metrics,
    /// What logs and metrics say about where they come from.
    pub resource: Resource,
}

/// How Weir logs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Logs {
    /// The least level that is written. Default: `info`.
    pub level: LogLevel,
    /// The form of a line. Default: `console`.
    pub encoding: LogEncoding,
    /// Leaves out where in the code a line comes from. Default: false.
    pub disable_caller: bool,
    /// Accepted for the Collector's sake: Weir's lines carry no stack traces either way. Default: false.
    pub disable_stacktrace: bool,
    /// Where lines go, to each of these. Default: standard error.
    pub output_paths: Vec<LogOutput>,
    /// Fields of every line.
    pub initial_fields: BTreeMap<String, AttributeValue>,
    /// Thins out repeated lines, `None` to write all of them. Default: on.
    #[serde(serialize_with = "printed::sampling")]
    pub sampling: Option<LogSampling>,
}

impl Default for Logs {
    fn default() -> Self {
        Self {
            level: LogLevel::Info,
            encoding: LogEncoding::Console,
            disable_caller: false,
            disable_stacktrace: false,
            output_paths: vec![LogOutput::Stderr],
            initial_fields: BTreeMap::new(),
            sampling: Some(LogSampling::default()),
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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

/// How Weir's own metrics are offered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metrics {
    /// How much is measured. Default: `normal`.
    pub level: MetricsLevel,
    /// The endpoint to scrape; `None` if the level is `none`. Default: `localhost:8888`.
    #[serde(rename = "readers", serialize_with = "printed::readers")]
    pub prometheus: Option<PrometheusReader>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            level: MetricsLevel::Normal,
            prometheus: Some(PrometheusReader::default()),
        }
    }
}

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricsLevel {
    /// Nothing, and no port is opened.
    None,
    /// What is needed to see loss.
    Basic,
    /// The default.
    Normal,
    /// Everything.
    Detailed,
}

/// An endpoint for Prometheus to scrape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PrometheusReader {
    /// Name or address to listen on.
    pub host: String,
    /// Port to listen on; 0 lets the system choose.
    pub port: u16,
    /// Leaves out the scope's labels. Default: true.
    pub without_scope_info: bool,
    /// Leaves units out of names. Default: true.
    pub without_units: bool,
    /// Leaves `_total` and the like out of names. Default: true.
    pub without_type_suffix: bool,
    /// Which resource attributes become labels of every metric. Default: none.
    pub with_resource_constant_labels: Selection,
}

impl Default for PrometheusReader {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 8888,
            without_scope_info: true,
            without_units: true,
            without_type_suffix: true,
            with_resource_constant_labels: Selection::default(),
        }
    }
}

/// A choice of names, `*` and `?` standing for any characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Selection {
    /// Names to take; empty for none.
    pub included: Vec<String>,
    /// Names not to take after all.
    pub excluded: Vec<String>,
}

/// Attributes of the resource that logs and metrics describe.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resource {
    /// Attributes to add to the default ones (`service.name`, `service.version`, `service.instance.id`), or to set in
    /// their place. `None` removes a default one.
    pub attributes: BTreeMap<String, Option<AttributeValue>>,
}

/// The value of an attribute or of a log field.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating point number.
    Double(f64),
    /// A text.
    Text(String),
}

/// Reads `service::telemetry`. `None` if something is wrong, which the report says.
pub(crate) fn read(reader: &mut Reader<'_>, section: Option<&Node>) -> Option<Telemetry> {
    let Some(section) = section.filter(|section| section.kind != Kind::Null) else {
        return Some(Telemetry::default());
    };
    let base = Path::keys(["service", "telemetry"]);
    let unset = reader.unset_under(&base);
    let written = match decode(section, &unset, |source| {
        <Written as serde::Deserialize>::deserialize(source)
    }) {
        Ok(written) => written,
        Err(problems) => {
            for problem in &problems {
                let mut diagnostic = decode::diagnose(section, &base, problem);
                let at = base.join(&problem.fault.culprit(&problem.path));
                if matches!(problem.fault, Fault::UnknownField { .. })
                    && let Some(hint) = removed::moved(&at)
                {
                    diagnostic = diagnostic.hint(hint);
                }
                reader.report.push(diagnostic);
            }
            return None;
        }
    };
    let mut found = Complaints {
        section,
        base,
        diagnostics: Vec::new(),
    };
    let telemetry = written.understand(&mut found);
    let broken = found
        .diagnostics
        .iter()
        .any(|d| d.severity() == crate::Severity::Error);
    reader.report.extend(found.diagnostics);
    (!broken).then_some(telemetry)
}

/// Collects what is wrong beyond types, with places.
struct Complaints<'a> {
    section: &'a Node,
    base: Path,
    diagnostics: Vec<Diagnostic>,
}

impl Complaints<'_> {
    fn located(&self, at: &str, diagnostic: Diagnostic) -> Diagnostic {
        let path = Path::parse(at);
        let place = self.section.nearest(&path).value_place().clone();
        diagnostic.path(self.base.join(&path)).place(place)
    }

    fn error(&mut self, at: &str, message: impl Into<String>, hint: Option<&str>) {
        let message = self.section.redact(&Path::parse(at), &message.into());
        let diagnostic = self.located(at, Diagnostic::error(message).maybe_hint(hint.map(str::to_owned)));
        self.diagnostics.push(diagnostic);
    }

    fn warning(&mut self, at: &str, message: &str, hint: &str) {
        let diagnostic = self.located(at, Diagnostic::warning(message).hint(hint));
        self.diagnostics.push(diagnostic);
    }

    /// Something of the Collector's that Weir does not do yet.
    fn unsupported(&mut self, at: &str, what: &str) {
        self.error(at, format!("not supported yet: {what}"), None);
    }
}
