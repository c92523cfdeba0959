//! Whole payloads in the style of the OTLP examples, against messages built by hand.

use weir_proto::otlp::collector::logs::v1::ExportLogsServiceRequest;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::collector::trace::v1::ExportTraceServiceRequest;
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use weir_proto::otlp::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::summary_data_point::ValueAtQuantile;
use weir_proto::otlp::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar,
    number_data_point,
};
use weir_proto::otlp::resource::v1::Resource;
use weir_proto::otlp::trace::v1::span::{Event, Link};
use weir_proto::otlp::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use crate::json::{Document, decode, encode};

const SCHEMA: &str = "https://opentelemetry.io/schemas/1.37.0";

/// Asserts that the text is read as the message and that the message is written as the text, but for the order of
/// fields and for spaces.
fn check<T: Document + std::fmt::Debug>(text: &str, message: &T) {
    let read = decode::<T>(text.as_bytes()).unwrap();
    assert_eq!(format!("{read:#?}"), format!("{message:#?}"));
    let tree = |json: &[u8]| serde_json::from_slice::<serde_json::Value>(json).unwrap();
    assert_eq!(tree(&encode(message)), tree(text.as_bytes()));
}

fn any(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn string(text: &str) -> Value {
    Value::StringValue(text.into())
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(any(value)),
        ..Default::default()
    }
}

fn trace_id() -> Vec<u8> {
    0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128
        .to_be_bytes()
        .into()
}

fn span_id() -> Vec<u8> {
    0xb7ad_6b71_6920_3331_u64.to_be_bytes().into()
}

#[test]
fn metrics_of_all_five_kinds() {
    let sum = Metric {
        name: "cart.items".into(),
        description: "Items put into carts".into(),
        unit: "{item}".into(),
        data: Some(Data::Sum(Sum {
            data_points: vec![NumberDataPoint {
                attributes: vec![attribute("region", string("eu"))],
                start_time_unix_nano: 1_731_500_000_000_000_000,
                time_unix_nano: 1_731_500_060_000_000_001,
                exemplars: vec![Exemplar {
                    filtered_attributes: vec![attribute("user", string("u-1"))],
                    time_unix_nano: 1_731_500_059_000_000_000,
                    span_id: span_id(),
                    trace_id: trace_id(),
                    value: Some(exemplar::Value::AsDouble(1.5)),
                }],
                value: Some(number_data_point::Value::AsInt(9_007_199_254_740_993)),
                ..Default::default()
            }],
            aggregation_temporality: 2,
            is_monotonic: true,
        })),
        ..Default::default()
    };
    let gauge = Metric {
        name: "queue.fill".into(),
        data: Some(Data::Gauge(Gauge {
            data_points: vec![
                NumberDataPoint {
                    time_unix_nano: 1_731_500_060_000_000_000,
                    value: Some(number_data_point::Value::AsDouble(f64::NAN)),
                    ..Default::default()
                },
                NumberDataPoint {
                    time_unix_nano: 1_731_500_060_000_000_000,
                    flags: 1,
                    ..Default::default()
                },
            ],
        })),
        ..Default::default()
    };
    let histogram = Metric {
        name: "request.duration".into(),
        unit: "s".into(),
        data: Some(Data::Histogram(Histogram {
            data_points: vec![HistogramDataPoint {
                start_time_unix_nano: 1_731_500_000_000_000_000,
                time_unix_nano: 1_731_500_060_000_000_000,
                count: 6,
                sum: Some(0.0),
                bucket_counts: vec![1, 2, 3],
                explicit_bounds: vec![0.1, 1.0],
                min: Some(0.001),
                max: Some(2.5),
                ..Default::default()
            }],
            aggregation_temporality: 1,
        })),
        ..Default::default()
    };
    let exponential = Metric {
        name: "payload.size".into(),
        data: Some(Data::ExponentialHistogram(ExponentialHistogram {
            data_points: vec![ExponentialHistogramDataPoint {
                time_unix_nano: 1_731_500_060_000_000_000,
                count: 5,
                sum: Some(17.25),
                scale: -2,
                zero_count: 1,
                zero_threshold: 1e-9,
                positive: Some(Buckets {
                    offset: -3,
                    bucket_counts: vec![0, 4],
                }),
                negative: Some(Buckets::default()),
                ..Default::default()
            }],
            aggregation_temporality: 2,
        })),
        ..Default::default()
    };
    let summary = Metric {
        name: "gc.pause".into(),
        metadata: vec![attribute("prometheus.type", string("summary"))],
        data: Some(Data::Summary(Summary {
            data_points: vec![SummaryDataPoint {
                time_unix_nano: 1_731_500_060_000_000_000,
                count: 10,
                sum: 0.4,
                quantile_values: vec![
                    ValueAtQuantile {
                        quantile: 0.0,
                        value: 0.01,
                    },
                    ValueAtQuantile {
                        quantile: 0.99,
                        value: f64::INFINITY,
                    },
                ],
                ..Default::default()
            }],
        })),
        ..Default::default()
    };
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource {
                attributes: vec![
                    attribute("service.name", string("checkout")),
                    attribute("host.cpu.cores", Value::IntValue(64)),
                ],
                entity_refs: vec![EntityRef {
                    r#type: "service".into(),
                    id_keys: vec!["service.name".into()],
                    ..Default::default()
                }],
                ..Default::default()
            }),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(InstrumentationScope {
                    name: "shop.cart".into(),
                    version: "2.1.0".into(),
                    attributes: vec![attribute("beta", Value::BoolValue(true))],
                    ..Default::default()
                }),
                metrics: vec![sum, gauge, histogram, exponential, summary],
                schema_url: SCHEMA.into(),
            }],
            ..Default::default()
        }],
    };
    check(include_str!("golden/metrics.json"), &request);
}

