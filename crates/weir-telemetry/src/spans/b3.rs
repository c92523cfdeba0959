//! B3 propagation. Spec: <https://github.com/openzipkin/b3-propagation>. Both forms are read, the single header is written.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// Reads the headers of a request: the single one if there is one, several otherwise.
pub(super) fn parse<'a>(header: &impl Fn(&str) -> Option<&'a str>) -> Option<SpanContext> {
    if let Some(single) = header("b3") {
        let mut parts = single.trim().split('-');
        let (trace, span) = (parts.next()?, parts.next()?);
        return context(trace, span, parts.next(), None);
    }
    context(
        header("x-b3-traceid")?,
        header("x-b3-spanid")?,
        header("x-b3-sampled"),
        header("x-b3-flags"),
    )
}

fn context(trace: &str, span: &str, sampled: Option<&str>, flags: Option<&str>) -> Option<SpanContext> {
    let (trace, span) = (trace.trim(), span.trim());
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Ids of traces may have 64 bits; zeros are put before them.
    if !matches!(trace.len(), 16 | 32) || span.len() != 16 || !digits(trace) || !digits(span) {
        return None;
    }
    let is_sampled =
        matches!(sampled.map(str::trim), Some("1" | "d" | "true")) || flags.map(str::trim) == Some("1");
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::default().with_sampled(is_sampled),
        true,
        TraceState::default(),
    );
    context.is_valid().then_some(context)
}

/// Writes the single header.
pub(super) fn header(context: &SpanContext) -> String {
    let sampled = if context.is_sampled() { '1' } else { '0' };
    format!("{}-{}-{sampled}", context.trace_id(), context.span_id())
}
