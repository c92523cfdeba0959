//! Histograms, explicit and exponential.

use weir_component::Batch;
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Histogram, HistogramDataPoint,
};

use crate::support::{SECOND, attributes, bench, metrics, of_data};

fn explicit(time: u64, bounds: &[f64], counts: &[u64], sum: f64) -> Batch {
    let point = HistogramDataPoint {
        attributes: attributes(1),
        time_unix_nano: time * SECOND,
        count: counts.iter().sum(),
        sum: Some(sum),
        bucket_counts: counts.to_vec(),
        explicit_bounds: bounds.to_vec(),
        min: Some(0.5),
        max: Some(9.0),
        ..HistogramDataPoint::default()
    };
    let data = Histogram {
        data_points: vec![point],
        aggregation_temporality: 2,
    };
    of_data("latency", Data::Histogram(data))
}

/// Returns start in seconds, count, sum and buckets of explicit histograms.
fn came(batches: &[Batch]) -> Vec<(u64, u64, f64, Vec<u64>)> {
    let mut all = Vec::new();
    for metric in metrics(batches) {
        let Some(Data::Histogram(histogram)) = metric.data else {
            panic!("{metric:?}");
        };
        assert_eq!(histogram.aggregation_temporality, 1);
        for point in histogram.data_points {
            assert_eq!((point.min, point.max), (None, None));
            let start = point.start_time_unix_nano / SECOND;
            all.push((start, point.count, point.sum.unwrap(), point.bucket_counts));
        }
    }
    all
}

#[tokio::test]
async fn buckets_are_compared_one_by_one_and_a_reset_costs_one_point() {
    let (bench, sink) = bench("");
    bench.start().await;
    let bounds = [1.0, 5.0];
    for batch in [
        explicit(1, &bounds, &[1, 2, 3], 10.0),
        explicit(2, &bounds, &[1, 4, 4], 15.0),
        // Begins anew, with more in one bucket than before; then goes on from there.
        explicit(3, &bounds, &[2, 0, 0], 1.0),
        explicit(4, &bounds, &[2, 1, 0], 3.0),
    ] {
        bench.send(batch).await.unwrap();
    }
    let expected = [(1, 3, 5.0, vec![0, 2, 1]), (3, 1, 2.0, vec![0, 1, 0])];
    assert_eq!(came(&sink.batches()), expected);
    assert_eq!(bench.dropped("reset"), 1);
    bench.stop().await;
}

#[tokio::test]
async fn other_bounds_cost_one_point() {
    let (bench, sink) = bench("");
    bench.start().await;
    for batch in [
        explicit(1, &[1.0], &[1, 2], 1.0),
        explicit(2, &[2.0], &[1, 3], 1.0),
        explicit(3, &[2.0], &[1, 4], 2.0),
        explicit(4, &[], &[7], 2.0),
        explicit(5, &[], &[], 2.0),
    ] {
        bench.send(batch).await.unwrap();
    }
    assert_eq!(came(&sink.batches()), [(2, 1, 1.0, vec![0, 1])]);
    assert_eq!(bench.dropped("bucket_mismatch"), 3);
    bench.stop().await;
}

#[tokio::test]
async fn exponential_histograms_are_compared_at_the_newer_scale() {
    let (bench, sink) = bench("");
    bench.start().await;
    let exponential = |time: u64, scale, offset, counts: &[u64], zero_count| {
        let point = ExponentialHistogramDataPoint {
            attributes: attributes(1),
            time_unix_nano: time * SECOND,
            count: counts.iter().sum::<u64>() + zero_count,
            scale,
            zero_count,
            positive: Some(Buckets {
                offset,
                bucket_counts: counts.to_vec(),
            }),
            ..ExponentialHistogramDataPoint::default()
        };
        let data = ExponentialHistogram {
            data_points: vec![point],
            aggregation_temporality: 2,
        };
        of_data("latency", Data::ExponentialHistogram(data))
    };
    for batch in [
        exponential(1, 1, 2, &[1, 2, 3, 4], 1),
        // The same at scale 0, and one more in each of the buckets 1 and 3.
        exponential(2, 0, 1, &[4, 7, 1], 2),
        exponential(3, 0, 1, &[4, 1], 2),
        exponential(4, 0, 1, &[4, 2], 2),
    ] {
        bench.send(batch).await.unwrap();
    }
    let mut all = Vec::new();
    for metric in metrics(&sink.batches()) {
        let Some(Data::ExponentialHistogram(histogram)) = metric.data else {
            panic!("{metric:?}");
        };
        assert_eq!(histogram.aggregation_temporality, 1);
        for point in histogram.data_points {
            let positive = point.positive.unwrap();
            let start = point.start_time_unix_nano / SECOND;
            all.push((start, point.count, point.zero_count, point.scale));
            all.push((positive.offset as u64, positive.bucket_counts[0], 0, 0));
            assert_eq!(
                positive.bucket_counts.iter().sum::<u64>() + point.zero_count,
                point.count
            );
        }
    }
    assert_eq!(all, [(1, 3, 1, 0), (1, 1, 0, 0), (3, 1, 0, 0), (2, 1, 0, 0)]);
    assert_eq!(bench.dropped("reset"), 1);
    bench.stop().await;
}
