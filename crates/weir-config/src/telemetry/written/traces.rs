//! `traces`: nothing but off is supported.

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny},
};

use super::push::Processor;
use crate::telemetry::Complaints;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenTraces {
    level: TracesLevel,
    propagators: Vec<Propagator>,
    processors: Vec<Processor>,
    sampler: Option<IgnoredAny>,
    limits: Option<IgnoredAny>,
}

#[derive(Default)]
pub(super) enum TracesLevel {
    None,
    #[default]
    Basic,
}

#[derive(Deserialize)]
pub(super) enum Propagator {
    #[serde(rename = "tracecontext")]
    TraceContext,
    #[serde(rename = "b3")]
    B3,
}

impl WrittenTraces {
    pub(super) fn understand(self, found: &mut Complaints<'_>) {
        // Without processors tracing is off, whatever the level, as in the Collector.
        let (TracesLevel::None | TracesLevel::Basic) = self.level;
        if let Some(Propagator::TraceContext | Propagator::B3) = self.propagators.first() {
            found.unsupported("traces::propagators", "passing on trace context");
        }
        if !self.processors.is_empty() {
            found.unsupported("traces::processors", "own traces");
        }
        for (key, present) in [
            ("sampler", self.sampler.is_some()),
            ("limits", self.limits.is_some()),
        ] {
            if present {
                found.unsupported(&format!("traces::{key}"), "own traces");
            }
        }
    }
}

impl<'de> Deserialize<'de> for TracesLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.to_ascii_lowercase().as_str() {
            "none" => Ok(Self::None),
            "basic" => Ok(Self::Basic),
            _ => Err(de::Error::unknown_variant(&text, &["none", "basic"])),
        }
    }
}
