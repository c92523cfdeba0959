//! Batches of points, and what comes out of them.

use std::time::Duration;

use weir_component::{Batch, Context, Signal};
use weir_pdata::{ContextParts, Decoded};
use weir_processor_interval::FACTORY;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::number_data_point::Value;
use weir_proto::otlp::metrics::v1::{Gauge, Metric, NumberDataPoint, Sum};
use weir_testkit::{Bench, Sink, batches, contract};

/// The default interval, and a little more.
pub(crate) const INTERVAL: Duration = Duration::from_millis(60_001);

/// A point: stream, time, value.
pub(crate) type Point = (i64, u64, i64);

/// Builds a processor in front of a sink.
pub(crate) fn bench(yaml: &str) -> (Bench, Sink) {
    let sink = Sink::new();
    let config = contract::config(&FACTORY.meta, yaml);
    (Bench::processor(FACTORY, &config, Signal::Metrics, &sink), sink)
}

fn numbers(points: &[Point]) -> Vec<NumberDataPoint> {
    let point = |(stream, time, value): &Point| NumberDataPoint {
        attributes: vec![batches::attribute("stream", *stream)],
        time_unix_nano: *time,
        value: Some(Value::AsInt(*value)),
        ..NumberDataPoint::default()
    };
    points.iter().map(point).collect()
}

pub(crate) fn sum(aggregation_temporality: i32, is_monotonic: bool, points: &[Point]) -> Data {
    Data::Sum(Sum {
        data_points: numbers(points),
        aggregation_temporality,
        is_monotonic,
    })
}

pub(crate) fn gauge(points: &[Point]) -> Data {
    Data::Gauge(Gauge {
        data_points: numbers(points),
    })
}

/// Makes a batch of one cumulative, monotonic sum.
pub(crate) fn totals(points: &[Point]) -> Batch {
    let data = sum(2, true, points);
    batches::metrics().metric("requests", "1", data).wire()
}

/// Makes a batch of one delta sum, which is never held.
pub(crate) fn deltas(points: &[Point]) -> Batch {
    let data = sum(1, true, points);
    batches::metrics().metric("deltas", "1", data).wire()
}

/// Says whose a batch is.
pub(crate) fn of_tenant(batch: Batch, tenant: &str) -> Batch {
    batch.with_context(Context::new(ContextParts {
        tenant: Some(tenant.to_owned()),
        ..ContextParts::default()
    }))
}

/// Returns all metrics of a batch.
pub(crate) fn metrics(batch: &Batch) -> Vec<Metric> {
    let Decoded::Metrics(request) = batch.to_decoded().unwrap() else {
        panic!("metrics");
    };
    let resources = request.resource_metrics.into_iter();
    let scopes = resources.flat_map(|resource| resource.scope_metrics);
    scopes.flat_map(|scope| scope.metrics).collect()
}

/// Returns the points of gauges and sums in a batch, sorted.
pub(crate) fn points(batch: &Batch) -> Vec<Point> {
    use weir_proto::otlp::common::v1::any_value::Value as Any;

    let numbers = metrics(batch).into_iter().flat_map(|metric| match metric.data {
        Some(Data::Gauge(data)) => data.data_points,
        Some(Data::Sum(data)) => data.data_points,
        _ => Vec::new(),
    });
    let point = |point: NumberDataPoint| {
        let Some(Any::IntValue(stream)) = point.attributes[0].value.as_ref().unwrap().value else {
            panic!("{point:?}");
        };
        let Some(Value::AsInt(value)) = point.value else {
            panic!("{point:?}");
        };
        (stream, point.time_unix_nano, value)
    };
    let mut points: Vec<Point> = numbers.map(point).collect();
    points.sort_unstable();
    points
}

/// Returns the sorted points of each batch that came.
pub(crate) fn came(sink: &Sink) -> Vec<Vec<Point>> {
    sink.batches().iter().map(points).collect()
}

/// Lets the interval end, and what then happens happen.
pub(crate) async fn interval_ends() {
    tokio::time::sleep(INTERVAL).await;
}

/// Returns the value of an own metric.
pub(crate) fn metric(bench: &Bench, name: &str) -> f64 {
    let rendered = bench.context.metrics.render();
    let line = rendered
        .lines()
        .find(|line| line.starts_with(&format!("{name}{{")));
    let value = line.and_then(|line| line.rsplit(' ').next());
    value.map_or(0.0, |value| value.parse().unwrap())
}
