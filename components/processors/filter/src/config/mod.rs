//! Options of the `filter` processor.

mod conditions;
mod logs;
mod metrics;

use serde::{Deserialize, Serialize};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_edit::MatchProperties;

pub use conditions::Conditions;
pub use logs::{LogFilters, LogMatch};
pub use metrics::{MetricFilters, MetricMatch, MetricMatchType};

/// Options of the `filter` processor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What to do when a condition cannot be evaluated: `ignore` (default), `silent` or `propagate`. Nothing can go wrong in
    /// `include` and `exclude` sections, so all three are the same as long as there are no other conditions.
    pub error_mode: ErrorMode,
    /// Which metrics are dropped. Default none.
    pub metrics: MetricFilters,
    /// Which spans are dropped. Default none.
    pub spans: SpanFilters,
    /// Which log records are dropped. Default none.
    pub logs: LogFilters,
    /// Conditions for spans in OTTL: not offered yet.
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub traces: TraceFilters,
    /// Conditions in OTTL: not offered yet.
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub trace_conditions: Conditions,
    /// Conditions in OTTL: not offered yet.
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub metric_conditions: Conditions,
    /// Conditions in OTTL: not offered yet.
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub log_conditions: Conditions,
}

/// What to do when a condition cannot be evaluated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorMode {
    /// Log it; the condition does not hold.
    #[default]
    Ignore,
    /// The condition does not hold.
    Silent,
    /// Refuse the batch.
    Propagate,
}

/// Which spans are dropped.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SpanFilters {
    /// Spans that are not like this are dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include: Option<MatchProperties>,
    /// Spans that are like this are dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<MatchProperties>,
}

/// Conditions in OTTL for spans.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TraceFilters {
    /// For resources.
    pub resource: Conditions,
    /// For spans.
    pub span: Conditions,
    /// For events of spans.
    pub spanevent: Conditions,
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        found.nested("metrics", &self.metrics);
        for (key, properties) in [
            ("spans::include", &self.spans.include),
            ("spans::exclude", &self.spans.exclude),
        ] {
            if let Some(properties) = properties {
                found.nested(key, properties);
            }
        }
        found.nested("logs", &self.logs);
        for (key, conditions, instead) in [
            ("traces::resource", &self.traces.resource, "spans"),
            ("traces::span", &self.traces.span, "spans"),
            ("traces::spanevent", &self.traces.spanevent, "spans"),
            ("trace_conditions", &self.trace_conditions, "spans"),
            ("metric_conditions", &self.metric_conditions, "metrics"),
            ("log_conditions", &self.log_conditions, "logs"),
        ] {
            conditions.refuse(key, instead, found);
        }
    }
}
