//! `service::telemetry`: Weir's own logs, metrics and traces, and the resource they describe.
//!
//! The types here are what the settings mean; `written.rs` holds what a user may write, which is more. What Weir does not
//! honour is an error that says so, never a setting without effect.

mod logs;
mod metrics;
mod printed;
mod push;
mod resource;
mod traces;
mod written;

use serde::Serialize;
use weir_component::config::schema::set_defaults;
use weir_component::schemars::{JsonSchema, Schema, SchemaGenerator};

pub use self::{
    logs::{LogEncoding, LogLevel, LogOutput, LogSampling, Logs},
    metrics::{
        Aggregation, Buckets, InstrumentType, MetricReader, Metrics, MetricsLevel, PeriodicReader,
        PrometheusReader, Selection, View, ViewSelector, ViewStream,
    },
    push::{Batch, Compression, Exporter, Header, Otlp, Processor, Protocol, Temporality},
    resource::{AttributeValue, Detection, Detector, Resource},
    traces::{ParentBased, Propagator, Sampler, SpanLimits, Traces, TracesLevel},
};
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
    /// Spans of Weir's own work.
    pub traces: Traces,
    /// What all of them say about where they come from.
    pub resource: Resource,
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
                    && let Some(value) = reader.document.root.find(&at)
                    && let Some(hint) = removed::moved(&at, value)
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

/// Returns the JSON Schema of the section, with its defaults.
pub(crate) fn schema(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = Written::json_schema(generator);
    set_defaults(&mut schema, &Telemetry::default());
    schema
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

    /// Something of the Collector's that Weir does not do, and why.
    fn unsupported(&mut self, at: &str, what: &str) {
        self.error(at, format!("not supported: {what}"), None);
    }
}
