//! Spans of Weir's own work.
//!
//! A [`Tracer`] is passed in, as the registry of metrics is. Switched off it makes nothing: starting a span is a comparison then, and
//! nothing is formatted or copied. Parents travel as the texts of W3C Trace Context, in which form batches carry them; other forms are
//! translated at the edges of the process.

mod b3;
mod w3c;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use opentelemetry::trace::{Link, Span as _, SpanContext, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;

pub use opentelemetry::Value;
pub use opentelemetry::trace::SpanKind;

/// Links of a span, at most; those beyond are not even read. The SDK's default, which `limits` may lower.
const MAX_LINKS: usize = 128;

/// How the trace of a request is told by whoever sends it, and to whomever Weir sends to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Propagation {
    /// `traceparent` and `tracestate`. Spec: W3C Trace Context.
    pub trace_context: bool,
    /// `b3`, or `x-b3-traceid` and others. Spec: B3 propagation.
    pub b3: bool,
}

/// Makes spans. Clones are the same tracer; the default one is off.
#[derive(Clone, Default)]
pub struct Tracer(Option<Arc<Inner>>);

struct Inner {
    tracer: SdkTracer,
    propagation: Propagation,
}

/// A place in a trace, as texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Value of `traceparent`.
    pub traceparent: String,
    /// Value of `tracestate`; empty for none.
    pub tracestate: String,
}

/// What is before a span.
#[derive(Debug, Clone, Copy, Default)]
pub struct Parent<'a> {
    /// Values of `traceparent` and `tracestate`; none if the span begins a trace.
    pub position: Option<(&'a str, &'a str)>,
    /// It is in another process.
    pub is_remote: bool,
    /// Values of `traceparent` of what else led to the span. The first 128 are kept.
    pub links: &'a [String],
}

impl Tracer {
    /// Makes spans with `tracer`.
    pub fn new(tracer: SdkTracer, propagation: Propagation) -> Self {
        Self(Some(Arc::new(Inner { tracer, propagation })))
    }

    /// Returns true if spans are made.
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Starts a span. `name` is asked only if spans are made.
    pub fn span<N: Into<Cow<'static, str>>>(
        &self,
        kind: SpanKind,
        parent: Parent<'_>,
        name: impl FnOnce() -> N,
    ) -> Span {
        let Some(inner) = &self.0 else {
            return Span::default();
        };
        let parsed = parent
            .position
            .and_then(|(traceparent, state)| w3c::parse(traceparent, state, parent.is_remote));
        let context = parsed.map_or_else(Context::new, |parent| {
            Context::new().with_remote_span_context(parent)
        });
        let links = parent.links.iter().take(MAX_LINKS);
        let links = links.filter_map(|link| Some(Link::with_context(w3c::parse(link, "", true)?)));
        let builder = inner
            .tracer
            .span_builder(name())
            .with_kind(kind)
            .with_links(links.collect());
        Span(Some(Box::new(inner.tracer.build_with_context(builder, &context))))
    }

    /// Returns the place in a trace that the headers of a request tell. `header` finds a header by its name in lower case.
    pub fn extract<'a>(&self, header: impl Fn(&str) -> Option<&'a str>) -> Option<Position> {
        let propagation = self.0.as_ref()?.propagation;
        let told = |enabled: bool, read: &dyn Fn() -> Option<SpanContext>| enabled.then(read).flatten();
        let w3c = || {
            w3c::parse(
                header("traceparent")?,
                header("tracestate").unwrap_or_default(),
                true,
            )
        };
        let context =
            told(propagation.trace_context, &w3c).or_else(|| told(propagation.b3, &|| b3::parse(&header)))?;
        Some(w3c::position(&context))
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tracer").field(&self.is_on()).finish()
    }
}

/// A span. It ends when it is dropped. The default one is none, and takes everything without effect.
#[derive(Debug, Default)]
pub struct Span(Option<Box<opentelemetry_sdk::trace::Span>>);

impl Span {
    /// Returns true if what is set on the span is kept.
    pub fn is_recording(&self) -> bool {
        self.0.as_ref().is_some_and(|span| span.is_recording())
    }

    /// Sets an attribute.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(span) = self.0.as_mut().filter(|span| span.is_recording()) {
            span.set_attribute(KeyValue::new(key, value));
        }
    }

    /// Says that what the span is about failed.
    pub fn fail(&mut self, error: &dyn fmt::Display) {
        if let Some(span) = self.0.as_mut().filter(|span| span.is_recording()) {
            span.set_status(Status::error(error.to_string()));
        }
    }

    /// Returns the place of the span, for those who come after it; none if spans are not made.
    pub fn position(&self) -> Option<Position> {
        let context = self.0.as_ref()?.span_context();
        context.is_valid().then(|| w3c::position(context))
    }

    /// Sets the headers of a request that tell the place of the span, in the forms that `tracer` is set up for.
    pub fn inject(&self, tracer: &Tracer, mut set: impl FnMut(&'static str, String)) {
        let (Some(inner), Some(span)) = (&tracer.0, &self.0) else {
            return;
        };
        let context = span.span_context();
        if !context.is_valid() {
            return;
        }
        if inner.propagation.trace_context {
            let position = w3c::position(context);
            set("traceparent", position.traceparent);
            if !position.tracestate.is_empty() {
                set("tracestate", position.tracestate);
            }
        }
        if inner.propagation.b3 {
            set("b3", b3::header(context));
        }
    }
}

#[cfg(test)]
mod tests;
