//! Points that do not count: each has its reason, and the rest of its batch passes.

use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::number_data_point::Value;
use weir_proto::otlp::metrics::v1::{Histogram, HistogramDataPoint, NumberDataPoint, Sum};
use weir_testkit::batches;

use crate::support::{SECOND, attributes, bench, deltas, metrics, of_data, refusals, totals};

#[tokio::test]
async fn late_points_are_refused_by_reason_and_spoil_nothing() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench
        .send(deltas(&[(1, 10, 20, 5), (2, 10, 20, 5)]))
        .await
        .unwrap();
    let answer = bench
        .send(deltas(&[
            (1, 12, 18, 9),
            (1, 5, 30, 9),
            (2, 20, 30, 1),
            (1, 10, 20, 9),
        ]))
        .await;
    assert_eq!(refusals(answer), [("older_start", 1), ("out_of_order", 2)]);
    bench.send(deltas(&[(1, 20, 30, 1)])).await.unwrap();
    assert_eq!(totals(&sink.batches())[2..], [(2, 10, 30, 6), (1, 10, 30, 6)]);
    assert_eq!(
        (bench.dropped("older_start"), bench.dropped("out_of_order")),
        (1, 2)
    );
    let rendered = bench.context.metrics.render();
    let late = rendered
        .lines()
        .find(|line| line.contains("datapoints") && line.contains("delta.ErrOutOfOrder"));
    assert!(late.unwrap().ends_with(" 2"), "{rendered}");
    bench.stop().await;
}

#[tokio::test]
async fn a_batch_of_which_nothing_is_left_goes_nowhere() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench.send(deltas(&[(1, 10, 20, 5)])).await.unwrap();
    bench.send(deltas(&[(1, 12, 18, 9)])).await.unwrap_err();
    assert_eq!(sink.calls(), 1);
    bench.stop().await;
}

#[tokio::test]
async fn new_streams_are_refused_at_the_limit_and_known_ones_go_on() {
    for yaml in ["max_streams: 2", "max_bytes: 200"] {
        let (bench, sink) = bench(yaml);
        bench.start().await;
        bench
            .send(deltas(&[(1, 10, 20, 5), (2, 10, 20, 5)]))
            .await
            .unwrap();
        let answer = bench
            .send(deltas(&[(3, 10, 20, 5), (1, 20, 30, 1), (2, 20, 30, 1)]))
            .await;
        assert_eq!(refusals(answer), [("limit", 1)], "{yaml}");
        assert_eq!(totals(&sink.batches())[2..], [(1, 10, 30, 6), (2, 10, 30, 6)]);
        bench.stop().await;
    }
}

#[tokio::test]
async fn summaries_are_refused_with_a_reason() {
    let (bench, sink) = bench("");
    bench.start().await;
    let batch = batches::metrics()
        .gauge("g", &[1.0])
        .summary("s", &[(0.5, 1.0)])
        .wire();
    assert_eq!(refusals(bench.send(batch).await), [("summary", 1)]);
    assert_eq!(metrics(&sink.batches()).len(), 1);
    assert_eq!(bench.dropped("summary"), 1);
    bench.stop().await;
}

#[tokio::test]
async fn what_no_delta_can_say_is_refused() {
    let number = |value| NumberDataPoint {
        attributes: attributes(1),
        time_unix_nano: 5 * SECOND,
        value,
        ..NumberDataPoint::default()
    };
    let sum = |value, is_monotonic| {
        Data::Sum(Sum {
            data_points: vec![number(value)],
            aggregation_temporality: 1,
            is_monotonic,
        })
    };
    let histogram = Data::Histogram(Histogram {
        data_points: vec![HistogramDataPoint {
            bucket_counts: vec![1, 2, 3],
            explicit_bounds: vec![1.0],
            ..HistogramDataPoint::default()
        }],
        aggregation_temporality: 1,
    });
    let (bench, _) = bench("");
    bench.start().await;
    for data in [
        sum(None, true),
        sum(Some(Value::AsDouble(f64::NAN)), false),
        sum(Some(Value::AsDouble(f64::INFINITY)), true),
        sum(Some(Value::AsInt(-1)), true),
        sum(Some(Value::AsDouble(-1.0)), true),
        histogram,
    ] {
        assert_eq!(refusals(bench.send(of_data(vec![data])).await), [("invalid", 1)]);
    }
    bench
        .send(of_data(vec![sum(Some(Value::AsInt(-1)), false)]))
        .await
        .unwrap();
    bench.stop().await;
}

#[tokio::test]
async fn a_point_without_a_recorded_value_passes_and_adds_nothing() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench.send(deltas(&[(1, 10, 20, 5)])).await.unwrap();
    let point = NumberDataPoint {
        attributes: attributes(1),
        start_time_unix_nano: 20 * SECOND,
        time_unix_nano: 30 * SECOND,
        flags: 1,
        ..NumberDataPoint::default()
    };
    let sum = Sum {
        data_points: vec![point],
        aggregation_temporality: 1,
        is_monotonic: true,
    };
    bench.send(of_data(vec![Data::Sum(sum)])).await.unwrap();
    bench.send(deltas(&[(1, 20, 30, 2)])).await.unwrap();
    let came = metrics(&sink.batches());
    let Some(Data::Sum(stale)) = &came[1].data else {
        panic!("{came:?}")
    };
    let point = &stale.data_points[0];
    assert_eq!(
        (point.start_time_unix_nano, point.value, point.flags),
        (10 * SECOND, None, 1)
    );
    let batches = sink.batches();
    assert_eq!(
        totals(&[batches[0].clone(), batches[2].clone()]),
        [(1, 10, 20, 5), (1, 10, 30, 7)]
    );
    bench.stop().await;
}

#[tokio::test]
async fn refusals_of_the_next_step_are_told_with_our_own() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench.send(deltas(&[(1, 10, 20, 5)])).await.unwrap();
    let refusal = weir_component::Refusal {
        reason: "too_old",
        items: 1,
    };
    sink.answer_next([Err(weir_component::ConsumeError::partial(
        vec![refusal],
        "one is too old",
    ))]);
    let answer = bench.send(deltas(&[(1, 12, 18, 9), (1, 20, 30, 1)])).await;
    assert!(
        answer
            .as_ref()
            .unwrap_err()
            .to_string()
            .contains("one is too old")
    );
    assert_eq!(refusals(answer), [("too_old", 1), ("out_of_order", 1)]);
    bench.stop().await;
}
