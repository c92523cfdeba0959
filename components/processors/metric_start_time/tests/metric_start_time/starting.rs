//! The processor between two steps.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use std::time::Duration;

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

const SECOND: u64 = 1_000_000_000;

fn bench(yaml: &str) -> (Bench, Sink) {
    let sink = Sink::new();
    let config = contract::config(&FACTORY.meta, yaml);
    (Bench::processor(FACTORY, &config, Signal::Metrics, &sink), sink)
}

/// Makes a batch of one resource per list of metrics.
fn resources(resources: &[&[(&str, Data)]]) -> Batch {
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
fn sum(is_monotonic: bool, points: &[(u64, u64, i64)]) -> Data {
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

fn totals(points: &[(u64, u64, i64)]) -> Batch {
    resources(&[&[("requests", sum(true, points))]])
}

/// Makes one histogram, exponential histogram and summary with this count.
fn counting(time: u64, count: u64) -> Batch {
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
fn began(name: &str, at: f64) -> (&str, Data) {
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

/// Returns the start times of all points but those of gauges, in milliseconds.
fn starts(sink: &Sink) -> Vec<u64> {
    let mut starts = Vec::new();
    for batch in sink.batches() {
        let Decoded::Metrics(request) = batch.to_decoded().unwrap() else {
            panic!("metrics");
        };
        let resources = request.resource_metrics.into_iter();
        let scopes = resources.flat_map(|resource| resource.scope_metrics);
        for metric in scopes.flat_map(|scope| scope.metrics) {
            let of_metric: Vec<u64> = match metric.data.unwrap() {
                Data::Sum(sum) => sum
                    .data_points
                    .iter()
                    .map(|point| point.start_time_unix_nano)
                    .collect(),
                Data::Histogram(data) => data
                    .data_points
                    .iter()
                    .map(|point| point.start_time_unix_nano)
                    .collect(),
                Data::ExponentialHistogram(data) => data
                    .data_points
                    .iter()
                    .map(|point| point.start_time_unix_nano)
                    .collect(),
                Data::Summary(data) => data
                    .data_points
                    .iter()
                    .map(|point| point.start_time_unix_nano)
                    .collect(),
                Data::Gauge(_) => Vec::new(),
            };
            starts.extend(of_metric.into_iter().map(|start| start / 1_000_000));
        }
    }
    starts
}

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    for yaml in ["", "{strategy: start_time_metric, max_bytes: 0}"] {
        let config = contract::config(&FACTORY.meta, yaml);
        let batch = || totals(&[(0, 2, 3)]);
        contract::processor_starts_and_stops_twice(FACTORY, &config, batch()).await;
        contract::processor_passes_errors_on(FACTORY, &config, batch()).await;
        let counted = || (1..9).map(|time| totals(&[(0, time, 1)])).collect();
        contract::processor_keeps_order(FACTORY, &config, counted()).await;
        contract::processor_drains(FACTORY, &config, counted()).await;
    }
}

#[test]
fn options_are_read_and_judged() {
    contract::config_is_strict(&FACTORY.meta, "");
    let all = "{strategy: start_time_metric, gc_interval: 1h, start_time_metric_regex: ^.*_start$, max_streams: 5, max_bytes: 1000}";
    contract::config_is_strict(&FACTORY.meta, all);
    for (yaml, place) in [
        ("strategy: subtract_initial_point", "strategy"),
        ("gc_interval: 0s", "gc_interval"),
        ("start_time_metric_regex: a", "start_time_metric_regex"),
        (
            "{strategy: start_time_metric, start_time_metric_regex: '('}",
            "start_time_metric_regex",
        ),
        ("max_streams: 9223372036854775808", "max_streams"),
    ] {
        let found = contract::mistakes(&FACTORY.meta, yaml);
        assert_eq!(found.len(), 1, "{yaml}: {found:?}");
        assert!(found[0].starts_with(&format!("{place}: ")), "{found:?}");
    }
    assert_eq!(FACTORY.meta.aliases, ["metricstarttime"]);
}

#[tokio::test]
async fn a_stream_begins_with_its_first_point_and_anew_when_it_falls() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench.send(totals(&[(0, 10, 5), (0, 20, 7)])).await.unwrap();
    // Again, older than the stream, as it was, fallen, and on from there.
    bench
        .send(totals(&[
            (0, 20, 7),
            (0, 5, 1),
            (0, 30, 7),
            (0, 40, 2),
            (0, 50, 3),
        ]))
        .await
        .unwrap();
    assert_eq!(starts(&sink), [10_000, 10_000, 10_000, 0, 10_000, 39_999, 39_999]);
    bench.stop().await;
}

#[tokio::test]
async fn what_only_counts_begins_anew_when_its_count_falls() {
    let (bench, sink) = bench("");
    bench.start().await;
    for batch in [counting(10, 5), counting(20, 5), counting(30, 4)] {
        bench.send(batch).await.unwrap();
    }
    assert_eq!(starts(&sink), [[10_000; 3], [10_000; 3], [29_999; 3]].concat());
    bench.stop().await;
}

#[tokio::test]
async fn a_sum_that_may_fall_does_not_begin_anew() {
    let (bench, sink) = bench("");
    bench.start().await;
    let batch = resources(&[&[("level", sum(false, &[(0, 10, 5), (0, 20, 3)]))]]);
    bench.send(batch).await.unwrap();
    assert_eq!(starts(&sink), [10_000, 10_000]);
    bench.stop().await;
}

#[tokio::test]
async fn points_with_a_start_time_and_what_is_no_total_pass_untouched() {
    for yaml in ["", "strategy: start_time_metric"] {
        let (bench, sink) = bench(yaml);
        bench.start().await;
        let sent = [
            totals(&[(7, 10, 5)]),
            batches::gauge("g", 3),
            batches::metrics().delta().counter("c", &[1.0]).wire(),
        ];
        for batch in &sent {
            bench.send(batch.clone()).await.unwrap();
        }
        for (sent, came) in sent.iter().zip(sink.batches()) {
            assert_eq!(sent.to_wire().concat(), came.to_wire().concat());
        }
        bench.stop().await;
    }
}

#[tokio::test]
async fn a_metric_says_for_each_resource_when_its_process_began() {
    let cases = [
        ("strategy: start_time_metric", "process_start_time_seconds"),
        (
            "{strategy: start_time_metric, start_time_metric_regex: '_began$'}",
            "app_began",
        ),
    ];
    for (yaml, name) in cases {
        let (bench, sink) = bench(yaml);
        bench.start().await;
        let at = |time, value| ("requests", sum(true, &[(0, time, value)]));
        let batch = |first: f64, time, value| {
            resources(&[
                &[at(time, value), began(name, first)],
                &[began(name, 2.5), at(time, value)],
            ])
        };
        bench.send(batch(1.5, 10, 5)).await.unwrap();
        // Both fell; of the first process it is known that it began anew.
        bench.send(batch(11.5, 20, 4)).await.unwrap();
        assert_eq!(starts(&sink), [1_500, 2_500, 11_500, 19_999], "{yaml}");
        bench.stop().await;
    }
}

#[tokio::test]
async fn without_such_a_metric_a_stream_begins_with_the_processor() {
    let (bench, sink) = bench("strategy: start_time_metric");
    bench.start().await;
    // Long after, and long before, the processor began.
    bench.send(totals(&[(0, 10_000_000_000, 5)])).await.unwrap();
    bench
        .send(resources(&[&[("other", sum(true, &[(0, 10, 5)]))]]))
        .await
        .unwrap();
    let starts = starts(&sink);
    assert!(
        (1_700_000_000_000..10_000_000_000_000).contains(&starts[0]),
        "{starts:?}"
    );
    assert_eq!(starts[1], 10_000);
    bench.stop().await;
}

#[tokio::test]
async fn streams_beyond_the_limit_go_on_as_they_came() {
    for yaml in ["max_streams: 1", "max_bytes: 100"] {
        let (bench, sink) = bench(yaml);
        bench.start().await;
        let both = |time| {
            let sum = || sum(true, &[(0, time, 5)]);
            resources(&[&[("a", sum()), ("b", sum())]])
        };
        bench.send(both(10)).await.unwrap();
        bench.send(both(20)).await.unwrap();
        assert_eq!(starts(&sink), [10_000, 0, 10_000, 0], "{yaml}");
        let rendered = bench.context.metrics.render();
        let limited = rendered
            .lines()
            .find(|line| line.starts_with("weir_metric_start_time_limited_points_total{"));
        assert!(limited.unwrap().ends_with(" 2"), "{rendered}");
        bench.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_is_forgotten() {
    let (bench, sink) = bench("gc_interval: 10s");
    bench.start().await;
    bench.send(totals(&[(0, 10, 5)])).await.unwrap();
    tokio::time::advance(Duration::from_secs(8)).await;
    bench.send(totals(&[(0, 20, 5)])).await.unwrap();
    tokio::time::advance(Duration::from_secs(14)).await;
    bench.send(totals(&[(0, 30, 5)])).await.unwrap();
    assert_eq!(starts(&sink), [10_000, 10_000, 30_000]);
    bench.stop().await;
}
