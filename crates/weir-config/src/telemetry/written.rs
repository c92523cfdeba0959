//! `service::telemetry` as a user may write it, and what it means.
//!
//! The grammar is the Collector's (declarative configuration of OpenTelemetry 0.3, and what it still reads of 0.2), also where Weir does
//! not do what it asks for; then `understand` says so.

mod logs;
mod metrics;
mod push;
mod resource;
mod scalar;
mod traces;
mod views;

use serde::Deserialize;
use weir_component::schemars::{self, JsonSchema};

use super::{Complaints, Telemetry};
use logs::WrittenLogs;
use metrics::WrittenMetrics;
use resource::WrittenResource;
use traces::WrittenTraces;

/// Logs, metrics and traces of Weir itself.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Written {
    /// Log lines.
    logs: WrittenLogs,
    /// Metrics about Weir itself.
    metrics: WrittenMetrics,
    /// Spans of Weir's own work.
    traces: WrittenTraces,
    /// What tells this process from others: attributes of all that is pushed, and of `target_info`.
    resource: WrittenResource,
}

impl Written {
    pub(super) fn understand(self, found: &mut Complaints<'_>) -> Telemetry {
        Telemetry {
            logs: self.logs.understand(found),
            metrics: self.metrics.understand(found),
            traces: self.traces.understand(found),
            resource: self.resource.understand(found),
        }
    }
}
