//! Batches of totals, and what comes out of them.

use weir_component::{Batch, Signal};
use weir_pdata::Decoded;
use weir_processor_metric_start_time::FACTORY;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::number_data_point::Value;
use weir_proto::otlp::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint,
};
use weir_testkit::{Bench, Sink, batches, contract};

/// One second, in nanoseconds.
pub(crate) const SECOND: u64 = 1_000_000_000;

pub(crate) fn bench(yaml: &str) -> (Bench, Sink) {
    let sink = Sink::new();
    let config = contract::config(&FACTORY.meta, yaml);
    (Bench::processor(FACTORY, &config, Signal::Metrics, &sink), sink)
}

/// Makes a batch of one resource per list of metrics.
pub(crate) fn resources(resources: &[&[(&str, Data)]]) -> Batch {
    let metric = |(name, data): &(&str, Data)| Metric {
        name: (*name).to_owned(),
        data: Some(data.clone()),
        ..Metric::default()
    };
    let resource = |(number, metrics): (usize, &&[(&str, Data)])| {
        let mut resource = ResourceMetrics {
            scope_metrics: vec![ScopeMetrics {
                metrics: metrics.iter().map(metric).collect(),
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        };
        let attributes = &mut resource.resource.get_or_insert_default().attributes;
        attributes.push(batches::attribute("instance", number as i64));
        resource
    };
    let request = Decoded::Metrics(ExportMetricsServiceRequest {
        resource_metrics: resources.iter().enumerate().map(resource).collect(),
    });
    Batch::from_wire(Signal::Metrics, request.to_bytes()).unwrap()
}

/// Makes the points of a cumulative sum from start, time and value; times are in seconds.
pub(crate) fn sum(is_monotonic: bool, points: &[(u64, u64, i64)]) -> Data {
    let point = |(start, time, value): &(u64, u64, i64)| NumberDataPoint {
        start_time_unix_nano: start * SECOND,
        time_unix_nano: time * SECOND,
        value: Some(Value::AsInt(*value)),
        ..NumberDataPoint::default()
    };
    Data::Sum(Sum {
        data_points: points.iter().map(point).collect(),
        aggregation_temporality: 2,
        is_monotonic,
    })
}

pub(crate) fn totals(points: &[(u64, u64, i64)]) -> Batch {
    resources(&[&[("requests", sum(true, points))]])
}

/// Makes one histogram, exponential histogram and summary with this count.
pub(crate) fn counting(time: u64, count: u64) -> Batch {
    let time_unix_nano = time * SECOND;
    let histogram = Data::Histogram(Histogram {
        data_points: vec![HistogramDataPoint {
            time_unix_nano,
            count,
            ..HistogramDataPoint::default()
        }],
        aggregation_temporality: 2,
    });
    let exponential = Data::ExponentialHistogram(ExponentialHistogram {
        data_points: vec![ExponentialHistogramDataPoint {
            time_unix_nano,
            count,
            ..ExponentialHistogramDataPoint::default()
        }],
        aggregation_temporality: 2,
    });
    let summary = Data::Summary(Summary {
        data_points: vec![SummaryDataPoint {
            time_unix_nano,
            count,
            ..SummaryDataPoint::default()
        }],
    });
    resources(&[&[("h", histogram), ("e", exponential), ("s", summary)]])
}

/// Makes the metric that says when a process began, in seconds.
pub(crate) fn began(name: &str, at: f64) -> (&str, Data) {
    let point = NumberDataPoint {
        time_unix_nano: SECOND,
        value: Some(Value::AsDouble(at)),
        ..NumberDataPoint::default()
    };
    (
        name,
        Data::Gauge(Gauge {
            data_points: vec![point],
        }),
    )
}

/// Returns the data of all metrics in batches.
pub(crate) fn data(batches: &[Batch]) -> Vec<Data> {
    let requests = batches.iter().map(|batch| match batch.to_decoded().unwrap() {
        Decoded::Metrics(request) => request,
        other => panic!("{other:?}"),
    });
    let resources = requests.flat_map(|request| request.resource_metrics);
    let scopes = resources.flat_map(|resource| resource.scope_metrics);
    let metrics = scopes.flat_map(|scope| scope.metrics);
    metrics.map(|metric| metric.data.unwrap()).collect()
}

/// Returns the start times of all points but those of gauges, in milliseconds.
pub(crate) fn starts(sink: &Sink) -> Vec<u64> {
    macro_rules! starts {
        ($data:ident) => {
            $data
                .data_points
                .iter()
                .map(|point| point.start_time_unix_nano / 1_000_000)
                .collect()
        };
    }
    let of_metric = |data: Data| -> Vec<u64> {
        match data {
            Data::Sum(data) => starts!(data),
            Data::Histogram(data) => starts!(data),
            Data::ExponentialHistogram(data) => starts!(data),
            Data::Summary(data) => starts!(data),
            Data::Gauge(_) => Vec::new(),
        }
    };
    data(&sink.batches()).into_iter().flat_map(of_metric).collect()
}
