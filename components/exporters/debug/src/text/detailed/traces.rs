//! Spans.

use std::fmt::{Display, Result, Write};

use weir_proto::otlp::collector::trace::v1::ExportTraceServiceRequest;
use weir_proto::otlp::trace::v1::Span;
use weir_proto::otlp::trace::v1::span::{Event, Link, SpanKind};
use weir_proto::otlp::trace::v1::status::StatusCode;

use super::{attributes, resource, scope};
use crate::text::{hex, time};

pub(in crate::text) fn traces(out: &mut String, request: &ExportTraceServiceRequest) -> Result {
    for (index, of_resource) in request.resource_spans.iter().enumerate() {
        resource(out, "ResourceSpans", index, &of_resource.schema_url, of_resource.resource.as_ref())?;
        for (index, of_scope) in of_resource.scope_spans.iter().enumerate() {
            scope(out, "ScopeSpans", index, &of_scope.schema_url, of_scope.scope.as_ref())?;
            for (index, one) in of_scope.spans.iter().enumerate() {
                writeln!(out, "Span #{index}")?;
                span(out, one)?;
            }
        }
    }
    Ok(())
}

fn span(out: &mut String, span: &Span) -> Result {
    let kind = SpanKind::try_from(span.kind).map_or("", |kind| match kind {
        SpanKind::Unspecified => "Unspecified",
        SpanKind::Internal => "Internal",
        SpanKind::Server => "Server",
        SpanKind::Client => "Client",
        SpanKind::Producer => "Producer",
        SpanKind::Consumer => "Consumer",
    });
    let status = span.status.clone().unwrap_or_default();
    let code = StatusCode::try_from(status.code).map_or("", |code| match code {
        StatusCode::Unset => "Unset",
        StatusCode::Ok => "Ok",
        StatusCode::Error => "Error",
    });
    field(out, "Trace ID", hex(&span.trace_id))?;
    field(out, "Parent ID", hex(&span.parent_span_id))?;
    field(out, "ID", hex(&span.span_id))?;
    field(out, "Name", &span.name)?;
    field(out, "Kind", kind)?;
    if !span.trace_state.is_empty() {
        field(out, "TraceState", &span.trace_state)?;
    }
    field(out, "Start time", time(span.start_time_unix_nano))?;
    field(out, "End time", time(span.end_time_unix_nano))?;
    field(out, "Status code", code)?;
    field(out, "Status message", &status.message)?;
    for (label, count) in [
        ("DroppedAttributesCount", span.dropped_attributes_count),
        ("DroppedEventsCount", span.dropped_events_count),
        ("DroppedLinksCount", span.dropped_links_count),
    ] {
        if count > 0 {
            field(out, label, count)?;
        }
    }
    attributes(out, "Attributes:", 5, &span.attributes)?;
    events(out, &span.events)?;
    links(out, &span.links)
}

fn field(out: &mut String, label: &str, value: impl Display) -> Result {
    writeln!(out, "    {label:<15}: {value}")
}

fn events(out: &mut String, events: &[Event]) -> Result {
    if !events.is_empty() {
        writeln!(out, "Events:")?;
    }
    for (index, event) in events.iter().enumerate() {
        writeln!(out, "SpanEvent #{index}")?;
        writeln!(out, "     -> Name: {}", event.name)?;
        writeln!(out, "     -> Timestamp: {}", time(event.time_unix_nano))?;
        writeln!(out, "     -> DroppedAttributesCount: {}", event.dropped_attributes_count)?;
        attributes(out, "     -> Attributes:", 9, &event.attributes)?;
    }
    Ok(())
}

fn links(out: &mut String, links: &[Link]) -> Result {
    if !links.is_empty() {
        writeln!(out, "Links:")?;
    }
    for (index, link) in links.iter().enumerate() {
        writeln!(out, "SpanLink #{index}")?;
        writeln!(out, "     -> Trace ID: {}", hex(&link.trace_id))?;
        writeln!(out, "     -> ID: {}", hex(&link.span_id))?;
        writeln!(out, "     -> TraceState: {}", link.trace_state)?;
        writeln!(out, "     -> DroppedAttributesCount: {}", link.dropped_attributes_count)?;
        attributes(out, "     -> Attributes:", 9, &link.attributes)?;
    }
    Ok(())
}
