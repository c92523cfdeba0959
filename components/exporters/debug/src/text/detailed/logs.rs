//! Log records.

use std::fmt::{Result, Write};

use weir_proto::otlp::collector::logs::v1::ExportLogsServiceRequest;
use weir_proto::otlp::logs::v1::{LogRecord, SeverityNumber};

use super::{attributes, resource, scope};
use crate::text::value::typed;
use crate::text::{hex, time};

pub(in crate::text) fn logs(out: &mut String, request: &ExportLogsServiceRequest) -> Result {
    for (index, of_resource) in request.resource_logs.iter().enumerate() {
        resource(out, "ResourceLog", index, &of_resource.schema_url, of_resource.resource.as_ref())?;
        for (index, of_scope) in of_resource.scope_logs.iter().enumerate() {
            scope(out, "ScopeLogs", index, &of_scope.schema_url, of_scope.scope.as_ref())?;
            for (index, one) in of_scope.log_records.iter().enumerate() {
                writeln!(out, "LogRecord #{index}")?;
                record(out, one)?;
            }
        }
    }
    Ok(())
}

fn record(out: &mut String, record: &LogRecord) -> Result {
    writeln!(out, "ObservedTimestamp: {}", time(record.observed_time_unix_nano))?;
    writeln!(out, "Timestamp: {}", time(record.time_unix_nano))?;
    writeln!(out, "SeverityText: {}", record.severity_text)?;
    writeln!(out, "SeverityNumber: {}({})", severity(record.severity_number), record.severity_number)?;
    if !record.event_name.is_empty() {
        writeln!(out, "EventName: {}", record.event_name)?;
    }
    writeln!(out, "Body: {}", typed(record.body.as_ref()))?;
    attributes(out, "Attributes:", 5, &record.attributes)?;
    writeln!(out, "Trace ID: {}", hex(&record.trace_id))?;
    writeln!(out, "Span ID: {}", hex(&record.span_id))?;
    writeln!(out, "Flags: {}", record.flags)
}

/// Names a severity: `Info`, `Warn2`, or nothing for a number that the specification does not know.
fn severity(number: i32) -> String {
    let Ok(severity) = SeverityNumber::try_from(number) else { return String::new() };
    let name = severity.as_str_name().trim_start_matches("SEVERITY_NUMBER_");
    name[..1].to_owned() + &name[1..].to_lowercase()
}
