//! `traces`.

use std::borrow::Cow;

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny},
};

use serde_json::Value;
use weir_component::{
    config::schema,
    schemars::{self, JsonSchema, Schema, SchemaGenerator},
};

use super::{
    push::{Pushed, WrittenProcessor, processors},
    scalar::{Nothing, present, without_default},
};
use crate::telemetry::{Complaints, ParentBased, Propagator, Sampler, SpanLimits, Traces, TracesLevel};

/// Spans of Weir's own work.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenTraces {
    /// Whether spans are made: `none`, or `basic` if there are processors.
    level: TracesLevel,
    /// How the trace of a request is told by whoever sends it, and to whomever Weir sends to: `tracecontext`, `b3`. Default: none.
    propagators: Vec<Propagator>,
    /// Where spans go. Default: nowhere, and none are made.
    processors: Vec<WrittenProcessor>,
    /// Which traces are recorded, one of the keys. Default: as the parent, and all that have none.
    sampler: Option<WrittenSampler>,
    /// How much a span may hold.
    limits: Option<WrittenLimits>,
}

/// Which traces are recorded: one of the keys.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct WrittenSampler {
    /// All. Takes an empty section.
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Option<Nothing>", transform = without_default)]
    always_on: bool,
    /// None. Takes an empty section.
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Option<Nothing>", transform = without_default)]
    always_off: bool,
    /// A part of them, by their id.
    trace_id_ratio_based: Option<WrittenRatio>,
    /// As the parent was, by rules; empty for the usual ones.
    #[serde(deserialize_with = "or_empty")]
    parent_based: Option<Box<WrittenParentBased>>,
    /// Not supported: asking Jaeger which traces to record.
    #[schemars(with = "Option<Value>")]
    jaeger_remote: Option<IgnoredAny>,
}

/// A part of all traces.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct WrittenRatio {
    /// The part, from 0 to 1. Default: 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    ratio: Option<f64>,
}

/// Which traces are recorded, by what is known of the parent.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct WrittenParentBased {
    /// Of traces without a parent. Default: all.
    root: Option<WrittenSampler>,
    /// Of traces that somebody else records. Default: all.
    remote_parent_sampled: Option<WrittenSampler>,
    /// Of traces that nobody else records. Default: none.
    remote_parent_not_sampled: Option<WrittenSampler>,
    /// Of what is part of a recorded span. Default: all.
    local_parent_sampled: Option<WrittenSampler>,
    /// Of what is part of a span that is not recorded. Default: none.
    local_parent_not_sampled: Option<WrittenSampler>,
}

/// Null is the section with its defaults.
fn or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<WrittenParentBased>>, D::Error> {
    let written = Option::<Box<WrittenParentBased>>::deserialize(deserializer)?;
    Ok(Some(written.unwrap_or_default()))
}

/// How much a span may hold, at most.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct WrittenLimits {
    /// Attributes of a span. Default: 128.
    attribute_count_limit: Option<u32>,
    /// Characters of a text in an attribute. Default: no limit.
    attribute_value_length_limit: Option<u32>,
    /// Events of a span. Default: 128.
    event_count_limit: Option<u32>,
    /// Links of a span. Default: 128.
    link_count_limit: Option<u32>,
    /// Attributes of an event. Default: 128.
    event_attribute_count_limit: Option<u32>,
    /// Attributes of a link. Default: 128.
    link_attribute_count_limit: Option<u32>,
}

