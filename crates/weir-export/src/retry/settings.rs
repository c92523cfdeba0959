//! The `retry_on_failure` section.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_component::config::{Validate, Violations, duration};
use weir_component::schemars::{self, JsonSchema};

/// Section `retry_on_failure` with the usual first pause of 5 s.
pub type RetryOnFailure = RetrySettings<5_000>;

/// Section `retry_on_failure`: how often and how long a request is sent again.
///
/// `FIRST_PAUSE` is the default of `initial_interval` in milliseconds; it is the one default that components choose themselves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
// The bound: serde cannot work out that of a const parameter, and there is none.
#[serde(deny_unknown_fields, default, bound = "")]
#[schemars(rename = "RetryOnFailure{FIRST_PAUSE}", bound = "", extend("x-weir-block" = "retry_on_failure"))]
pub struct RetrySettings<const FIRST_PAUSE: u64> {
    /// Whether requests are sent again at all. Without, a failed request is refused or dropped at once.
    pub enabled: bool,
    /// Pause before the first retry, before randomization.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub initial_interval: Duration,
    /// Longest pause, before randomization. A pause that the server asks for is kept even if it is longer.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub max_interval: Duration,
    /// Time since the first attempt after which a request is given up. 0: never. Otherwise at least `initial_interval` and `max_interval`.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub max_elapsed_time: Duration,
    /// Factor by which the pause grows from retry to retry, 0 or more.
    #[schemars(range(min = 0.0))]
    pub multiplier: f64,
    /// How far a pause may be from its nominal length, as a fraction from 0 to 1: spreads the retries of many senders.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub randomization_factor: f64,
}

impl<const FIRST_PAUSE: u64> Default for RetrySettings<FIRST_PAUSE> {
    fn default() -> Self {
        Self {
            enabled: true,
            initial_interval: Duration::from_millis(FIRST_PAUSE),
            max_interval: Duration::from_secs(30),
            max_elapsed_time: Duration::from_secs(300),
            multiplier: 1.5,
            randomization_factor: 0.5,
        }
    }
}

impl<const FIRST_PAUSE: u64> Validate for RetrySettings<FIRST_PAUSE> {
    fn validate(&self, found: &mut Violations) {
        found.require(
            self.multiplier.is_finite() && self.multiplier >= 0.0,
            "multiplier",
            "must be 0 or more",
        );
        found.require(
            (0.0..=1.0).contains(&self.randomization_factor),
            "randomization_factor",
            "must be from 0 to 1",
        );
        if !self.max_elapsed_time.is_zero() {
            let shortest = self.initial_interval.max(self.max_interval);
            let message = "must be 0 (no limit), or at least `initial_interval` and `max_interval`";
            found.require(self.max_elapsed_time >= shortest, "max_elapsed_time", message);
        }
    }
}

impl<const FIRST_PAUSE: u64> RetrySettings<FIRST_PAUSE> {
    /// Returns the same settings as the type that layers take.
    pub const fn resolved(&self) -> RetryOnFailure {
        RetrySettings {
            enabled: self.enabled,
            initial_interval: self.initial_interval,
            max_interval: self.max_interval,
            max_elapsed_time: self.max_elapsed_time,
            multiplier: self.multiplier,
            randomization_factor: self.randomization_factor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(yaml: &str) -> Vec<String> {
        let settings: RetryOnFailure = serde_yaml::from_str(yaml).unwrap();
        let mut found = Violations::default();
        settings.validate(&mut found);
        found
            .into_found()
            .into_iter()
            .map(|violation| violation.path.join("::"))
            .collect()
    }

    #[test]
    fn defaults_follow_the_component() {
        let settings: RetrySettings<50> = serde_yaml::from_str("{max_interval: 10s}").unwrap();
        assert_eq!(settings.resolved().initial_interval, Duration::from_millis(50));
        assert_eq!(settings.max_interval, Duration::from_secs(10));
        assert_eq!(RetryOnFailure::default().initial_interval, Duration::from_secs(5));
    }

    #[test]
    fn values_are_checked_even_when_retries_are_off() {
        assert_eq!(
            mistakes("{enabled: false, multiplier: -1, randomization_factor: 1.1}"),
            ["multiplier", "randomization_factor"]
        );
        assert_eq!(mistakes("{max_elapsed_time: 10s}"), ["max_elapsed_time"]);
        assert_eq!(mistakes("{max_elapsed_time: 0}"), [""; 0]);
        assert!(serde_yaml::from_str::<RetryOnFailure>("{initial_interval: -1s}").is_err());
        assert!(serde_yaml::from_str::<RetryOnFailure>("{initial: 1s}").is_err());
    }
}
