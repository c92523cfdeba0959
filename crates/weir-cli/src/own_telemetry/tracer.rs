//! The tracer that `service::telemetry::traces` asks for.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::{Link, SpanKind, TraceContextExt as _, TraceId, TracerProvider as _};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    Sampler, SamplingResult, SdkTracerProvider, ShouldSample, Span, SpanData, SpanLimits, SpanProcessor,
};
use weir_component::Signal;
use weir_config::telemetry as config;
use weir_telemetry::spans::Propagation;
use weir_telemetry::{OWN_SCOPE, Tracer};

use super::OwnTelemetryError;
use super::push::Destination;
use super::queue::{Gathering, Queue};
use crate::App;

/// Spans on their way from a tracer.
pub(super) type Spans = Vec<(Arc<Queue<SpanData>>, Destination)>;

/// Makes a tracer, and the queues that its spans come out of; off, and none, if spans are not wanted.
pub(super) fn tracer(app: &App, traces: &config::Traces) -> Result<(Tracer, Spans), OwnTelemetryError> {
    if !traces.are_on() {
        return Ok((Tracer::default(), Spans::new()));
    }
    let limits = traces.limits.unwrap_or_default();
    let sampler = traces.sampler.clone().unwrap_or_default();
    let mut builder = SdkTracerProvider::builder()
        // Spans get their resource where they are pushed.
        .with_resource(opentelemetry_sdk::Resource::builder_empty().build())
        .with_span_limits(SpanLimits {
            max_events_per_span: limits.event_count_limit,
            max_attributes_per_span: limits.attribute_count_limit,
            max_links_per_span: limits.link_count_limit,
            max_attributes_per_event: limits.event_attribute_count_limit,
            max_attributes_per_link: limits.link_attribute_count_limit,
        })
        .with_sampler(chosen(&sampler));
    let mut spans = Spans::new();
    for processor in &traces.processors {
        let (gathering, exporter) = Gathering::of(processor);
        let destination = Destination::new(app, exporter, Signal::Traces)
            .map_err(|error| OwnTelemetryError::Push("traces", error))?;
        let queue = Queue::new(gathering, Signal::Traces, Arc::clone(app.pushes()));
        let longest = limits.attribute_value_length_limit;
        builder = builder.with_span_processor(Enqueue {
            queue: Arc::clone(&queue),
            longest: longest.map_or(usize::MAX, |longest| longest as usize),
        });
        spans.push((queue, destination));
    }
    let scope = InstrumentationScope::builder(OWN_SCOPE)
        .with_version(app.build_info().version.clone())
        .build();
    let propagation = Propagation {
        trace_context: traces.propagators.contains(&config::Propagator::TraceContext),
        b3: traces.propagators.contains(&config::Propagator::B3),
    };
    let tracer = builder.build().tracer_with_scope(scope);
    Ok((Tracer::new(tracer, propagation), spans))
}

/// Puts spans that have ended into a queue.
#[derive(Debug)]
struct Enqueue {
    queue: Arc<Queue<SpanData>>,
    /// Characters that a text among the attributes may have. The SDK has no such limit.
    longest: usize,
}

impl SpanProcessor for Enqueue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, mut span: SpanData) {
        if span.span_context.is_sampled() {
            for attribute in &mut span.attributes {
                shorten(attribute, self.longest);
            }
            self.queue.put(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Spec: OpenTelemetry, "Attribute limits": texts are cut to so many characters.
fn shorten(attribute: &mut KeyValue, longest: usize) {
    if let opentelemetry::Value::String(text) = &attribute.value
        && let Some((end, _)) = text.as_str().char_indices().nth(longest)
    {
        let cut = text.as_str()[..end].to_owned();
        attribute.value = cut.into();
    }
}

/// A sampler of the configuration.
fn chosen(sampler: &config::Sampler) -> Box<dyn ShouldSample> {
    match sampler {
        config::Sampler::AlwaysOn => Box::new(Sampler::AlwaysOn),
        config::Sampler::AlwaysOff => Box::new(Sampler::AlwaysOff),
        config::Sampler::TraceIdRatioBased(ratio) => Box::new(Sampler::TraceIdRatioBased(*ratio)),
        config::Sampler::ParentBased(rules) => Box::new(ParentBased {
            root: chosen(&rules.root),
            remote: [&rules.remote_parent_not_sampled, &rules.remote_parent_sampled].map(chosen),
            local: [&rules.local_parent_not_sampled, &rules.local_parent_sampled].map(chosen),
        }),
    }
}

/// Asks another sampler, chosen by the parent. Spec: OpenTelemetry tracing SDK, "ParentBased".
#[derive(Debug, Clone)]
struct ParentBased {
    root: Box<dyn ShouldSample>,
    /// By whether the parent is sampled.
    remote: [Box<dyn ShouldSample>; 2],
    local: [Box<dyn ShouldSample>; 2],
}

impl ShouldSample for ParentBased {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let context = parent.map(|parent| parent.span().span_context().clone());
        let sampler = match context.filter(opentelemetry::trace::SpanContext::is_valid) {
            None => &self.root,
            Some(context) if context.is_remote() => &self.remote[usize::from(context.is_sampled())],
            Some(context) => &self.local[usize::from(context.is_sampled())],
        };
        sampler.should_sample(parent, trace_id, name, kind, attributes, links)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_chooses_who_decides() {
        use config::Sampler::{AlwaysOff, AlwaysOn};
        let rules = config::ParentBased {
            root: AlwaysOff,
            remote_parent_sampled: AlwaysOff,
            remote_parent_not_sampled: AlwaysOn,
            ..config::ParentBased::default()
        };
        let provider = SdkTracerProvider::builder()
            .with_sampler(chosen(&config::Sampler::ParentBased(Box::new(rules))))
            .build();
        let tracer = Tracer::new(provider.tracer("test"), Propagation::default());
        let sampled = |flags: Option<&str>, is_remote: bool| {
            let parent =
                flags.map(|flags| format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}"));
            let parent = weir_telemetry::spans::Parent {
                position: parent.as_ref().map(|parent| (parent.as_str(), "")),
                is_remote,
                links: &[],
            };
            let span = tracer.span(SpanKind::Internal, parent, || "work");
            span.is_recording()
        };
        for (flags, is_remote, expect) in [
            (None, false, false),
            (Some("01"), true, false),
            (Some("00"), true, true),
            (Some("01"), false, true),
            (Some("00"), false, false),
        ] {
            assert_eq!(sampled(flags, is_remote), expect, "{flags:?} {is_remote}");
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let mut attribute = KeyValue::new("a", "äöü");
        shorten(&mut attribute, 2);
        assert_eq!(attribute.value.as_str(), "äö");
        shorten(&mut attribute, 2);
        assert_eq!(attribute.value.as_str(), "äö");
    }
}
