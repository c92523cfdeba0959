//! What first points said is taken from the ones that follow.

use std::time::Duration;

use weir_component::{Batch, ConsumeError};
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::number_data_point::Value;
use weir_proto::otlp::metrics::v1::summary_data_point::ValueAtQuantile;
use weir_proto::otlp::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Histogram,
    HistogramDataPoint, NumberDataPoint, Sum, Summary, SummaryDataPoint,
};
use weir_testkit::{Bench, Sink, batches};

use crate::support::{SECOND, bench, data, resources, starts, sum, totals};

fn subtracting() -> (Bench, Sink) {
    bench("strategy: subtract_initial_point")
}

/// Returns start and time in milliseconds, and value, of the points of sums that came.
fn came(sink: &Sink) -> Vec<(u64, u64, i64)> {
    let sums = data(&sink.batches()).into_iter().flat_map(|data| match data {
        Data::Sum(sum) => sum.data_points,
        _ => Vec::new(),
    });
    let point = |point: NumberDataPoint| {
        let Some(Value::AsInt(value)) = point.value else {
            panic!("{point:?}");
        };
        let millis = |ns| ns / 1_000_000;
        (
            millis(point.start_time_unix_nano),
            millis(point.time_unix_nano),
            value,
        )
    };
    sums.map(point).collect()
}

#[tokio::test]
async fn the_first_point_is_dropped_and_taken_from_the_others() {
    let (bench, sink) = subtracting();
    bench.start().await;
    bench.send(totals(&[(0, 10, 5)])).await.unwrap();
    assert_eq!(sink.calls(), 0, "nothing is left");
    bench.send(totals(&[(0, 20, 7), (0, 30, 12)])).await.unwrap();
    assert_eq!(came(&sink), [(10_000, 20_000, 2), (10_000, 30_000, 7)]);
    assert_eq!(bench.dropped("initial"), 1);
    bench.stop().await;
}

#[tokio::test]
async fn a_stream_that_falls_begins_anew_and_loses_nothing() {
    let (bench, sink) = subtracting();
    bench.start().await;
    for (time, value) in [(10, 5), (20, 7), (30, 3), (40, 9), (50, 8)] {
        bench.send(totals(&[(0, time, value)])).await.unwrap();
    }
    let expected = [
        (10_000, 20_000, 2),
        (29_999, 30_000, 3),
        (29_999, 40_000, 9),
        (49_999, 50_000, 8),
    ];
    assert_eq!(came(&sink), expected);
    bench.stop().await;
}

#[tokio::test]
async fn late_points_are_taken_in_if_they_can_be() {
    let (bench, sink) = subtracting();
    bench.start().await;
    bench.send(totals(&[(0, 10, 5), (0, 30, 9)])).await.unwrap();
    // In between, less than the first, older than the first.
    bench
        .send(totals(&[(0, 20, 7), (0, 25, 4), (0, 5, 1)]))
        .await
        .unwrap();
    assert_eq!(came(&sink), [(10_000, 30_000, 4), (10_000, 20_000, 2)]);
    assert_eq!(bench.dropped("out_of_order"), 2);
    bench.stop().await;
}

#[tokio::test]
async fn what_is_sent_again_comes_out_again() {
    let (bench, sink) = subtracting();
    bench.start().await;
    let batch = || totals(&[(0, 10, 5), (0, 20, 7)]);
    sink.answer_next([Err(ConsumeError::unavailable("not now"))]);
    bench.send(batch()).await.unwrap_err();
    bench.send(batch()).await.unwrap();
    assert_eq!(came(&sink), [(10_000, 20_000, 2)]);
    bench.stop().await;
}

