//! Options of the `interval` processor.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_component::config::duration;
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_streams::Limits;

/// Options of the `interval` processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How often the newest points go on. At least 1ms. Default 60s.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub interval: Duration,
    /// Types of metrics whose points all go on, at once.
    pub pass_through: PassThrough,
    /// Most streams of which a point is held. Points of further streams go on at once, and are counted. Default: as many as 63 bits
    /// count.
    pub max_streams: u64,
    /// Most bytes that held points may take; 0 is unlimited. At the limit, points of further streams go on at once, and are counted.
    /// Default 1073741824 (1 GiB).
    pub max_bytes: u64,
}

/// Types of metrics whose points all go on, at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PassThrough {
    /// Gauges. Default false.
    pub gauge: bool,
    /// Summaries. Default false.
    pub summary: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            pass_through: PassThrough::default(),
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
        found.require(
            self.interval >= Duration::from_millis(1),
            "interval",
            "must be at least 1ms",
        );
        found.require(
            self.max_streams <= i64::MAX as u64,
            "max_streams",
            "must be at most 9223372036854775807",
        );
    }
}
