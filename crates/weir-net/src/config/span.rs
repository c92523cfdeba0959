//! A duration as a value of its own.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_component::config::duration;
use weir_component::schemars::{self, JsonSchema};

/// A duration in the Collector's notation, for [`keys!`](crate::keys) and for lists of durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(with = "duration::Text", inline)]
pub struct Span(#[serde(with = "duration")] Duration);

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
