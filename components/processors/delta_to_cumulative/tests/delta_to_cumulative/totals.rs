//! What comes out for what goes in.

use weir_component::{Batch, Context, Signal};
use weir_pdata::ContextParts;
use weir_pdata::Payload;
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Histogram, HistogramDataPoint, Metric,
};
use weir_testkit::batches;

use crate::support::{SECOND, attributes, bench, deltas, metrics, of_data, sum, totals};

#[tokio::test]
async fn deltas_add_up() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench
        .send(deltas(&[(1, 10, 20, 5), (2, 10, 20, 7)]))
        .await
        .unwrap();
    bench
        .send(deltas(&[(2, 20, 30, 1), (1, 20, 30, 2), (3, 20, 30, 9)]))
        .await
        .unwrap();
    // A gap, and a point whose start is not known.
    bench
        .send(deltas(&[(1, 40, 50, 1), (2, 0, 50, 1)]))
        .await
        .unwrap();
    let expected = [
        (1, 10, 20, 5),
        (2, 10, 20, 7),
        (2, 10, 30, 8),
        (1, 10, 30, 7),
        (3, 20, 30, 9),
        (1, 10, 50, 8),
        (2, 10, 50, 9),
    ];
    assert_eq!(totals(&sink.batches()), expected);
    assert!(
        matches!(sink.batches()[0].payload(), Payload::Wire(_)),
        "nothing was decoded"
    );
    bench.stop().await;
}

#[tokio::test]
async fn points_of_one_batch_are_put_in_order() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench
        .send(deltas(&[(1, 20, 30, 4), (1, 10, 20, 2), (1, 0, 10, 1)]))
        .await
        .unwrap();
    assert_eq!(
        totals(&sink.batches()),
        [(1, 9, 30, 7), (1, 9, 20, 3), (1, 9, 10, 1)]
    );
    bench.stop().await;
}

#[tokio::test]
async fn what_is_no_delta_passes_untouched() {
    let (bench, sink) = bench("summaries: pass");
    bench.start().await;
    let sent = [
        batches::gauge("g", 3),
        sum(2, &[(1, 1, 2, 3)]),
        batches::metrics()
            .counter("c", &[1.0])
            .histogram("h", &[1.0], &[1, 2])
            .summary("s", &[(0.5, 1.0)])
            .wire(),
        Batch::from_wire(Signal::Metrics, bytes()).unwrap(),
    ];
    for batch in &sent {
        bench.send(batch.clone()).await.unwrap();
    }
    for (sent, came) in sent.iter().zip(sink.batches()) {
        assert_eq!(sent.to_wire().concat(), came.to_wire().concat());
    }
    bench.stop().await;
}

/// A request without metrics.
fn bytes() -> bytes::Bytes {
    bytes::Bytes::new()
}

#[tokio::test]
async fn a_mixed_batch_keeps_what_is_not_added_up() {
    let (bench, sink) = bench("");
    bench.start().await;
    let batch = || batches::metrics().gauge("g", &[1.0]).delta().counter("c", &[2.0]);
    bench.send(batch().at(1000).wire()).await.unwrap();
    bench.send(batch().at(2000).wire()).await.unwrap();
    let names: Vec<String> = metrics(&sink.batches())
        .into_iter()
        .map(|metric| metric.name)
        .collect();
    assert_eq!(names, ["g", "c", "g", "c"]);
    bench.stop().await;
}

#[tokio::test]
async fn decoded_batches_add_up_with_wire_batches() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench.send(deltas(&[(1, 1, 2, 5)])).await.unwrap();
    let decoded = deltas(&[(1, 2, 3, 6)]).to_decoded().unwrap();
    bench.send(Batch::from_decoded(decoded)).await.unwrap();
    assert_eq!(totals(&sink.batches()), [(1, 1, 2, 5), (1, 1, 3, 11)]);
    bench.stop().await;
}

#[tokio::test]
async fn tenants_have_streams_of_their_own() {
    let (bench, sink) = bench("");
    bench.start().await;
    for tenant in ["a", "b"] {
        let parts = ContextParts {
            tenant: Some(tenant.to_owned()),
            ..ContextParts::default()
        };
        let batch = deltas(&[(1, 1, 2, 5)]).with_context(Context::new(parts));
        bench.send(batch).await.unwrap();
    }
    assert_eq!(totals(&sink.batches()), [(1, 1, 2, 5), (1, 1, 2, 5)]);
    bench.stop().await;
}

