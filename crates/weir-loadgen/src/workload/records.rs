//! Spans and log records: requests whose items hold nothing but times and ids that move.

use prost::Message as _;
use weir_proto::otlp::collector::logs::v1::ExportLogsServiceRequest;
use weir_proto::otlp::collector::trace::v1::ExportTraceServiceRequest;
use weir_proto::otlp::common::v1::{AnyValue, KeyValue, any_value::Value};
use weir_proto::otlp::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use weir_proto::otlp::resource::v1::Resource;
use weir_proto::otlp::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::request::{Motion, scope_of};
use super::{Spec, attributes, mix};

/// Severity of most records: INFO.
const INFO: i32 = 9;
/// Kind of half of the spans, the others being those of clients (3).
const SERVER: i32 = 2;

/// Returns an `ExportTraceServiceRequest` of the body numbered `body`.
pub(super) fn spans(spec: &Spec, body: u64) -> (Vec<u8>, Vec<Motion>) {
    let span = |(index, identity): (u64, u64)| Span {
        trace_id: vec![1; 16],
        span_id: vec![1; 8],
        parent_span_id: identity.to_le_bytes().to_vec(),
        name: format!("GET /api/v1/resources/{}", index % 40),
        kind: SERVER + (index % 2) as i32,
        start_time_unix_nano: 1,
        end_time_unix_nano: 1,
        attributes: of_item(spec, index, identity),
        status: Some(Status::default()),
        flags: 0x101,
        ..Span::default()
    };
    let (first, second) = halves(spec, body, span);
    let scope = |(index, spans)| ScopeSpans {
        scope: Some(scope_of(index)),
        spans,
        ..ScopeSpans::default()
    };
    let group = ResourceSpans {
        resource: Some(resource()),
        scope_spans: [(0, first), (1, second)].map(scope).into(),
        ..ResourceSpans::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![group],
    };
    (request.encode_to_vec(), motions(spec, body))
}

/// Returns an `ExportLogsServiceRequest` of the body numbered `body`.
pub(super) fn logs(spec: &Spec, body: u64) -> (Vec<u8>, Vec<Motion>) {
    let record = |(index, identity): (u64, u64)| LogRecord {
        time_unix_nano: 1,
        observed_time_unix_nano: 1,
        severity_number: INFO,
        severity_text: "INFO".to_owned(),
        body: Some(AnyValue {
            value: Some(Value::StringValue(format!(
                "request {identity:016x} for /api/v1/resources/{} was answered by backend {} after {} ms",
                index % 40,
                identity % 8,
                identity % 1000,
            ))),
        }),
        attributes: of_item(spec, index, identity),
        trace_id: vec![1; 16],
        span_id: vec![1; 8],
        ..LogRecord::default()
    };
    let (first, second) = halves(spec, body, record);
    let scope = |(index, log_records)| ScopeLogs {
        scope: Some(scope_of(index)),
        log_records,
        ..ScopeLogs::default()
    };
    let group = ResourceLogs {
        resource: Some(resource()),
        scope_logs: [(0, first), (1, second)].map(scope).into(),
        ..ResourceLogs::default()
    };
    let request = ExportLogsServiceRequest {
        resource_logs: vec![group],
    };
    (request.encode_to_vec(), motions(spec, body))
}

/// Index and identity of each item.
fn items(spec: &Spec, body: u64) -> impl Iterator<Item = (u64, u64)> {
    let seed = spec.seed;
    (0..u64::from(spec.points)).map(move |index| (index, mix(&[seed, body, index])))
}

/// Makes the items, those of the first scope and those of the second.
fn halves<T>(spec: &Spec, body: u64, make: impl FnMut((u64, u64)) -> T) -> (Vec<T>, Vec<T>) {
    let mut first: Vec<T> = items(spec, body).map(make).collect();
    let second = first.split_off(first.len().div_ceil(2));
    (first, second)
}

fn motions(spec: &Spec, body: u64) -> Vec<Motion> {
    items(spec, body)
        .map(|(_, identity)| Motion::Record { identity })
        .collect()
}

fn of_item(spec: &Spec, index: u64, identity: u64) -> Vec<KeyValue> {
    attributes::point(spec.payload, index % 25, identity)
}

fn resource() -> Resource {
    Resource {
        attributes: attributes::resource(),
        ..Resource::default()
    }
}
