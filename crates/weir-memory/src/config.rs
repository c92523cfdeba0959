//! Options of the `memory_limiter` processor and of the extension of that name.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_component::config::duration;
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};

const MIB: u64 = 1024 * 1024;

/// Options of the `memory_limiter` processor and of the extension of that name.
///
/// The four `*_gc_interval_*` options of the Collector say how often it may force a garbage collection. Weir has no garbage
/// collector, so every such bound is met; they are checked for consistency and have no further effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How often the resident set is compared with the limits, such as `1s`. Required, more than 0.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub check_interval: Duration,
    /// The hard limit in MiB. This or `limit_percentage` is required; this one wins.
    pub limit_mib: u32,
    /// How far below the hard limit the soft limit is, in MiB; less than `limit_mib`. 0 (default) means 20 % of the hard limit.
    /// Data in flight may use as much as the soft limit; above it new data is refused.
    pub spike_limit_mib: u32,
    /// The hard limit in percent of the memory there is (cgroup limit or machine), 1 to 100. This or `limit_mib` is required.
    #[schemars(range(max = 100))]
    pub limit_percentage: u32,
    /// As `spike_limit_mib`, in percent; less than `limit_percentage`. 0 (default) means 20 % of the hard limit.
    pub spike_limit_percentage: u32,
    /// Means something to a garbage collector only: checked for consistency, without effect. Default 10s.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub min_gc_interval_when_soft_limited: Duration,
    /// Means something to a garbage collector only: checked for consistency, without effect. Default 0s.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub min_gc_interval_when_hard_limited: Duration,
    /// Means something to a garbage collector only: checked for consistency, without effect. Default 30s.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub max_gc_interval_when_soft_limited: Duration,
    /// Means something to a garbage collector only: checked for consistency, without effect. Default 30s.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub max_gc_interval_when_hard_limited: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            check_interval: Duration::ZERO,
            limit_mib: 0,
            spike_limit_mib: 0,
            limit_percentage: 0,
            spike_limit_percentage: 0,
            min_gc_interval_when_soft_limited: Duration::from_secs(10),
            min_gc_interval_when_hard_limited: Duration::ZERO,
            max_gc_interval_when_soft_limited: Duration::from_secs(30),
            max_gc_interval_when_hard_limited: Duration::from_secs(30),
        }
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        found.require(
            !self.check_interval.is_zero(),
            "check_interval",
            "is required and must be more than 0, for example `1s`",
        );
        found.require(
            self.limit_mib > 0 || self.limit_percentage > 0,
            "",
            "needs `limit_mib` or `limit_percentage`, for example `limit_percentage: 80`",
        );
        found.require(
            self.limit_percentage <= 100,
            "limit_percentage",
            "must be at most 100",
        );
        found.require(
            self.limit_mib == 0 || self.spike_limit_mib < self.limit_mib,
            "spike_limit_mib",
            format!("must be less than `limit_mib` ({})", self.limit_mib),
        );
        found.require(
            self.limit_mib > 0
                || self.limit_percentage == 0
                || self.spike_limit_percentage < self.limit_percentage,
            "spike_limit_percentage",
            format!("must be less than `limit_percentage` ({})", self.limit_percentage),
        );
        let (soft, hard) = (
            self.min_gc_interval_when_soft_limited,
            self.min_gc_interval_when_hard_limited,
        );
        let (max_soft, max_hard) = (
            self.max_gc_interval_when_soft_limited,
            self.max_gc_interval_when_hard_limited,
        );
        found.require(
            soft >= hard,
            "min_gc_interval_when_soft_limited",
            "must be at least the one when hard limited",
        );
        found.require(
            max_soft.is_zero() || max_soft >= soft,
            "max_gc_interval_when_soft_limited",
            "must be 0 or at least the minimum when soft limited",
        );
        found.require(
            max_hard.is_zero() || max_hard >= hard,
            "max_gc_interval_when_hard_limited",
            "must be 0 or at least the minimum when hard limited",
        );
        found.require(
            max_soft.is_zero() || max_hard.is_zero() || max_soft >= max_hard,
            "max_gc_interval_when_soft_limited",
            "must be at least the maximum when hard limited",
        );
    }
}

impl Config {
    /// Returns the soft limit in bytes for a process that may use `total` bytes.
    pub fn soft_limit(&self, total: u64) -> u64 {
        let (limit, spike) = if self.limit_mib > 0 {
            (
                u64::from(self.limit_mib) * MIB,
                u64::from(self.spike_limit_mib) * MIB,
            )
        } else {
            (
                share(total, self.limit_percentage),
                share(total, self.spike_limit_percentage),
            )
        };
        limit - if spike == 0 { limit / 5 } else { spike }
    }
}

fn share(total: u64, percent: u32) -> u64 {
    total / 100 * u64::from(percent)
}
