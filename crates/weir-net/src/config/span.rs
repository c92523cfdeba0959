//! A duration as a value of its own.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A duration in the Collector's notation, for [`keys!`](crate::keys) and for lists of durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(#[serde(with = "weir_component::config::duration")] Duration);

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.0
    }
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}
