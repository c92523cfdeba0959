//! What the registry holds at one moment, for those who write it out.

use std::time::SystemTime;

use super::cells::Distribution;

/// All metrics at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Since when counters and histograms have been counted.
    pub since: SystemTime,
    /// The moment.
    pub at: SystemTime,
    /// Metrics by name.
    pub metrics: Vec<Metric>,
}

/// One metric and its series.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Name.
    pub name: String,
    /// What it says, one sentence.
    pub help: String,
    /// Unit as UCUM writes it; empty for none.
    pub unit: &'static str,
    /// What its unit adds to an exposed name.
    pub(super) unit_suffix: Option<&'static str>,
    /// Name of the instrumentation scope.
    pub scope: &'static str,
    /// What its numbers are.
    pub kind: Kind,
    /// The figure is kept elsewhere and read when metrics are read.
    pub observed: bool,
    /// Its series, by labels.
    pub series: Vec<Series>,
}

/// What the numbers of a metric are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A count that only grows.
    Counter,
    /// A count of things in and out.
    UpDownCounter,
    /// A figure of the moment.
    Gauge,
    /// A distribution.
    Histogram,
}

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Labels in the order in which they were declared.
    pub labels: Vec<(&'static str, String)>,
    /// Its value.
    pub value: Value,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Whole things.
    Count(u64),
    /// A number.
    Number(f64),
    /// A distribution.
    Spread(Distribution),
}
