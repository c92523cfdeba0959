//! Batches of sums, and what comes out of them.

use std::collections::{BTreeMap, BTreeSet};

use weir_component::{Batch, ConsumeError, Context, Extent};
use weir_pdata::view::{AnyValue, push_text};
use weir_pdata::{ContextParts, Decoded, Signal};
use weir_processor_cardinality_limit::FACTORY;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::number_data_point::Value;
use weir_proto::otlp::metrics::v1::{Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum};
use weir_testkit::batches::{attribute, to_wire};
use weir_testkit::{Bench, Sink, contract};

/// One second, in nanoseconds.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// Builds a processor in front of a sink.
pub(crate) fn bench(yaml: &str) -> (Bench, Sink) {
    let sink = Sink::new();
    let config = contract::config(&FACTORY.meta, yaml);
    (Bench::processor(FACTORY, &config, Signal::Metrics, &sink), sink)
}

/// Makes a point that covers 10 s to 20 s.
pub(crate) fn point(attributes: &[(&str, &str)], value: i64) -> NumberDataPoint {
    at(10, 20, attributes, value)
}

/// Makes a point with start and time in seconds.
pub(crate) fn at(start: u64, time: u64, attributes: &[(&str, &str)], value: i64) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes
            .iter()
            .map(|(key, value)| attribute(key, *value))
            .collect(),
        start_time_unix_nano: start * SECOND,
        time_unix_nano: time * SECOND,
        value: Some(Value::AsInt(value)),
        ..NumberDataPoint::default()
    }
}

pub(crate) fn delta(data_points: Vec<NumberDataPoint>) -> Data {
    sum(1, data_points)
}

pub(crate) fn cumulative(data_points: Vec<NumberDataPoint>) -> Data {
    sum(2, data_points)
}

fn sum(aggregation_temporality: i32, data_points: Vec<NumberDataPoint>) -> Data {
    Data::Sum(Sum {
        data_points,
        aggregation_temporality,
        is_monotonic: true,
    })
}

pub(crate) fn gauge(data_points: Vec<NumberDataPoint>) -> Data {
    Data::Gauge(Gauge { data_points })
}

/// Makes a resource with these attributes and metrics.
pub(crate) fn resource(attributes: &[(&str, &str)], metrics: Vec<(&str, Data)>) -> ResourceMetrics {
    let metric = |(name, data): (&str, Data)| Metric {
        name: name.to_owned(),
        data: Some(data),
        ..Metric::default()
    };
    let mut resource = ResourceMetrics {
        scope_metrics: vec![ScopeMetrics {
            metrics: metrics.into_iter().map(metric).collect(),
            ..ScopeMetrics::default()
        }],
        ..ResourceMetrics::default()
    };
    resource.resource.get_or_insert_default().attributes = attributes
        .iter()
        .map(|(key, value)| attribute(key, *value))
        .collect();
    resource
}

/// Makes a batch, as a receiver would.
pub(crate) fn batch(resource_metrics: Vec<ResourceMetrics>) -> Batch {
    to_wire(&Decoded::Metrics(ExportMetricsServiceRequest {
        resource_metrics,
    }))
}

/// Makes a batch of one resource without attributes.
pub(crate) fn of(metrics: Vec<(&str, Data)>) -> Batch {
    batch(vec![resource(&[], metrics)])
}

/// Makes a batch of deltas of metric `m`, one for each value of attribute `a`.
pub(crate) fn deltas(values: &[&str]) -> Batch {
    of(vec![(
        "m",
        delta(values.iter().map(|value| point(&[("a", value)], 1)).collect()),
    )])
}

/// Says that a batch came with this header.
pub(crate) fn from(batch: Batch, header: &str, value: &str) -> Batch {
    batch.with_context(Context::new(ContextParts {
        metadata: BTreeMap::from([(header.to_owned(), vec![value.to_owned()])]),
        ..ContextParts::default()
    }))
}

/// A number point that came out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    pub(crate) metric: String,
    /// Attributes as text, sorted: `a=1,b=2`.
    pub(crate) attributes: String,
    pub(crate) value: i64,
    /// Start and time, in nanoseconds.
    pub(crate) covers: (u64, u64),
}

/// Returns all metrics that came out.
pub(crate) fn metrics(sink: &Sink) -> Vec<Metric> {
    let mut metrics = Vec::new();
    for batch in sink.batches() {
        let Decoded::Metrics(request) = batch.to_decoded().unwrap() else {
            panic!("metrics");
        };
        let resources = request.resource_metrics.into_iter();
        let scopes = resources.flat_map(|resource| resource.scope_metrics);
        metrics.extend(scopes.flat_map(|scope| scope.metrics));
    }
    metrics
}

/// Returns all number points that came out, in order.
pub(crate) fn seen(sink: &Sink) -> Vec<Seen> {
    let mut seen = Vec::new();
    for metric in metrics(sink) {
        let points = match metric.data.unwrap() {
            Data::Sum(sum) => sum.data_points,
            Data::Gauge(gauge) => gauge.data_points,
            data => panic!("{data:?}"),
        };
        for point in points {
            let Some(Value::AsInt(value)) = point.value else {
                panic!("{point:?}");
            };
            let mut attributes: Vec<String> = Vec::new();
            for pair in &point.attributes {
                let mut text = format!("{}=", pair.key);
                push_text(AnyValue::from_decoded(pair.value.as_ref().unwrap()), &mut text).unwrap();
                attributes.push(text);
            }
            attributes.sort();
            seen.push(Seen {
                metric: metric.name.clone(),
                attributes: attributes.join(","),
                value,
                covers: (point.start_time_unix_nano, point.time_unix_nano),
            });
        }
    }
    seen
}

/// Returns metric, attributes and value of what came out.
pub(crate) fn values(sink: &Sink) -> Vec<(String, String, i64)> {
    let short = |seen: Seen| (seen.metric, seen.attributes, seen.value);
    seen(sink).into_iter().map(short).collect()
}

/// Returns the different attribute sets of a metric that came out.
pub(crate) fn series(sink: &Sink, metric: &str) -> BTreeSet<String> {
    let of_metric = seen(sink).into_iter().filter(|seen| seen.metric == metric);
    of_metric.map(|seen| seen.attributes).collect()
}

/// Returns the refusals of a partial answer.
pub(crate) fn refusals(answer: Result<(), ConsumeError>) -> Vec<(&'static str, u64)> {
    let error = answer.unwrap_err();
    let Extent::Part(refusals) = error.extent() else {
        panic!("{error}");
    };
    let pair = |refusal: &weir_component::Refusal| (refusal.reason, refusal.items);
    refusals.iter().map(pair).collect()
}

/// Returns the value of an own metric whose labels include these.
pub(crate) fn own(bench: &Bench, name: &str, labels: &[(&str, &str)]) -> f64 {
    let text = bench.context.metrics.render();
    let line = text.lines().find(|line| {
        line.starts_with(name)
            && labels
                .iter()
                .all(|(key, value)| line.contains(&format!("{key}=\"{value}\"")))
    });
    let line = line.unwrap_or_else(|| panic!("no {name} {labels:?} in\n{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}
