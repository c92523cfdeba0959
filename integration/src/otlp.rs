//! A plain OTLP/HTTP sender whose every point can be told from every other.

use anyhow::{Result, ensure};
use http::{Method, StatusCode};
use prost::Message;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::common::v1::{AnyValue, KeyValue};
use weir_proto::otlp::metrics::v1::{
    AggregationTemporality, Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric::Data,
    number_data_point,
};
use weir_proto::otlp::resource::v1::Resource;

use crate::http::Client;
use crate::series::Labels;

/// Name of the counter that [`numbered`] fills: what a store calls it.
pub const FAMILY: &str = "numbered_total";

/// A request with one point per number; the number is the point's attribute `n` and its value.
#[must_use]
pub fn numbered(numbers: std::ops::Range<u64>, time_unix_nano: u64) -> ExportMetricsServiceRequest {
    let points = numbers.map(|n| NumberDataPoint {
        attributes: vec![attribute("n", &n.to_string())],
        start_time_unix_nano: time_unix_nano - 1_000_000_000,
        time_unix_nano,
        value: Some(number_data_point::Value::AsInt(
            i64::try_from(n).expect("small numbers"),
        )),
        ..NumberDataPoint::default()
    });
    let sum = Sum {
        data_points: points.collect(),
        aggregation_temporality: AggregationTemporality::Cumulative.into(),
        is_monotonic: true,
    };
    request("numbered", sum)
}

fn request(name: &str, sum: Sum) -> ExportMetricsServiceRequest {
    let metric = Metric {
        name: name.into(),
        data: Some(Data::Sum(sum)),
        ..Metric::default()
    };
    of_resource(vec![attribute("service.name", "numbers")], vec![metric])
}

fn of_resource(attributes: Vec<KeyValue>, metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    let scope = ScopeMetrics {
        metrics,
        ..ScopeMetrics::default()
    };
    let resource = Resource {
        attributes,
        ..Resource::default()
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource),
            scope_metrics: vec![scope],
            ..ResourceMetrics::default()
        }],
    }
}

/// A request with a gauge per series, of value 1, of a resource without attributes: the name is `__name__`, other labels are attributes.
#[must_use]
pub fn gauges(series: &[Labels], time_unix_nano: u64) -> ExportMetricsServiceRequest {
    let gauge = |labels: &Labels| {
        let others = labels.iter().filter(|(name, _)| *name != "__name__");
        let point = NumberDataPoint {
            attributes: others.map(|(name, value)| attribute(name, value)).collect(),
            time_unix_nano,
            value: Some(number_data_point::Value::AsInt(1)),
            ..NumberDataPoint::default()
        };
        Metric {
            name: labels["__name__"].clone(),
            data: Some(Data::Gauge(Gauge {
                data_points: vec![point],
            })),
            ..Metric::default()
        }
    };
    of_resource(Vec::new(), series.iter().map(gauge).collect())
}

/// A point of a delta sum.
#[derive(Debug, Clone, Copy)]
pub struct Delta {
    /// Which stream: the point's attribute `stream`.
    pub stream: u64,
    /// Start, Unix time in nanoseconds.
    pub start_ns: u64,
    /// Time, Unix time in nanoseconds.
    pub time_ns: u64,
    /// How much more.
    pub value: u64,
}

/// A request with deltas of the counter `requests`, which a store calls `requests_total`.
#[must_use]
pub fn deltas(points: &[Delta]) -> ExportMetricsServiceRequest {
    let points = points.iter().map(|point| NumberDataPoint {
        attributes: vec![attribute("stream", &point.stream.to_string())],
        start_time_unix_nano: point.start_ns,
        time_unix_nano: point.time_ns,
        value: Some(number_data_point::Value::AsInt(
            i64::try_from(point.value).expect("small numbers"),
        )),
        ..NumberDataPoint::default()
    });
    let sum = Sum {
        data_points: points.collect(),
        aggregation_temporality: AggregationTemporality::Delta.into(),
        is_monotonic: true,
    };
    request("requests", sum)
}

/// Sends a request to an OTLP/HTTP receiver and returns the status of its answer.
///
/// # Errors
///
/// No answer arrives.
pub async fn send(client: &Client, base: &str, request: &ExportMetricsServiceRequest) -> Result<StatusCode> {
    let url = format!("{base}/v1/metrics");
    let headers = [("content-type", "application/x-protobuf")];
    let answer = client
        .send(Method::POST, &url, &headers, request.encode_to_vec())
        .await?;
    Ok(answer.status)
}

/// Sends a request and demands that it is accepted.
///
/// # Errors
///
/// No answer arrives, or a refusal.
pub async fn deliver(client: &Client, base: &str, request: &ExportMetricsServiceRequest) -> Result<()> {
    let status = send(client, base, request).await?;
    ensure!(status.is_success(), "the receiver answered {status}");
    Ok(())
}

/// Nanoseconds since 1970, now.
#[must_use]
pub fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(now.expect("the clock is past 1970").as_nanos()).expect("the clock is before 2554")
}

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.into())),
        }),
        ..KeyValue::default()
    }
}
