//! The requests that the benchmarks translate: 1000 points of one resource with 8 attributes, in 2 scopes and 40
//! metrics of 25 points.
//!
//! - `mixed6`: half sums, 30 % gauges, 15 % histograms, 5 % exponential histograms of 40 buckets; 6 attributes
//! - `sums10`: sums with 10 attributes
//! - `card10`: the same with one attribute that is unique to the point
//! - `uniq10`: the same with all attributes unique: nothing can be interned

use weir_prom::Settings;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value};
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, number_data_point,
};
use weir_proto::otlp::resource::v1::Resource;

/// Points of each request.
pub(crate) const POINTS_PER_REQUEST: usize = METRICS * POINTS;

/// Names of the requests.
pub(crate) const MIXES: [&str; 4] = ["mixed6", "sums10", "card10", "uniq10"];

const METRICS: usize = 40;
const POINTS: usize = 25;
const TIME: u64 = 1_700_000_000_000_000_000;

fn text(key: &str, value: String) -> KeyValue {
    let value = Some(AnyValue {
        value: Some(Value::StringValue(value)),
    });
    KeyValue {
        key: key.to_owned(),
        value,
        ..KeyValue::default()
    }
}

/// Attributes of a point; the first `unique` of them have a value of their own.
fn attributes(count: usize, unique: usize, metric: usize, point: usize) -> Vec<KeyValue> {
    const KEYS: [&str; 10] = [
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "server.address",
        "network.protocol.version",
        "url.scheme",
        "tenant",
        "region",
        "shard",
        "operation.name",
    ];
    let value = |at: usize| match at {
        at if at < unique => format!("value-{metric}-{point}-{at}-abcdef"),
        0 => ["GET", "POST", "PUT"][point % 3].to_owned(),
        1 => format!("/api/v1/orders/{{id}}/items/{}", point % 7),
        2 => ["200", "404", "500"][point % 3].to_owned(),
        at => format!("some-value-{}", (point + at) % 5),
    };
    (0..count).map(|at| text(KEYS[at], value(at))).collect()
}

fn number(attributes: Vec<KeyValue>, value: f64) -> NumberDataPoint {
    NumberDataPoint {
        attributes,
        start_time_unix_nano: TIME - 60_000_000_000,
        time_unix_nano: TIME,
        value: Some(number_data_point::Value::AsDouble(value)),
        ..NumberDataPoint::default()
    }
}

fn histogram(attributes: Vec<KeyValue>) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes,
        start_time_unix_nano: TIME - 60_000_000_000,
        time_unix_nano: TIME,
        count: 66,
        sum: Some(123.456),
        bucket_counts: (0..12).collect(),
        explicit_bounds: vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0],
        ..HistogramDataPoint::default()
    }
}

fn exponential(attributes: Vec<KeyValue>) -> ExponentialHistogramDataPoint {
    let counts: Vec<u64> = (0..40).map(|n| n % 5).collect();
    ExponentialHistogramDataPoint {
        attributes,
        start_time_unix_nano: TIME - 60_000_000_000,
        time_unix_nano: TIME,
        count: counts.iter().sum(),
        sum: Some(99.5),
        scale: 3,
        positive: Some(Buckets {
            offset: -10,
            bucket_counts: counts,
        }),
        ..ExponentialHistogramDataPoint::default()
    }
}

fn request(mixed: bool, attribute_count: usize, unique: usize) -> ExportMetricsServiceRequest {
    let metric = |m: usize| {
        let of = |p| attributes(attribute_count, unique, m, p);
        let numbers = || (0..POINTS).map(|p| number(of(p), (m * p) as f64 + 0.5)).collect();
        let cumulative = 2;
        let data = match m % 20 {
            10..=15 if mixed => Data::Gauge(Gauge {
                data_points: numbers(),
            }),
            16..=18 if mixed => Data::Histogram(Histogram {
                data_points: (0..POINTS).map(|p| histogram(of(p))).collect(),
                aggregation_temporality: cumulative,
            }),
            19 if mixed => Data::ExponentialHistogram(ExponentialHistogram {
                data_points: (0..POINTS).map(|p| exponential(of(p))).collect(),
                aggregation_temporality: cumulative,
            }),
            _ => Data::Sum(Sum {
                data_points: numbers(),
                aggregation_temporality: cumulative,
                is_monotonic: true,
            }),
        };
        Metric {
            name: format!("http.server.request.duration.{m}"),
            description: "Duration of HTTP server requests.".to_owned(),
            unit: "s".to_owned(),
            data: Some(data),
            ..Metric::default()
        }
    };
    let scope = |s: usize| ScopeMetrics {
        scope: Some(InstrumentationScope {
            name: format!("io.example.instrumentation.{s}"),
            version: "1.2.3".to_owned(),
            ..InstrumentationScope::default()
        }),
        metrics: (s * METRICS / 2..(s + 1) * METRICS / 2).map(metric).collect(),
        ..ScopeMetrics::default()
    };
    let resource = [
        ("service.name", "checkout"),
        ("service.namespace", "shop"),
        ("service.instance.id", "627cc493-f310-47de-96bd-71410b7dec09"),
        ("deployment.environment.name", "production"),
        ("k8s.cluster.name", "eu-1"),
        ("k8s.pod.name", "checkout-7d9f8-x2x4z"),
        ("host.name", "node-17"),
        ("telemetry.sdk.language", "rust"),
    ];
    let attributes = resource.map(|(key, value)| text(key, value.to_owned())).to_vec();
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource {
                attributes,
                ..Resource::default()
            }),
            scope_metrics: (0..2).map(scope).collect(),
            ..ResourceMetrics::default()
        }],
    }
}

/// Returns a request of [`MIXES`].
pub(crate) fn request_of(mix: &str) -> Option<ExportMetricsServiceRequest> {
    Some(match mix {
        "mixed6" => request(true, 6, 0),
        "sums10" => request(false, 10, 0),
        "card10" => request(false, 10, 1),
        "uniq10" => request(false, 10, 10),
        _ => return None,
    })
}

/// Returns the settings of the translators.
pub(crate) fn settings() -> Settings {
    Settings {
        scope_labels: false,
        promote_resource_attributes: vec!["deployment.environment.name".into(), "k8s.cluster.name".into()],
        ..Settings::default()
    }
}
