//! Sections and choices.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_component::config::{Validate, Violations, duration};
use weir_component::schemars::{self, JsonSchema};

use super::MAX_CONSUMERS;

/// Version of the protocol, by the name of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum ProtobufMessage {
    /// Remote write 1.0.
    #[default]
    #[serde(rename = "prometheus.WriteRequest")]
    V1,
    /// Remote write 2.0.
    #[serde(rename = "io.prometheus.write.v2.Request")]
    V2,
}

/// How metric and label names are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum TranslationStrategy {
    /// As `add_metric_suffixes` says.
    #[default]
    #[serde(rename = "")]
    Unset,
    /// Other characters than letters, digits, `_` and `:` become underscores; unit and type are appended.
    UnderscoreEscapingWithSuffixes,
    /// The same without unit and type.
    UnderscoreEscapingWithoutSuffixes,
    /// Names keep their characters; unit and type are appended. Needs remote write 2.0.
    #[serde(rename = "NoUTF8EscapingWithSuffixes")]
    NoUtf8EscapingWithSuffixes,
    /// Names stay as they are. Needs remote write 2.0.
    NoTranslation,
}

/// Section `remote_write_queue`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RemoteWriteQueue {
    /// Whether there is a queue. Without one, senders wait until the receiver has answered. Default: true.
    pub enabled: bool,
    /// Most OTLP requests in the queue, those being delivered included. Default: 10000.
    pub queue_size: usize,
    /// Requests in flight at the same time, 1 to 1024. A series is always in one of them only. Default: 5.
    #[schemars(range(min = 1, max = 1024))]
    pub num_consumers: usize,
}

impl Default for RemoteWriteQueue {
    fn default() -> Self {
        Self {
            enabled: true,
            queue_size: 10_000,
            num_consumers: 5,
        }
    }
}

impl Validate for RemoteWriteQueue {
    fn validate(&self, found: &mut Violations) {
        found.require(
            !self.enabled || self.queue_size > 0,
            "queue_size",
            "a queue of size 0 would refuse all data",
        );
        let message = format!("must be from 1 to {MAX_CONSUMERS}");
        found.require(
            (1..=MAX_CONSUMERS).contains(&self.num_consumers),
            "num_consumers",
            message,
        );
    }
}

/// Section `target_info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TargetInfo {
    /// Whether a `target_info` series tells the attributes of each resource. Default: true.
    pub enabled: bool,
}

impl Default for TargetInfo {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// Section `resource_to_telemetry_conversion`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceToTelemetry {
    /// Copies every resource attribute onto every series, over an attribute of the same key. Default: false.
    pub enabled: bool,
    /// Leaves out `service.name`, `service.namespace` and `service.instance.id`, which are `job` and `instance`. Default: false.
    pub exclude_service_attributes: bool,
}

/// Section `resource_constant_labels`: globs over keys of resource attributes, with `*` and `?`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceConstantLabels {
    /// Attributes to copy onto every series, as globs with `*` and `?`. Empty with `excluded` set: all.
    pub included: Vec<String>,
    /// Attributes to leave out of these, as globs with `*` and `?`.
    pub excluded: Vec<String>,
}

impl ResourceConstantLabels {
    /// Returns whether anything is chosen.
    pub(super) fn is_set(&self) -> bool {
        !self.included.is_empty() || !self.excluded.is_empty()
    }
}

/// Section `wal`. Not supported yet: turning it on is a configuration error.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Wal {
    /// Directory of the log.
    pub directory: String,
    /// Requests read at a time.
    pub buffer_size: usize,
    /// Time between truncations.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub truncate_frequency: Duration,
    /// Time between measurements of the lag.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub lag_record_frequency: Duration,
}

/// Section `export_created_metric` of old configurations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExportCreatedMetric {}
