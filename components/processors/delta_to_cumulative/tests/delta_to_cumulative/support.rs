//! Batches of deltas, and what comes out of them.

use weir_component::{Batch, ConsumeError};
use weir_pdata::{Decoded, Signal};
use weir_processor_delta_to_cumulative::FACTORY;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::any_value::Value as Any;
use weir_proto::otlp::common::v1::{AnyValue, KeyValue};
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::number_data_point::Value;
use weir_proto::otlp::metrics::v1::{Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum};
use weir_testkit::{Bench, Sink, contract};

/// One second, in nanoseconds.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// A point of a sum: stream, start and time in seconds, value.
pub(crate) type Point = (u32, u64, u64, i64);

/// Builds a processor in front of a sink.
pub(crate) fn bench(yaml: &str) -> (Bench, Sink) {
    let sink = Sink::new();
    let config = contract::config(&FACTORY.meta, yaml);
    (Bench::processor(FACTORY, &config, Signal::Metrics, &sink), sink)
}

/// Makes a batch of one sum.
pub(crate) fn sum(temporality: i32, points: &[Point]) -> Batch {
    let data_points = points.iter().map(number).collect();
    let data = Data::Sum(Sum {
        data_points,
        aggregation_temporality: temporality,
        is_monotonic: true,
    });
    of_data(vec![data])
}

/// Makes a batch of one delta sum.
pub(crate) fn deltas(points: &[Point]) -> Batch {
    sum(1, points)
}

/// Makes a batch of one metric for each kind of data.
pub(crate) fn of_data(data: Vec<Data>) -> Batch {
    let metric = |data| Metric {
        name: "requests".to_owned(),
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
    let request = Decoded::Metrics(ExportMetricsServiceRequest {
        resource_metrics: vec![resource],
    });
    Batch::from_wire(Signal::Metrics, request.to_bytes()).unwrap()
}

/// Makes the attribute that tells streams apart.
pub(crate) fn attributes(stream: u32) -> Vec<KeyValue> {
    vec![KeyValue {
        key: "stream".to_owned(),
        value: Some(AnyValue {
            value: Some(Any::IntValue(stream.into())),
        }),
        ..KeyValue::default()
    }]
}

fn number((stream, start, time, value): &Point) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(*stream),
        start_time_unix_nano: start * SECOND,
        time_unix_nano: time * SECOND,
        value: Some(Value::AsInt(*value)),
        ..NumberDataPoint::default()
    }
}

/// Returns all metrics of batches.
pub(crate) fn metrics(batches: &[Batch]) -> Vec<Metric> {
    let mut metrics = Vec::new();
    for batch in batches {
        let Decoded::Metrics(request) = batch.to_decoded().unwrap() else {
            panic!("metrics");
        };
        for resource in request.resource_metrics {
            for scope in resource.scope_metrics {
                metrics.extend(scope.metrics);
            }
        }
    }
    metrics
}

/// Returns the points of cumulative sums in batches.
pub(crate) fn totals(batches: &[Batch]) -> Vec<Point> {
    let mut points = Vec::new();
    for metric in metrics(batches) {
        let Some(Data::Sum(sum)) = metric.data else {
            continue;
        };
        assert_eq!(sum.aggregation_temporality, 2, "{sum:?}");
        points.extend(sum.data_points.iter().map(point));
    }
    points
}

fn point(point: &NumberDataPoint) -> Point {
    let Some(Any::IntValue(stream)) = point.attributes[0].value.as_ref().unwrap().value else {
        panic!("{point:?}");
    };
    let Some(Value::AsInt(value)) = point.value else {
        panic!("{point:?}");
    };
    (
        stream as u32,
        point.start_time_unix_nano / SECOND,
        point.time_unix_nano / SECOND,
        value,
    )
}

/// Returns the refusals of a partial answer.
pub(crate) fn refusals(answer: Result<(), ConsumeError>) -> Vec<(&'static str, u64)> {
    let error = answer.unwrap_err();
    assert!(error.is_partial(), "{error}");
    let weir_component::Extent::Part(refusals) = error.extent() else {
        panic!("{error}");
    };
    refusals
        .iter()
        .map(|refusal| (refusal.reason, refusal.items))
        .collect()
}