#[tokio::test]
async fn a_retry_counts_once_and_the_total_goes_on_again() {
    let (bench, sink) = bench("");
    bench.start().await;
    sink.answer_next([Err(weir_component::ConsumeError::unavailable("not now"))]);
    bench.send(deltas(&[(1, 1, 2, 5)])).await.unwrap_err();
    bench.send(deltas(&[(1, 1, 2, 5)])).await.unwrap();
    bench.send(deltas(&[(1, 1, 2, 5)])).await.unwrap();
    assert_eq!(totals(&sink.batches()), [(1, 1, 2, 5), (1, 1, 2, 5)]);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_forgotten_begins_anew_with_a_new_start() {
    let (bench, sink) = bench("max_stale: 10s");
    bench.start().await;
    bench
        .send(deltas(&[(1, 10, 20, 5), (2, 10, 20, 5)]))
        .await
        .unwrap();
    for round in 2..12 {
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        bench
            .send(deltas(&[(2, round * 10, round * 10 + 10, 1)]))
            .await
            .unwrap();
    }
    bench
        .send(deltas(&[(1, 120, 130, 7), (2, 120, 130, 1)]))
        .await
        .unwrap();
    let all = totals(&sink.batches());
    assert_eq!(all[all.len() - 2..], [(1, 120, 130, 7), (2, 10, 130, 16)]);
    bench.stop().await;
}

fn histogram(start: u64, bounds: &[f64], counts: &[u64], sum: Option<f64>) -> Batch {
    let point = HistogramDataPoint {
        attributes: attributes(1),
        start_time_unix_nano: start * SECOND,
        time_unix_nano: (start + 1) * SECOND,
        count: counts.iter().sum(),
        sum,
        min: Some(start as f64),
        max: Some(start as f64),
        bucket_counts: counts.to_vec(),
        explicit_bounds: bounds.to_vec(),
        ..HistogramDataPoint::default()
    };
    of_data(vec![Data::Histogram(Histogram {
        data_points: vec![point],
        aggregation_temporality: 1,
    })])
}

fn histogram_point(metric: &Metric) -> &HistogramDataPoint {
    match &metric.data {
        Some(Data::Histogram(histogram)) => {
            assert_eq!(histogram.aggregation_temporality, 2);
            &histogram.data_points[0]
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn explicit_histograms_add_up_and_begin_anew_with_other_bounds() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench
        .send(histogram(1, &[1.0, 2.0], &[1, 2, 3], Some(6.0)))
        .await
        .unwrap();
    bench
        .send(histogram(2, &[1.0, 2.0], &[1, 0, 0], Some(0.5)))
        .await
        .unwrap();
    bench
        .send(histogram(3, &[1.0, 2.0], &[0, 0, 1], None))
        .await
        .unwrap();
    bench
        .send(histogram(4, &[5.0], &[1, 1], Some(9.0)))
        .await
        .unwrap();
    let came = metrics(&sink.batches());
    let facts = |index: usize| {
        let point = histogram_point(&came[index]);
        (
            point.start_time_unix_nano / SECOND,
            point.count,
            point.bucket_counts.clone(),
            point.sum,
            point.min,
            point.max,
        )
    };
    assert_eq!(facts(0), (1, 6, vec![1, 2, 3], Some(6.0), Some(1.0), Some(1.0)));
    assert_eq!(facts(1), (1, 7, vec![2, 2, 3], Some(6.5), Some(1.0), Some(2.0)));
    assert_eq!(facts(2), (1, 8, vec![2, 2, 4], None, Some(1.0), Some(3.0)));
    assert_eq!(facts(3), (4, 2, vec![1, 1], Some(9.0), Some(4.0), Some(4.0)));
    assert_eq!(histogram_point(&came[3]).explicit_bounds, [5.0]);
    bench.stop().await;
}

#[tokio::test]
async fn exponential_histograms_of_different_scales_add_up() {
    let (bench, sink) = bench("");
    bench.start().await;
    for (start, scale, offset, counts, zero_threshold) in [
        (1, 1, 0, vec![1, 2, 3, 4], 0.0),
        (2, 0, -4, vec![1, 0, 0, 0, 0, 5], 0.0),
        (3, 3, 0, vec![1], 0.5),
    ] {
        let point = ExponentialHistogramDataPoint {
            attributes: attributes(1),
            start_time_unix_nano: start * SECOND,
            time_unix_nano: (start + 1) * SECOND,
            count: counts.iter().sum(),
            sum: Some(1.0),
            scale,
            zero_threshold,
            positive: Some(Buckets {
                offset,
                bucket_counts: counts,
            }),
            ..ExponentialHistogramDataPoint::default()
        };
        let data = Data::ExponentialHistogram(ExponentialHistogram {
            data_points: vec![point],
            aggregation_temporality: 1,
        });
        bench.send(of_data(vec![data])).await.unwrap();
    }
    let came = metrics(&sink.batches());
    let facts: Vec<_> = came
        .iter()
        .map(|metric| match &metric.data {
            Some(Data::ExponentialHistogram(histogram)) => {
                assert_eq!(histogram.aggregation_temporality, 2);
                let point = &histogram.data_points[0];
                let positive = point.positive.clone().unwrap();
                (
                    point.count,
                    point.sum,
                    point.scale,
                    point.zero_count,
                    positive.offset,
                    positive.bucket_counts,
                )
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        (10, Some(1.0), 1, 0, 0, vec![1, 2, 3, 4]),
        (16, Some(2.0), 0, 0, -4, vec![1, 0, 0, 0, 3, 12]),
        (17, Some(3.0), 0, 1, 0, vec![4, 12]),
    ];
    assert_eq!(
        facts, expected,
        "what lies below the wider zero threshold is zero"
    );
    bench.stop().await;
}