#[test]
fn spans_with_events_and_links() {
    let span = Span {
        trace_id: trace_id(),
        span_id: span_id(),
        trace_state: "vendor=1".into(),
        parent_span_id: 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes().into(),
        flags: 257,
        name: "POST /cart".into(),
        kind: 2,
        start_time_unix_nano: 1_731_500_000_000_000_000,
        end_time_unix_nano: 1_731_500_000_250_000_000,
        attributes: vec![
            attribute("http.response.status_code", Value::IntValue(500)),
            attribute("sampling.ratio", Value::DoubleValue(0.25)),
        ],
        dropped_attributes_count: 2,
        events: vec![Event {
            time_unix_nano: 1_731_500_000_100_000_000,
            name: "exception".into(),
            attributes: vec![attribute("exception.message", string("out of stock: \"tea\""))],
            ..Default::default()
        }],
        dropped_events_count: 3,
        links: vec![Link {
            trace_id: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128
                .to_be_bytes()
                .into(),
            span_id: 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes().into(),
            flags: 1,
            ..Default::default()
        }],
        dropped_links_count: 4,
        status: Some(Status {
            message: "out of stock".into(),
            code: 2,
        }),
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![attribute("service.name", string("checkout"))],
                dropped_attributes_count: 1,
                ..Default::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: "shop.http".into(),
                    ..Default::default()
                }),
                spans: vec![
                    span,
                    Span {
                        name: "root".into(),
                        status: Some(Status::default()),
                        ..Default::default()
                    },
                ],
                ..Default::default()
            }],
            schema_url: SCHEMA.into(),
        }],
    };
    check(include_str!("golden/trace.json"), &request);
}

#[test]
fn logs_with_a_structured_body() {
    let tags = ArrayValue {
        values: vec![
            any(string("a")),
            AnyValue { value: None },
            any(Value::BoolValue(false)),
        ],
    };
    let body = KeyValueList {
        values: vec![
            attribute("order", Value::IntValue(-42)),
            attribute("tags", Value::ArrayValue(tags)),
            attribute("raw", Value::BytesValue(vec![0, 1, 254, 255])),
        ],
    };
    let record = LogRecord {
        time_unix_nano: 1_731_500_000_000_000_000,
        observed_time_unix_nano: 1_731_500_000_000_000_300,
        severity_number: 17,
        severity_text: "Error".into(),
        body: Some(any(Value::KvlistValue(body))),
        attributes: vec![KeyValue {
            key: "empty".into(),
            ..Default::default()
        }],
        dropped_attributes_count: 1,
        flags: 1,
        trace_id: trace_id(),
        span_id: span_id(),
        event_name: "order.failed".into(),
    };
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(Resource::default()),
            scope_logs: vec![ScopeLogs {
                scope: Some(InstrumentationScope {
                    name: "shop.log".into(),
                    ..Default::default()
                }),
                log_records: vec![
                    record,
                    LogRecord {
                        body: Some(any(string("plain"))),
                        ..Default::default()
                    },
                ],
                ..Default::default()
            }],
            ..Default::default()
        }],
    };
    check(include_str!("golden/logs.json"), &request);
}
