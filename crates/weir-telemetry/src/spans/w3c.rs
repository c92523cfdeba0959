//! W3C Trace Context, level 1. Spec: <https://www.w3.org/TR/trace-context-1/>.

use std::str::FromStr;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

use super::Position;

/// Reads `traceparent` and `tracestate`. A damaged state is left out, as section 3.3.1.5 has it.
pub(super) fn parse(traceparent: &str, tracestate: &str, is_remote: bool) -> Option<SpanContext> {
    let mut parts = traceparent.trim().split('-');
    let version = octet(parts.next()?)?;
    let (trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?);
    // Later versions may append fields; this one must not.
    if version == 0xff || (version == 0 && parts.next().is_some()) || trace.len() != 32 || span.len() != 16 {
        return None;
    }
    if !trace.bytes().chain(span.bytes()).all(is_hex) {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(octet(flags)?) & TraceFlags::SAMPLED,
        is_remote,
        TraceState::from_str(tracestate).unwrap_or_default(),
    );
    context.is_valid().then_some(context)
}

/// Writes `traceparent` and `tracestate`.
pub(super) fn position(context: &SpanContext) -> Position {
    let (trace, span) = (context.trace_id(), context.span_id());
    let flags = context.trace_flags() & TraceFlags::SAMPLED;
    Position {
        traceparent: format!("00-{trace}-{span}-{:02x}", flags.to_u8()),
        tracestate: context.trace_state().header(),
    }
}

fn octet(text: &str) -> Option<u8> {
    let is_octet = text.len() == 2 && text.bytes().all(is_hex);
    is_octet.then(|| u8::from_str_radix(text, 16).ok()).flatten()
}

/// Upper case is not allowed.
const fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}
