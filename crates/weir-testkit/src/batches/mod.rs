//! Batches with known content.
//!
//! All builders write times from [`TIME_NS`] on and number what they make, so that every point is a series of its own and every
//! span and record can be told apart.

mod metrics;

use weir_pdata::{Batch, Decoded};
use weir_proto::otlp::collector::logs::v1::ExportLogsServiceRequest;
use weir_proto::otlp::collector::trace::v1::ExportTraceServiceRequest;
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use weir_proto::otlp::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use weir_proto::otlp::resource::v1::Resource;
use weir_proto::otlp::trace::v1::{ResourceSpans, ScopeSpans, Span};

pub use metrics::MetricsBuilder;

/// Time of everything that is built, Unix time in nanoseconds: 14 November 2023, 22:13:20 UTC.
pub const TIME_NS: u64 = 1_700_000_000_000_000_000;

/// Begins a batch of metrics.
pub fn metrics() -> MetricsBuilder {
    MetricsBuilder::default()
}

/// Makes a batch of one gauge with `points` points.
pub fn gauge(name: &str, points: usize) -> Batch {
    metrics()
        .gauge(name, &(0..points).map(|index| index as f64).collect::<Vec<_>>())
        .wire()
}

/// Makes a batch of `count` spans of one trace, named `span-0` and so on, each a millisecond long.
pub fn spans(count: usize) -> Batch {
    let spans = (0..count as u64)
        .map(|index| Span {
            trace_id: vec![0xAB; 16],
            span_id: (index + 1).to_be_bytes().to_vec(),
            name: format!("span-{index}"),
            kind: 2,
            start_time_unix_nano: TIME_NS,
            end_time_unix_nano: TIME_NS + 1_000_000,
            attributes: vec![attribute("n", index as i64)],
            ..Span::default()
        })
        .collect();
    to_wire(&Decoded::Traces(ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource()),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope()),
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }))
}

/// Makes a batch of each signal: 3 data points, 2 spans, 4 log records.
pub fn one_of_each() -> [Batch; 3] {
    [gauge("g", 3), spans(2), logs(4)]
}

/// Makes a batch of `count` log records with the bodies `line 0` and so on.
pub fn logs(count: usize) -> Batch {
    let log_records = (0..count)
        .map(|index| LogRecord {
            time_unix_nano: TIME_NS,
            observed_time_unix_nano: TIME_NS + 1,
            severity_number: 9,
            severity_text: "INFO".to_owned(),
            body: Some(value(format!("line {index}"))),
            attributes: vec![attribute("n", index as i64)],
            ..LogRecord::default()
        })
        .collect();
    to_wire(&Decoded::Logs(ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource()),
            scope_logs: vec![ScopeLogs {
                scope: Some(scope()),
                log_records,
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    }))
}

/// Makes an attribute.
pub fn attribute(key: &str, attribute: impl Into<TestValue>) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(value(attribute)),
        ..KeyValue::default()
    }
}

/// A value of an attribute, from the Rust types that stand for it.
#[derive(Debug, Clone)]
pub struct TestValue(Value);

impl From<&str> for TestValue {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for TestValue {
    fn from(text: String) -> Self {
        Self(Value::StringValue(text))
    }
}

impl From<i64> for TestValue {
    fn from(number: i64) -> Self {
        Self(Value::IntValue(number))
    }
}

impl From<f64> for TestValue {
    fn from(number: f64) -> Self {
        Self(Value::DoubleValue(number))
    }
}

impl From<bool> for TestValue {
    fn from(value: bool) -> Self {
        Self(Value::BoolValue(value))
    }
}

fn value(value: impl Into<TestValue>) -> AnyValue {
    AnyValue {
        value: Some(value.into().0),
    }
}

fn resource() -> Resource {
    Resource {
        attributes: vec![attribute("service.name", "shop")],
        ..Resource::default()
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "testkit".to_owned(),
        version: "1.0".to_owned(),
        ..InstrumentationScope::default()
    }
}

/// Makes a batch of the encoded form, as a receiver would.
pub fn to_wire(decoded: &Decoded) -> Batch {
    Batch::from_wire(decoded.signal(), decoded.to_bytes()).expect("own messages are sound")
}
