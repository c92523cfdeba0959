//! The options of looking after series.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_component::config::{Validate, Violations, duration};
use weir_component::schemars::{self, JsonSchema};
use weir_streams::{Silence, WatchRules};

use super::Config;

/// After how long without a sample series are forgotten that are only looked at for conflicts.
const FORGET: Duration = Duration::from_secs(600);

/// Section `staleness`: when a series has fallen silent. Then one stale marker is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Staleness {
    /// Whether silent series end. Takes about 150 bytes for each series. Default: false.
    pub enabled: bool,
    /// How many of its own intervals a series may miss. The interval is learned from its samples, four at least. 2 to 1000. Default: 5.
    #[schemars(range(min = 2, max = 1000))]
    pub missed_intervals: u32,
    /// Shorter intervals count as this one. At least 1s. Default: 5s.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub min_interval: Duration,
    /// Series with a longer interval, or less than four samples, end after `missed_intervals` of this one. Not shorter than
    /// `min_interval`. Default: 5m.
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

/// Section `conflicts`: looking for series that several senders write. They are counted, and named on pages and in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Conflicts {
    /// Whether to look. Takes about 130 bytes for each series. Default: false.
    pub enabled: bool,
}

impl Config {
    /// Returns what is to be looked for, if anything.
    pub(crate) fn watching(&self) -> Option<WatchRules> {
        let (staleness, conflicts) = (&self.staleness, self.conflicts.enabled);
        let forget = match staleness.enabled {
            true => staleness.max_interval.saturating_mul(staleness.missed_intervals),
            false => FORGET,
        };
        let rules = WatchRules {
            silence: staleness.enabled.then(|| Silence {
                missed_intervals: staleness.missed_intervals,
                min_interval_ms: millis(staleness.min_interval),
                max_interval_ms: millis(staleness.max_interval),
                at_least_ms: 0,
            }),
            conflicts,
            forget_after_ms: millis(forget),
        };
        (staleness.enabled || conflicts).then_some(rules)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
