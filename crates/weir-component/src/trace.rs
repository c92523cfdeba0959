//! From the place of a batch in a trace to spans, and back.

use weir_pdata::{Context, Trace};
use weir_telemetry::spans::{Parent, Position, Span};

/// Returns what is before a span about data with this context: the span before, or those of all batches that were merged into it.
pub fn parent_of(context: &Context) -> Parent<'_> {
    let Some(trace) = context.trace() else {
        return Parent::default();
    };
    let position = trace.traceparent.as_deref();
    Parent {
        position: position.map(|traceparent| (traceparent, trace.tracestate.as_str())),
        is_remote: false,
        links: &trace.links,
    }
}

/// Returns the context of data that is within a span; the same if spans are not made.
#[must_use]
pub fn within(context: Context, span: &Span) -> Context {
    match span.position() {
        Some(position) => context.with_trace(trace_at(position)),
        None => context,
    }
}

/// Returns the place in a trace after a position.
pub fn trace_at(position: Position) -> Trace {
    Trace {
        traceparent: Some(position.traceparent),
        tracestate: position.tracestate,
        links: Vec::new(),
    }
}
