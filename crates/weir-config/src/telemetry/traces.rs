//! Which spans Weir makes of its own work, and where they go.

use serde::{Serialize, Serializer, ser::SerializeMap};
use weir_component::schemars::{self, JsonSchema};

use super::{Processor, printed};

/// How Weir traces its own work. Without processors it does not.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Traces {
    /// Whether spans are made. Default: `basic`.
    pub level: TracesLevel,
    /// How the trace of a request is told by whoever sends it, and to whomever Weir sends to. Default: none.
    pub propagators: Vec<Propagator>,
    /// Where spans go. Default: nowhere, and none are made.
    pub processors: Vec<Processor>,
    /// Which traces are recorded. Default: as the parent, and all that have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampler: Option<Sampler>,
    /// How much a span may hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<SpanLimits>,
}

impl Traces {
    /// Returns true if spans are made.
    pub fn are_on(&self) -> bool {
        self.level == TracesLevel::Basic && !self.processors.is_empty()
    }
}

/// Whether spans are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TracesLevel {
    /// They are not.
    None,
    /// They are, if there are processors.
    #[default]
    Basic,
}

/// How the trace of a request is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
pub enum Propagator {
    /// `traceparent` and `tracestate`. Spec: W3C Trace Context.
    #[serde(rename = "tracecontext")]
    TraceContext,
    /// `b3`, or `x-b3-traceid` and others. Spec: B3 propagation.
    #[serde(rename = "b3")]
    B3,
}

/// Which traces are recorded.
#[derive(Debug, Clone, PartialEq)]
pub enum Sampler {
    /// All.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// This part of them, from 0 to 1, by their id.
    TraceIdRatioBased(f64),
    /// By what the parent says.
    ParentBased(Box<ParentBased>),
}

/// Who decides on spans, by their parent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParentBased {
    /// On those without. Default: always on.
    pub root: Sampler,
    /// On those of a recorded parent elsewhere. Default: always on.
    pub remote_parent_sampled: Sampler,
    /// On those of a parent elsewhere that is not recorded. Default: always off.
    pub remote_parent_not_sampled: Sampler,
    /// On those of a recorded parent in this process. Default: always on.
    pub local_parent_sampled: Sampler,
    /// On those of a parent in this process that is not recorded. Default: always off.
    pub local_parent_not_sampled: Sampler,
}

impl Default for ParentBased {
    fn default() -> Self {
        Self {
            root: Sampler::AlwaysOn,
            remote_parent_sampled: Sampler::AlwaysOn,
            remote_parent_not_sampled: Sampler::AlwaysOff,
            local_parent_sampled: Sampler::AlwaysOn,
            local_parent_not_sampled: Sampler::AlwaysOff,
        }
    }
}

impl Default for Sampler {
    fn default() -> Self {
        Self::ParentBased(Box::default())
    }
}

impl Serialize for Sampler {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Ratio {
            ratio: f64,
        }
        match self {
            Self::AlwaysOn => printed::one(serializer, "always_on", &printed::NOTHING),
            Self::AlwaysOff => printed::one(serializer, "always_off", &printed::NOTHING),
            Self::TraceIdRatioBased(ratio) => {
                printed::one(serializer, "trace_id_ratio_based", &Ratio { ratio: *ratio })
            }
            Self::ParentBased(rules) => printed::one(serializer, "parent_based", rules),
        }
    }
}

/// How much a span may hold; what is beyond is left out and counted in the span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanLimits {
    /// Attributes of a span. Default: 128.
    pub attribute_count_limit: u32,
    /// Events of a span. Default: 128.
    pub event_count_limit: u32,
    /// Links of a span. Default: 128.
    pub link_count_limit: u32,
    /// Attributes of an event. Default: 128.
    pub event_attribute_count_limit: u32,
    /// Attributes of a link. Default: 128.
    pub link_attribute_count_limit: u32,
    /// Characters of an attribute's text. Default: no limit.
    pub attribute_value_length_limit: Option<u32>,
}

impl Default for SpanLimits {
    fn default() -> Self {
        Self {
            attribute_count_limit: 128,
            event_count_limit: 128,
            link_count_limit: 128,
            event_attribute_count_limit: 128,
            link_attribute_count_limit: 128,
            attribute_value_length_limit: None,
        }
    }
}

impl Serialize for SpanLimits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, limit) in [
            ("attribute_count_limit", self.attribute_count_limit),
            ("event_count_limit", self.event_count_limit),
            ("link_count_limit", self.link_count_limit),
            ("event_attribute_count_limit", self.event_attribute_count_limit),
            ("link_attribute_count_limit", self.link_attribute_count_limit),
        ] {
            map.serialize_entry(key, &limit)?;
        }
        if let Some(limit) = self.attribute_value_length_limit {
            map.serialize_entry("attribute_value_length_limit", &limit)?;
        }
        map.end()
    }
}
