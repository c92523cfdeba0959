//! The signals of OpenTelemetry.

use std::fmt;
use std::str::FromStr;

/// A kind of telemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// Metrics; an item is a data point.
    Metrics,
    /// Traces; an item is a span.
    Traces,
    /// Logs; an item is a log record.
    Logs,
}

impl Signal {
    /// All signals.
    pub const ALL: [Self; 3] = [Self::Metrics, Self::Traces, Self::Logs];

    /// Returns the name used in configuration and metrics: `metrics`, `traces` or `logs`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Traces => "traces",
            Self::Logs => "logs",
        }
    }

    /// Returns what the Collector's own metrics call this signal's items: `metric_points`, `spans` or `log_records`.
    pub const fn items_name(self) -> &'static str {
        match self {
            Self::Metrics => "metric_points",
            Self::Traces => "spans",
            Self::Logs => "log_records",
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown signal `{0}`: use metrics, traces or logs")]
pub struct UnknownSignal(pub String);

impl FromStr for Signal {
    type Err = UnknownSignal;

    fn from_str(text: &str) -> Result<Self, UnknownSignal> {
        Self::ALL
            .into_iter()
            .find(|signal| signal.as_str() == text)
            .ok_or_else(|| UnknownSignal(text.to_owned()))
    }
}
