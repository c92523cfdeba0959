//! Points of integer sums that say whose they are, for tests of processors that remember streams.

use weir_component::{ConsumeError, Extent};
use weir_pdata::{Batch, Decoded};
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::KeyValue;
use weir_proto::otlp::common::v1::any_value::Value as Any;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::number_data_point::Value;
use weir_proto::otlp::metrics::v1::{Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum};

use crate::batches::{attribute, to_wire};

/// One second, in nanoseconds.
pub const SECOND: u64 = 1_000_000_000;

/// A point of a sum: stream, start and time in seconds, value.
pub type Point = (u32, u64, u64, i64);

// === making ===

/// Makes the attribute that tells streams apart.
pub fn attributes(stream: u32) -> Vec<KeyValue> {
    vec![attribute("stream", i64::from(stream))]
}

/// Makes a sum; a temporality of 1 is delta, 2 is cumulative.
pub fn sum(aggregation_temporality: i32, is_monotonic: bool, points: &[Point]) -> Data {
    let number = |(stream, start, time, value): &Point| NumberDataPoint {
        attributes: attributes(*stream),
        start_time_unix_nano: start * SECOND,
        time_unix_nano: time * SECOND,
        value: Some(Value::AsInt(*value)),
        ..NumberDataPoint::default()
    };
    Data::Sum(Sum {
        data_points: points.iter().map(number).collect(),
        aggregation_temporality,
        is_monotonic,
    })
}

/// Makes a batch of metrics with one name, of a resource and a scope that say nothing of themselves.
pub fn batch(name: &str, data: impl IntoIterator<Item = Data>) -> Batch {
    let metric = |data| Metric {
        name: name.to_owned(),
        data: Some(data),
        ..Metric::default()
    };
    let scope = ScopeMetrics {
        metrics: data.into_iter().map(metric).collect(),
        ..ScopeMetrics::default()
    };
    let resource = ResourceMetrics {
        scope_metrics: vec![scope],
        ..ResourceMetrics::default()
    };
    to_wire(&Decoded::Metrics(ExportMetricsServiceRequest {
        resource_metrics: vec![resource],
    }))
}

// === reading ===

/// Returns all metrics of batches.
///
/// # Panics
///
/// If a batch holds something else.
pub fn metrics(batches: &[Batch]) -> Vec<Metric> {
    let mut metrics = Vec::new();
    for batch in batches {
        let Ok(Decoded::Metrics(request)) = batch.to_decoded() else {
            panic!("these are no sound metrics: {batch:?}");
        };
        let scopes = request
            .resource_metrics
            .into_iter()
            .flat_map(|resource| resource.scope_metrics);
        metrics.extend(scopes.flat_map(|scope| scope.metrics));
    }
    metrics
}

/// Returns the points of all sums in batches.
///
/// # Panics
///
/// If a sum has another temporality, or a point is not like one that [`sum`] makes.
pub fn sums(batches: &[Batch], aggregation_temporality: i32) -> Vec<Point> {
    let mut points = Vec::new();
    for metric in metrics(batches) {
        if let Some(Data::Sum(sum)) = metric.data {
            assert_eq!(sum.aggregation_temporality, aggregation_temporality, "{sum:?}");
            points.extend(sum.data_points.iter().map(point));
        }
    }
    points
}

fn point(point: &NumberDataPoint) -> Point {
    let stream = point.attributes.first().and_then(|first| first.value.as_ref());
    let stream = stream.and_then(|value| value.value.as_ref());
    let (Some(Any::IntValue(stream)), Some(Value::AsInt(value))) = (stream, point.value) else {
        panic!("this is no integer of a stream: {point:?}");
    };
    (
        u32::try_from(*stream).expect("streams have small numbers"),
        point.start_time_unix_nano / SECOND,
        point.time_unix_nano / SECOND,
        value,
    )
}

/// Returns the reasons of a partial refusal, with their items.
///
/// # Panics
///
/// If the answer is another.
pub fn refusals(answer: Result<(), ConsumeError>) -> Vec<(&'static str, u64)> {
    let error = answer.expect_err("a refusal of a part");
    let Extent::Part(refusals) = error.extent() else {
        panic!("this refuses everything: {error}");
    };
    refusals
        .iter()
        .map(|refusal| (refusal.reason, refusal.items))
        .collect()
}
