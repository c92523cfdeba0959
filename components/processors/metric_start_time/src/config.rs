//! Options of the `metric_start_time` processor.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_component::config::duration;
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_streams::Limits;

/// Options of the `metric_start_time` processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where start times come from. Default `true_reset_point`.
    pub strategy: Strategy,
    /// How long a stream may be silent before its start time is forgotten. More than 0. Default 10m.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub gc_interval: Duration,
    /// With `strategy: start_time_metric`: a regular expression in RE2 syntax, found anywhere in the name of the metric that says
    /// when the process began, in seconds of Unix time. Default: the metric `process_start_time_seconds`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub start_time_metric_regex: String,
    /// Most streams at a time. Points of further streams go on as they came, and are counted; those that are there go on. Default: as
    /// many as 63 bits count.
    pub max_streams: u64,
    /// Most bytes that what is remembered of streams may take; 0 is unlimited. A stream takes about 100, and with
    /// `strategy: subtract_initial_point` a histogram its buckets too. At the limit, points of further streams go on as they came,
    /// and are counted. Default 1073741824 (1 GiB).
    pub max_bytes: u64,
}

/// Where start times come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// A stream begins with its first point, at the time of that point.
    TrueResetPoint,
    /// A stream begins with its first point, which is dropped; what it said is taken from the points that follow.
    SubtractInitialPoint,
    /// A stream begins when a metric of the same resource says that the process began; without such a metric, when this processor
    /// began.
    StartTimeMetric,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            strategy: Strategy::TrueResetPoint,
            gc_interval: Duration::from_secs(600),
            start_time_metric_regex: String::new(),
            max_streams: i64::MAX as u64,
            max_bytes: 1 << 30,
        }
    }
}

impl Config {
    /// Returns the limits of the table.
    pub(crate) fn limits(&self) -> Limits {
        Limits::of(self.max_streams, self.max_bytes)
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        found.require(!self.gc_interval.is_zero(), "gc_interval", "must be more than 0");
        if !self.start_time_metric_regex.is_empty() {
            found.require(
                self.strategy == Strategy::StartTimeMetric,
                "start_time_metric_regex",
                "has no effect without `strategy: start_time_metric`",
            );
            if let Err(error) = weir_regex::compile(&self.start_time_metric_regex) {
                found.add(
                    "start_time_metric_regex",
                    format!("not a regular expression: {error}"),
                );
            }
        }
        found.require(
            self.max_streams <= i64::MAX as u64,
            "max_streams",
            "must be at most 9223372036854775807",
        );
    }
}
