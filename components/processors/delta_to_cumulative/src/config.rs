//! Options of the `delta_to_cumulative` processor.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_component::config::{Role, duration};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_streams::Limits;

/// Options of the `delta_to_cumulative` processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long a stream may be silent before its total is forgotten; then it begins anew, with a new start time. More than 0.
    /// Default 5m.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub max_stale: Duration,
    /// Most streams at a time. Points of further streams are dropped and counted; those that are there go on. Default: as many as
    /// 63 bits count.
    pub max_streams: u64,
    /// Most bytes that totals, and points that wait, may take; 0 is unlimited. A stream of numbers takes less than 100. At the
    /// limit, points of further streams are dropped and counted. Default 1073741824 (1 GiB).
    pub max_bytes: u64,
    /// How long a point waits for older ones of its stream. A point waits only if there is a gap before it: if it does not start where
    /// the stream's newest one ended, or its start is not known. 0 (default) waits for nothing: what comes late is dropped and counted.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub reorder_window: Duration,
    /// What becomes of summaries, which cannot be added up: `refuse` drops and counts them, `pass` lets them go on as they are.
    /// Default `refuse`.
    pub summaries: Summaries,
    /// Id of a storage extension, for example `file_storage`. With it, deltas that were acknowledged are part of their totals
    /// whatever happens to the process. Default none: totals are lost with the process, and begin anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
    /// How often changed totals are written to the storage, which makes the next start quick. Deltas are safe at any time. More than 0.
    /// Default 30s.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub checkpoint_interval: Duration,
    /// Sends one last point for each stream that has fallen silent, so that its series end. Default: off.
    pub staleness: Staleness,
    /// Looks for streams that several senders write. Default: off.
    pub conflicts: Conflicts,
}

/// When a stream has fallen silent. Then one point without a value goes on, with the flag "no recorded value": a stale marker in
/// Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Staleness {
    /// Whether silent streams end. Takes about 150 bytes for each stream, as its name is kept. Default: false.
    pub enabled: bool,
    /// How many of its own intervals a stream may miss. The interval is learned from its points, four at least. 2 to 1000. Default 5.
    #[schemars(range(min = 2, max = 1000))]
    pub missed_intervals: u32,
    /// Shorter intervals count as this one. At least 1s. Default 5s.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub min_interval: Duration,
    /// Streams with a longer interval, or less than four points, end when they are forgotten, after `max_stale`. Not shorter than
    /// `min_interval`. Default 5m.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub max_interval: Duration,
}

impl Default for Staleness {
    fn default() -> Self {
        Self {
            enabled: false,
            missed_intervals: 5,
            min_interval: Duration::from_secs(5),
            max_interval: Duration::from_secs(300),
        }
    }
}

impl Validate for Staleness {
    fn validate(&self, found: &mut Violations) {
        found.require(
            (2..=1000).contains(&self.missed_intervals),
            "missed_intervals",
            "must be from 2 to 1000",
        );
        found.require(
            self.min_interval >= Duration::from_secs(1),
            "min_interval",
            "must be at least 1s",
        );
        found.require(
            self.max_interval >= self.min_interval,
            "max_interval",
            "must not be shorter than `min_interval`",
        );
    }
}

/// Looking for streams that several senders write: counted, named on pages and in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Conflicts {
    /// Whether to look. Takes about 130 bytes for each stream. Default: false.
    pub enabled: bool,
}

/// What becomes of summaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Summaries {
    /// They are dropped and counted.
    Refuse,
    /// They go on as they are.
    Pass,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_stale: Duration::from_secs(300),
            max_streams: i64::MAX as u64,
            max_bytes: 1 << 30,
            reorder_window: Duration::ZERO,
            summaries: Summaries::Refuse,
            storage: None,
            checkpoint_interval: Duration::from_secs(30),
            staleness: Staleness::default(),
            conflicts: Conflicts::default(),
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
        found.require(!self.max_stale.is_zero(), "max_stale", "must be more than 0");
        found.require(
            self.max_streams <= i64::MAX as u64,
            "max_streams",
            "must be at most 9223372036854775807",
        );
        found.require(
            self.reorder_window <= self.max_stale,
            "reorder_window",
            "must not be longer than `max_stale`: a stream would be forgotten while its points wait",
        );
        found.require(
            !self.checkpoint_interval.is_zero(),
            "checkpoint_interval",
            "must be more than 0",
        );
        found.nested("staleness", &self.staleness);
        if let Some(storage) = &self.storage {
            found.names_extension("storage", storage, Role::Storage);
        }
    }
}
