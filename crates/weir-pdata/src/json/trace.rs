//! Field tables of `opentelemetry.proto.trace.v1` and of the service that collects them.

use serde::de::MapAccess;
use weir_proto::otlp::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use weir_proto::otlp::trace::v1::span::{Event, Link, SpanKind};
use weir_proto::otlp::trace::v1::status::StatusCode;
use weir_proto::otlp::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::read::{Field, Message};
use super::write::Object;

impl Message for ExportTraceServiceRequest {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "resourceSpans" | "resource_spans" => field.read(1, &mut self.resource_spans),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("resourceSpans", &self.resource_spans);
    }
}

impl Message for ExportTraceServiceResponse {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "partialSuccess" | "partial_success" => field.read(1, &mut self.partial_success),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("partialSuccess", &self.partial_success);
    }
}

impl Message for ExportTracePartialSuccess {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "rejectedSpans" | "rejected_spans" => field.read(1, &mut self.rejected_spans),
            "errorMessage" | "error_message" => field.read(2, &mut self.error_message),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("rejectedSpans", &self.rejected_spans);
        object.field("errorMessage", &self.error_message);
    }
}

impl Message for ResourceSpans {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "resource" => field.read(1, &mut self.resource),
            "scopeSpans" | "scope_spans" => field.read(2, &mut self.scope_spans),
            "schemaUrl" | "schema_url" => field.read(3, &mut self.schema_url),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("resource", &self.resource);
        object.field("scopeSpans", &self.scope_spans);
        object.field("schemaUrl", &self.schema_url);
    }
}

impl Message for ScopeSpans {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "scope" => field.read(1, &mut self.scope),
            "spans" => field.read(2, &mut self.spans),
            "schemaUrl" | "schema_url" => field.read(3, &mut self.schema_url),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("scope", &self.scope);
        object.field("spans", &self.spans);
        object.field("schemaUrl", &self.schema_url);
    }
}

impl Message for Span {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "traceId" | "trace_id" => field.id::<16>(1, &mut self.trace_id),
            "spanId" | "span_id" => field.id::<8>(2, &mut self.span_id),
            "traceState" | "trace_state" => field.read(3, &mut self.trace_state),
            "parentSpanId" | "parent_span_id" => field.id::<8>(4, &mut self.parent_span_id),
            "flags" => field.read(16, &mut self.flags),
            "name" => field.read(5, &mut self.name),
            "kind" => field.enumeration(6, SpanKind::from_str_name, &mut self.kind),
            "startTimeUnixNano" | "start_time_unix_nano" => field.read(7, &mut self.start_time_unix_nano),
            "endTimeUnixNano" | "end_time_unix_nano" => field.read(8, &mut self.end_time_unix_nano),
            "attributes" => field.read(9, &mut self.attributes),
            "droppedAttributesCount" | "dropped_attributes_count" => {
                field.read(10, &mut self.dropped_attributes_count)
            }
            "events" => field.read(11, &mut self.events),
            "droppedEventsCount" | "dropped_events_count" => field.read(12, &mut self.dropped_events_count),
            "links" => field.read(13, &mut self.links),
            "droppedLinksCount" | "dropped_links_count" => field.read(14, &mut self.dropped_links_count),
            "status" => field.read(15, &mut self.status),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.id("traceId", &self.trace_id);
        object.id("spanId", &self.span_id);
        object.field("traceState", &self.trace_state);
        object.id("parentSpanId", &self.parent_span_id);
        object.field("flags", &self.flags);
        object.field("name", &self.name);
        object.field("kind", &self.kind);
        object.field("startTimeUnixNano", &self.start_time_unix_nano);
        object.field("endTimeUnixNano", &self.end_time_unix_nano);
        object.field("attributes", &self.attributes);
        object.field("droppedAttributesCount", &self.dropped_attributes_count);
        object.field("events", &self.events);
        object.field("droppedEventsCount", &self.dropped_events_count);
        object.field("links", &self.links);
        object.field("droppedLinksCount", &self.dropped_links_count);
        object.field("status", &self.status);
    }
}

impl Message for Event {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "timeUnixNano" | "time_unix_nano" => field.read(1, &mut self.time_unix_nano),
            "name" => field.read(2, &mut self.name),
            "attributes" => field.read(3, &mut self.attributes),
            "droppedAttributesCount" | "dropped_attributes_count" => {
                field.read(4, &mut self.dropped_attributes_count)
            }
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("timeUnixNano", &self.time_unix_nano);
        object.field("name", &self.name);
        object.field("attributes", &self.attributes);
        object.field("droppedAttributesCount", &self.dropped_attributes_count);
    }
}

impl Message for Link {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "traceId" | "trace_id" => field.id::<16>(1, &mut self.trace_id),
            "spanId" | "span_id" => field.id::<8>(2, &mut self.span_id),
            "traceState" | "trace_state" => field.read(3, &mut self.trace_state),
            "attributes" => field.read(4, &mut self.attributes),
            "droppedAttributesCount" | "dropped_attributes_count" => {
                field.read(5, &mut self.dropped_attributes_count)
            }
            "flags" => field.read(6, &mut self.flags),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.id("traceId", &self.trace_id);
        object.id("spanId", &self.span_id);
        object.field("traceState", &self.trace_state);
        object.field("attributes", &self.attributes);
        object.field("droppedAttributesCount", &self.dropped_attributes_count);
        object.field("flags", &self.flags);
    }
}

impl Message for Status {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "message" => field.read(2, &mut self.message),
            "code" => field.enumeration(3, StatusCode::from_str_name, &mut self.code),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("message", &self.message);
        object.field("code", &self.code);
    }
}