/// Makes a batch of a histogram, an exponential histogram, whose first bucket is 2 at scale 1 and 1 at scale 0, and a summary.
fn counting(time: u64, counts: [u64; 3], bounds: [f64; 2], scale: i32) -> Batch {
    let (time_unix_nano, count, sum) = (time * SECOND, counts.iter().sum(), counts[2] as f64);
    let histogram = HistogramDataPoint {
        time_unix_nano,
        count,
        sum: Some(sum),
        bucket_counts: counts.to_vec(),
        explicit_bounds: bounds.to_vec(),
        min: Some(0.5),
        max: Some(9.0),
        ..HistogramDataPoint::default()
    };
    let exponential = ExponentialHistogramDataPoint {
        time_unix_nano,
        count,
        sum: Some(sum),
        scale,
        zero_count: counts[0],
        positive: Some(Buckets {
            offset: scale + 1,
            bucket_counts: counts[1..].to_vec(),
        }),
        min: Some(0.0),
        ..ExponentialHistogramDataPoint::default()
    };
    let quantile = ValueAtQuantile {
        quantile: 0.5,
        value: 2.5,
    };
    let summary = SummaryDataPoint {
        time_unix_nano,
        count,
        sum,
        quantile_values: vec![quantile],
        ..SummaryDataPoint::default()
    };
    let aggregation_temporality = AggregationTemporality::Cumulative.into();
    let all = [
        Data::Histogram(Histogram {
            data_points: vec![histogram],
            aggregation_temporality,
        }),
        Data::ExponentialHistogram(ExponentialHistogram {
            data_points: vec![exponential],
            aggregation_temporality,
        }),
        Data::Summary(Summary {
            data_points: vec![summary],
        }),
    ];
    let [histogram, exponential, summary] = all;
    resources(&[&[("h", histogram), ("e", exponential), ("s", summary)]])
}

/// What of [`counting`] remains after subtraction: all but the smallest and largest measurement.
fn counted(start: u64, time: u64, counts: [u64; 3], scale: i32) -> String {
    let batch = counting(time, counts, [1.0, 2.0], scale);
    let mut all = data(&[batch]);
    for data in &mut all {
        let start_ns = start * 1_000_000;
        match data {
            Data::Histogram(data) => {
                let point = &mut data.data_points[0];
                (point.start_time_unix_nano, point.min, point.max) = (start_ns, None, None);
            }
            Data::ExponentialHistogram(data) => {
                let point = &mut data.data_points[0];
                (point.start_time_unix_nano, point.min) = (start_ns, None);
                point.negative = Some(Buckets::default());
            }
            Data::Summary(data) => data.data_points[0].start_time_unix_nano = start_ns,
            _ => {}
        }
    }
    format!("{all:#?}")
}

#[tokio::test]
async fn histograms_and_summaries_are_subtracted_too() {
    let (bench, sink) = subtracting();
    bench.start().await;
    let bounds = [1.0, 2.0];
    bench.send(counting(10, [1, 2, 3], bounds, 0)).await.unwrap();
    bench.send(counting(20, [2, 4, 6], bounds, 0)).await.unwrap();
    let first = data(&sink.batches());
    assert_eq!(format!("{first:#?}"), counted(10_000, 20, [1, 2, 3], 0));
    // One bucket falls, though the count does not.
    bench.send(counting(30, [9, 4, 1], bounds, 0)).await.unwrap();
    let second = data(&sink.batches()[1..]);
    let points = |data: &Data| match data {
        Data::Histogram(data) => {
            let point = &data.data_points[0];
            (
                point.start_time_unix_nano / 1_000_000,
                point.bucket_counts.clone(),
            )
        }
        Data::ExponentialHistogram(data) => {
            let point = &data.data_points[0];
            let buckets = point.positive.clone().unwrap().bucket_counts;
            (
                point.start_time_unix_nano / 1_000_000,
                [vec![point.zero_count], buckets].concat(),
            )
        }
        Data::Summary(data) => {
            let point = &data.data_points[0];
            (point.start_time_unix_nano / 1_000_000, vec![point.count])
        }
        _ => (0, Vec::new()),
    };
    let second: Vec<_> = second.iter().map(points).collect();
    let anew = (29_999, vec![9, 4, 1]);
    assert_eq!(second, [anew.clone(), anew, (10_000, vec![8])]);
    bench.stop().await;
}

