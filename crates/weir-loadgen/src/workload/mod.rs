//! OTLP requests with known totals.
//!
//! A [`Spec`] says what to send. Each lane (one request in flight) draws from a [`LaneSource`] of its own, so the
//! points of a series leave in order. Bodies are encoded once; per request only fixed-width fields are patched (times,
//! values, the instance id), which keeps the generator cheap. [`Totals`] tells what must arrive. Knows no transport.

pub(crate) mod attributes;
mod json;
mod records;
mod request;
mod source;
mod template;
mod totals;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::count::Signal;
pub use source::{LaneSource, Request, lanes};
pub use totals::{Class, Finals, Totals};

/// Bytes left free in front of each body for the gRPC message header.
pub const GRPC_HEADER: usize = 5;

/// What the points of a request are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Payload {
    /// 50 % sums, 30 % gauges, 15 % histograms of 12 buckets, 5 % exponential histograms of 40 buckets; 6 attributes.
    #[default]
    Mixed6,
    /// Sums with 10 attributes, whose values repeat over series.
    Sums10,
    /// [`Sums10`](Self::Sums10) with one attribute of ten unique to its series.
    Card10,
    /// [`Sums10`](Self::Sums10) with all nine string attributes unique to their series: the worst case for interning.
    Uniq10,
    /// Spans with 6 attributes; `points` of them per request, of one instance.
    Spans,
    /// Log records of about 100 bytes of text with 6 attributes; `points` of them per request, of one instance.
    Logs,
}

impl Payload {
    /// Returns the signal that it is of.
    pub fn signal(self) -> Signal {
        match self {
            Self::Spans => Signal::Traces,
            Self::Logs => Signal::Logs,
            Self::Mixed6 | Self::Sums10 | Self::Card10 | Self::Uniq10 => Signal::Metrics,
        }
    }
}

/// How sums and histograms report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Temporality {
    /// Totals since the start of the series.
    #[default]
    Cumulative,
    /// What was added since the point before.
    Delta,
}

/// What to generate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// Kind of payload.
    #[arg(long, value_enum, default_value = "mixed6")]
    pub payload: Payload,
    /// Data points (spans, log records) per request, 1 to 100000, all of one resource. 40 makes the `small40` case of `mixed6`.
    #[arg(long, default_value_t = 1000)]
    pub points: u32,
    /// Distinct OTLP series alive at a time, rounded up to whole instances of `points` series each; at least one
    /// instance per lane.
    #[arg(long, default_value_t = 8000)]
    pub series: u64,
    /// Share of the series replaced per second, 0 to 1: an instance ends and another one begins, as in a rollout.
    #[arg(long, default_value_t = 0.0)]
    pub churn: f64,
    /// Temporality of sums and histograms.
    #[arg(long, value_enum, default_value = "cumulative")]
    pub temporality: Temporality,
    /// Seed of names, values and steps.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            payload: Payload::default(),
            points: 1000,
            series: 8000,
            churn: 0.0,
            temporality: Temporality::default(),
            seed: 1,
        }
    }
}

/// What is wrong with a [`Spec`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// `points` is out of range.
    #[error("points per request must be 1 to 100000")]
    Points,
    /// `series` is out of range.
    #[error("series must be 1 to 100000000")]
    Series,
    /// `churn` is out of range.
    #[error("churn must be 0 to 1 per second")]
    Churn,
}

impl Spec {
    /// Checks the bounds of each option.
    ///
    /// # Errors
    /// The first option out of range.
    pub fn validate(&self) -> Result<(), SpecError> {
        match () {
            () if !(1..=100_000).contains(&self.points) => Err(SpecError::Points),
            () if !(1..=100_000_000).contains(&self.series) => Err(SpecError::Series),
            () if !(0.0..=1.0).contains(&self.churn) => Err(SpecError::Churn),
            () => Ok(()),
        }
    }
}

/// Mixes the words of a key into one (splitmix64), for values that depend on nothing but their place and the seed.
fn mix(words: &[u64]) -> u64 {
    words.iter().fold(0x9e37_79b9_7f4a_7c15, |state, word| {
        let mut z = (state ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}
