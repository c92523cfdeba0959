//! Own log records as a request.

use serde_json::Value;
use tracing::Level;
use weir_proto::otlp::collector::logs::v1::ExportLogsServiceRequest;
use weir_proto::otlp::common::v1::{AnyValue, KeyValue, any_value};
use weir_proto::otlp::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use weir_telemetry::logs::Record;

use super::super::resource::{OwnResource, attribute};
use super::{nanos, scope};

/// The scope that the Collector's own log records have.
const SCOPE: &str = "go.opentelemetry.io/collector/service";

/// Returns the request that tells log records; all of them have the attributes `common`.
pub(in super::super) fn request(
    records: Vec<Record>,
    common: &[KeyValue],
    resource: &OwnResource,
) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource.to_proto()),
            scope_logs: vec![ScopeLogs {
                scope: Some(scope(SCOPE, resource)),
                log_records: records
                    .into_iter()
                    .map(|record| log_record(record, common))
                    .collect(),
                schema_url: String::new(),
            }],
            schema_url: resource.schema_url.clone(),
        }],
    }
}

fn log_record(record: Record, common: &[KeyValue]) -> LogRecord {
    let time = nanos(record.time);
    let (severity, text) = match record.level {
        Level::ERROR => (SeverityNumber::Error, "error"),
        Level::WARN => (SeverityNumber::Warn, "warn"),
        Level::INFO => (SeverityNumber::Info, "info"),
        Level::DEBUG | Level::TRACE => (SeverityNumber::Debug, "debug"),
    };
    let fields = record.fields.into_iter();
    let mut attributes = common.to_vec();
    attributes.extend(fields.filter_map(|(name, value)| Some(attribute(name, any_value(value)?))));
    // Spec: semantic conventions, "Source code attributes".
    if let Some((file, line)) = record.caller {
        let line = i64::try_from(line).unwrap_or(i64::MAX);
        attributes.push(attribute("code.file.path", any_value::Value::StringValue(file)));
        attributes.push(attribute("code.line.number", any_value::Value::IntValue(line)));
    }
    LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: time,
        severity_number: severity as i32,
        severity_text: text.to_owned(),
        body: Some(AnyValue {
            value: Some(any_value::Value::StringValue(record.message)),
        }),
        attributes,
        ..LogRecord::default()
    }
}

/// Returns a field's value; none for null. Fields are of plain types.
fn any_value(value: Value) -> Option<any_value::Value> {
    match value {
        Value::Null => None,
        Value::Bool(value) => Some(any_value::Value::BoolValue(value)),
        Value::String(text) => Some(any_value::Value::StringValue(text)),
        Value::Number(number) => Some(match number.as_i64() {
            Some(value) => any_value::Value::IntValue(value),
            None => any_value::Value::DoubleValue(number.as_f64()?),
        }),
        other => Some(any_value::Value::StringValue(other.to_string())),
    }
}