#[tokio::test]
async fn other_bounds_begin_a_stream_and_a_coarser_scale_does_not() {
    let (bench, sink) = subtracting();
    bench.start().await;
    bench.send(counting(10, [1, 2, 3], [1.0, 2.0], 1)).await.unwrap();
    bench.send(counting(20, [2, 4, 6], [1.0, 3.0], 1)).await.unwrap();
    assert_eq!(starts(&sink), [10_000, 10_000]);
    assert_eq!(bench.dropped("initial"), 4);
    // Buckets 2 and 3 of scale 1 are bucket 1 of scale 0.
    bench.send(counting(30, [4, 7, 9], [1.0, 3.0], 0)).await.unwrap();
    let exponential = data(&sink.batches()[1..]).remove(1);
    let Data::ExponentialHistogram(data) = exponential else {
        panic!("{exponential:?}");
    };
    let point = &data.data_points[0];
    let since = Buckets {
        offset: 1,
        bucket_counts: vec![2, 9],
    };
    assert_eq!(
        (point.scale, point.zero_count, &point.positive),
        (0, 3, &Some(since))
    );
    assert_eq!(starts(&sink)[2..], [20_000, 10_000, 10_000]);
    bench.stop().await;
}

#[tokio::test]
async fn points_with_a_start_time_and_what_is_no_total_that_grows_pass_untouched() {
    let (bench, sink) = subtracting();
    bench.start().await;
    let level = resources(&[&[("level", sum(false, &[(0, 10, 5), (0, 20, 3)]))]]);
    let sent = [
        totals(&[(7, 10, 5)]),
        level,
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

#[tokio::test]
async fn a_start_at_the_time_of_the_point_is_none() {
    let (bench, sink) = subtracting();
    bench.start().await;
    bench.send(totals(&[(10, 10, 5), (20, 20, 7)])).await.unwrap();
    assert_eq!(came(&sink), [(10_000, 20_000, 2)]);
    bench.stop().await;
}

/// Makes a batch of one point of a sum.
fn special(time: u64, value: Option<f64>, flags: u32) -> Batch {
    let point = NumberDataPoint {
        time_unix_nano: time * SECOND,
        value: value.map(Value::AsDouble),
        flags,
        ..NumberDataPoint::default()
    };
    let data = Data::Sum(Sum {
        data_points: vec![point],
        aggregation_temporality: AggregationTemporality::Cumulative.into(),
        is_monotonic: true,
    });
    resources(&[&[("requests", data)]])
}

#[tokio::test]
async fn what_has_no_value_gets_the_start_time_and_what_is_none_is_dropped() {
    let (bench, sink) = subtracting();
    bench.start().await;
    bench.send(special(5, None, 1)).await.unwrap();
    bench.send(special(10, Some(5.0), 0)).await.unwrap();
    bench.send(special(20, None, 1)).await.unwrap();
    assert_eq!(starts(&sink), [0, 10_000]);
    for value in [None, Some(f64::NAN), Some(f64::INFINITY)] {
        bench.send(special(30, value, 0)).await.unwrap();
    }
    assert_eq!(bench.dropped("invalid"), 3);
    bench.stop().await;
}

#[tokio::test]
async fn streams_beyond_the_limit_go_on_as_they_came() {
    for limit in ["max_streams: 1", "max_bytes: 150"] {
        let (bench, sink) = bench(&format!("{{strategy: subtract_initial_point, {limit}}}"));
        bench.start().await;
        let both = |time, value| {
            let sum = || sum(true, &[(0, time, value)]);
            resources(&[&[("a", sum()), ("b", sum())]])
        };
        bench.send(both(10, 5)).await.unwrap();
        bench.send(both(20, 7)).await.unwrap();
        let expected = [(0, 10_000, 5), (10_000, 20_000, 2), (0, 20_000, 7)];
        assert_eq!(came(&sink), expected, "{limit}");
        bench.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_is_forgotten_and_begins_again() {
    let (bench, sink) = bench("{strategy: subtract_initial_point, gc_interval: 10s}");
    bench.start().await;
    bench.send(totals(&[(0, 10, 5)])).await.unwrap();
    tokio::time::advance(Duration::from_secs(14)).await;
    bench.send(totals(&[(0, 20, 7)])).await.unwrap();
    bench.send(totals(&[(0, 30, 8)])).await.unwrap();
    assert_eq!(came(&sink), [(20_000, 30_000, 1)]);
    bench.stop().await;
}