impl WrittenTraces {
    pub(super) fn understand(self, found: &mut Complaints<'_>) -> Traces {
        let goes_nowhere = self.processors.is_empty();
        let traces = Traces {
            level: self.level,
            propagators: self.propagators,
            processors: processors(self.processors, "traces::processors", Pushed::Spans, found),
            sampler: self
                .sampler
                .and_then(|sampler| sampler.understand("traces::sampler", found)),
            limits: self.limits.map(WrittenLimits::understand),
        };
        if traces.level == TracesLevel::Basic && goes_nowhere {
            for (key, is_set) in [
                ("propagators", !traces.propagators.is_empty()),
                ("sampler", traces.sampler.is_some()),
                ("limits", traces.limits.is_some()),
            ] {
                if is_set {
                    let hint = "add `processors`, which say where spans go";
                    found.warning(&format!("traces::{key}"), "no effect: no spans are made", hint);
                }
            }
        }
        traces
    }
}

impl WrittenSampler {
    fn understand(self, at: &str, found: &mut Complaints<'_>) -> Option<Sampler> {
        if self.jaeger_remote.is_some() {
            let what = "asking Jaeger which traces to record";
            found.unsupported(&format!("{at}::jaeger_remote"), what);
            return None;
        }
        let mut chosen = Vec::new();
        if self.always_on {
            chosen.push(Sampler::AlwaysOn);
        }
        if self.always_off {
            chosen.push(Sampler::AlwaysOff);
        }
        if let Some(WrittenRatio { ratio }) = self.trace_id_ratio_based {
            let ratio = ratio.unwrap_or(1.0);
            if !(0.0..=1.0).contains(&ratio) {
                let at = format!("{at}::trace_id_ratio_based::ratio");
                found.error(&at, format!("ratio {ratio}: must be from 0 to 1"), None);
            }
            chosen.push(Sampler::TraceIdRatioBased(ratio));
        }
        if let Some(rules) = self.parent_based {
            chosen.push(rules.understand(&format!("{at}::parent_based"), found));
        }
        if chosen.len() != 1 {
            found.error(
                at,
                "a sampler is one of `always_on`, `always_off`, `trace_id_ratio_based`, `parent_based`",
                None,
            );
        }
        chosen.pop()
    }
}

impl WrittenParentBased {
    fn understand(self, at: &str, found: &mut Complaints<'_>) -> Sampler {
        let defaults = ParentBased::default();
        let mut of = |key: &str, written: Option<WrittenSampler>, default: Sampler| {
            written
                .and_then(|sampler| sampler.understand(&format!("{at}::{key}"), found))
                .unwrap_or(default)
        };
        Sampler::ParentBased(Box::new(ParentBased {
            root: of("root", self.root, defaults.root),
            remote_parent_sampled: of(
                "remote_parent_sampled",
                self.remote_parent_sampled,
                defaults.remote_parent_sampled,
            ),
            remote_parent_not_sampled: of(
                "remote_parent_not_sampled",
                self.remote_parent_not_sampled,
                defaults.remote_parent_not_sampled,
            ),
            local_parent_sampled: of(
                "local_parent_sampled",
                self.local_parent_sampled,
                defaults.local_parent_sampled,
            ),
            local_parent_not_sampled: of(
                "local_parent_not_sampled",
                self.local_parent_not_sampled,
                defaults.local_parent_not_sampled,
            ),
        }))
    }
}

impl WrittenLimits {
    fn understand(self) -> SpanLimits {
        let defaults = SpanLimits::default();
        SpanLimits {
            attribute_count_limit: self
                .attribute_count_limit
                .unwrap_or(defaults.attribute_count_limit),
            event_count_limit: self.event_count_limit.unwrap_or(defaults.event_count_limit),
            link_count_limit: self.link_count_limit.unwrap_or(defaults.link_count_limit),
            event_attribute_count_limit: self
                .event_attribute_count_limit
                .unwrap_or(defaults.event_attribute_count_limit),
            link_attribute_count_limit: self
                .link_attribute_count_limit
                .unwrap_or(defaults.link_attribute_count_limit),
            attribute_value_length_limit: self.attribute_value_length_limit,
        }
    }
}

impl JsonSchema for TracesLevel {
    fn schema_name() -> Cow<'static, str> {
        "TracesLevel".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema::words_in_any_case(&["none", "basic"])
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
