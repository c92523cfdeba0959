//! Field tables of `opentelemetry.proto.logs.v1` and of the service that collects them.

use serde::de::MapAccess;
use weir_proto::otlp::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use weir_proto::otlp::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};

use super::read::{Field, Message};
use super::write::Object;

impl Message for ExportLogsServiceRequest {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "resourceLogs" | "resource_logs" => field.read(1, &mut self.resource_logs),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("resourceLogs", &self.resource_logs);
    }
}

impl Message for ExportLogsServiceResponse {
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

impl Message for ExportLogsPartialSuccess {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "rejectedLogRecords" | "rejected_log_records" => field.read(1, &mut self.rejected_log_records),
            "errorMessage" | "error_message" => field.read(2, &mut self.error_message),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("rejectedLogRecords", &self.rejected_log_records);
        object.field("errorMessage", &self.error_message);
    }
}

impl Message for ResourceLogs {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "resource" => field.read(1, &mut self.resource),
            "scopeLogs" | "scope_logs" => field.read(2, &mut self.scope_logs),
            "schemaUrl" | "schema_url" => field.read(3, &mut self.schema_url),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("resource", &self.resource);
        object.field("scopeLogs", &self.scope_logs);
        object.field("schemaUrl", &self.schema_url);
    }
}

impl Message for ScopeLogs {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "scope" => field.read(1, &mut self.scope),
            "logRecords" | "log_records" => field.read(2, &mut self.log_records),
            "schemaUrl" | "schema_url" => field.read(3, &mut self.schema_url),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("scope", &self.scope);
        object.field("logRecords", &self.log_records);
        object.field("schemaUrl", &self.schema_url);
    }
}

impl Message for LogRecord {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "timeUnixNano" | "time_unix_nano" => field.read(1, &mut self.time_unix_nano),
            "observedTimeUnixNano" | "observed_time_unix_nano" => {
                field.read(11, &mut self.observed_time_unix_nano)
            }
            "severityNumber" | "severity_number" => {
                field.enumeration(2, SeverityNumber::from_str_name, &mut self.severity_number)
            }
            "severityText" | "severity_text" => field.read(3, &mut self.severity_text),
            "body" => field.read(5, &mut self.body),
            "attributes" => field.read(6, &mut self.attributes),
            "droppedAttributesCount" | "dropped_attributes_count" => {
                field.read(7, &mut self.dropped_attributes_count)
            }
            "flags" => field.read(8, &mut self.flags),
            "traceId" | "trace_id" => field.id::<16>(9, &mut self.trace_id),
            "spanId" | "span_id" => field.id::<8>(10, &mut self.span_id),
            "eventName" | "event_name" => field.read(12, &mut self.event_name),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("timeUnixNano", &self.time_unix_nano);
        object.field("observedTimeUnixNano", &self.observed_time_unix_nano);
        object.field("severityNumber", &self.severity_number);
        object.field("severityText", &self.severity_text);
        object.field("body", &self.body);
        object.field("attributes", &self.attributes);
        object.field("droppedAttributesCount", &self.dropped_attributes_count);
        object.field("flags", &self.flags);
        object.id("traceId", &self.trace_id);
        object.id("spanId", &self.span_id);
        object.field("eventName", &self.event_name);
    }
}
