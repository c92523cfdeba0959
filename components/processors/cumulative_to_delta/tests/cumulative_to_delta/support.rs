//! Batches of totals, and what comes out of them.

use weir_component::{Batch, ConsumeError, Extent, Signal};
use weir_pdata::Decoded;
use weir_processor_cumulative_to_delta::FACTORY;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::KeyValue;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::number_data_point::Value;
use weir_proto::otlp::metrics::v1::{Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum};
use weir_testkit::{Bench, Sink, batches, contract};

/// One second, in nanoseconds.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// Later than any moment at which these tests run, in seconds.
pub(crate) const FUTURE: u64 = 10_000_000_000;

/// A point of a sum: stream, start and time in seconds, value.
pub(crate) type Point = (u32, u64, u64, i64);

/// Builds a processor in front of a sink.
pub(crate) fn bench(yaml: &str) -> (Bench, Sink) {
    let sink = Sink::new();
    let config = contract::config(&FACTORY.meta, yaml);
    (Bench::processor(FACTORY, &config, Signal::Metrics, &sink), sink)
}

/// Makes a batch of one sum.
pub(crate) fn sum(name: &str, temporality: i32, is_monotonic: bool, points: &[Point]) -> Batch {
    let data = Data::Sum(Sum {
        data_points: points.iter().map(number).collect(),
        aggregation_temporality: temporality,
        is_monotonic,
    });
    of_data(name, data)
}

/// Makes a batch of one cumulative, monotonic sum.
pub(crate) fn totals(points: &[Point]) -> Batch {
    sum("requests", 2, true, points)
}

/// Makes a batch of one metric.
pub(crate) fn of_data(name: &str, data: Data) -> Batch {
    let metric = Metric {
        name: name.to_owned(),
        data: Some(data),
        ..Metric::default()
    };
    let scope = ScopeMetrics {
        metrics: vec![metric],
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
    vec![batches::attribute("stream", i64::from(stream))]
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

/// Returns the points of delta sums in batches.
pub(crate) fn deltas(batches: &[Batch]) -> Vec<Point> {
    let mut points = Vec::new();
    for metric in metrics(batches) {
        let Some(Data::Sum(sum)) = metric.data else {
            continue;
        };
        assert_eq!(sum.aggregation_temporality, 1, "{sum:?}");
        points.extend(sum.data_points.iter().map(point));
    }
    points
}

fn point(point: &NumberDataPoint) -> Point {
    use weir_proto::otlp::common::v1::any_value::Value as Any;

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
    let Extent::Part(refusals) = error.extent() else {
        panic!("{error}");
    };
    refusals
        .iter()
        .map(|refusal| (refusal.reason, refusal.items))
        .collect()
}
