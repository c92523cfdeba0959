//! Deltas beyond a limit are added up; totals stay right.

use weir_component::ConsumeError;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::{Histogram, HistogramDataPoint, Metric};
use weir_testkit::batches::{self, attribute};

use crate::support::{
    SECOND, at, bench, cumulative, delta, deltas, from, gauge, metrics, of, own, point, refusals, seen,
    values,
};

fn three(metric: &str, attributes: &str, value: i64) -> (String, String, i64) {
    (metric.to_owned(), attributes.to_owned(), value)
}

#[tokio::test]
async fn deltas_beyond_a_limit_of_series_become_one_point_with_the_mark() {
    let (bench, sink) = bench("{series: {per_metric: 1, action: overflow, keep: [zone]}}");
    bench.start().await;
    let points = vec![
        point(&[("a", "1"), ("zone", "x")], 1),
        point(&[("a", "2"), ("zone", "x")], 10),
        point(&[("a", "3"), ("zone", "y")], 100),
        point(&[("a", "4"), ("zone", "x")], 1000),
    ];
    bench.send(of(vec![("m", delta(points))])).await.unwrap();
    assert_eq!(
        values(&sink),
        [
            three("m", "a=1,zone=x", 1),
            three("m", "otel.metric.overflow=true,zone=x", 1010),
            three("m", "otel.metric.overflow=true,zone=y", 100),
        ]
    );
    assert_eq!(bench.dropped("merged"), 1);
    bench.stop().await;
    let labels = [("limit", "metric"), ("outcome", "overflowed")];
    assert_eq!(own(&bench, "weir_cardinality_limit_points_total", &labels), 3.0);
    // Overflow series have room of their own, but count among all.
    assert_eq!(own(&bench, "weir_cardinality_limit_series", &[]), 3.0);
}

#[tokio::test]
async fn what_does_not_add_up_is_dropped() {
    let (bench, sink) =
        bench("{series: {per_metric: 1, action: overflow}, values: {attributes: {b: 1}, action: overflow}}");
    bench.start().await;
    for data in [cumulative as fn(_) -> _, gauge] {
        let points = vec![
            point(&[("a", "1")], 1),
            point(&[("a", "2")], 1),
            point(&[("a", "1")], 1),
        ];
        let name = if data(Vec::new()) == gauge(Vec::new()) {
            "gauge"
        } else {
            "total"
        };
        let answer = bench.send(of(vec![(name, data(points))])).await;
        assert_eq!(refusals(answer), [("limit_metric", 1)]);
        let points = vec![point(&[("b", "1")], 1), point(&[("b", "2")], 1)];
        let name = format!("{name}_by_value");
        let answer = bench.send(of(vec![(name.as_str(), data(points))])).await;
        assert_eq!(refusals(answer), [("limit_attribute", 1)]);
    }
    assert_eq!(sink.items(), 6);
    bench.stop().await;
}

#[tokio::test]
async fn a_value_beyond_its_limit_is_replaced_and_the_other_attributes_stay() {
    let (bench, sink) = bench("{values: {attributes: {user: 2}, action: overflow}}");
    bench.start().await;
    let points = |users: &[&str]| {
        let point = |user: &&str| point(&[("user", user), ("code", "200")], 1);
        of(vec![("m", delta(users.iter().map(point).collect()))])
    };
    bench.send(points(&["1", "2", "3", "4", "1"])).await.unwrap();
    assert_eq!(
        values(&sink),
        [
            three("m", "code=200,user=1", 1),
            three("m", "code=200,user=2", 1),
            three("m", "code=200,user=__overflow__", 2),
            three("m", "code=200,user=1", 1),
        ]
    );
    bench.stop().await;
    assert_eq!(own(&bench, "weir_cardinality_limit_values", &[]), 2.0);
    let labels = [("limit", "attribute"), ("outcome", "overflowed")];
    assert_eq!(own(&bench, "weir_cardinality_limit_points_total", &labels), 2.0);
}

#[tokio::test]
async fn a_replaced_value_may_lead_to_a_series_beyond_a_limit() {
    let (bench, sink) = bench(
        "{series: {per_metric: 2, action: overflow, keep: [user]}, values: {attributes: {user: 1}, action: overflow, overflow_value: other}}",
    );
    bench.start().await;
    let points = vec![
        point(&[("user", "1"), ("code", "1")], 1),
        point(&[("user", "2"), ("code", "1")], 10),
        point(&[("user", "3"), ("code", "2")], 100),
        point(&[("user", "1"), ("code", "3")], 1000),
        point(&[("user", "4"), ("code", "4")], 10000),
    ];
    bench.send(of(vec![("m", delta(points))])).await.unwrap();
    assert_eq!(
        values(&sink),
        [
            three("m", "code=1,user=1", 1),
            three("m", "code=1,user=other", 10),
            three("m", "otel.metric.overflow=true,user=other", 10100),
            three("m", "otel.metric.overflow=true,user=1", 1000),
        ]
    );
    bench.stop().await;
}

#[tokio::test]
async fn overflow_series_are_limited_too() {
    let (first, sink) = bench(
        "{tenant: {metadata: t}, series: {per_metric: 1, action: overflow, keep: [zone], overflow_series: 2}}",
    );
    first.start().await;
    let send = |tenant: &'static str, zones: &[&str]| {
        let point = |zone: &&str| point(&[("zone", zone)], 1);
        first.send(from(
            of(vec![("m", delta(zones.iter().map(point).collect()))]),
            "t",
            tenant,
        ))
    };
    assert_eq!(
        refusals(send("a", &["0", "1", "2", "3"]).await),
        [("limit_metric", 1)]
    );
    send("b", &["0", "1", "2"]).await.unwrap();
    assert_eq!(sink.items(), 6);
    first.stop().await;

    // They never go beyond the limit of all.
    let (bench, sink) = bench("{series: {total: 1, action: overflow}}");
    bench.start().await;
    assert_eq!(
        refusals(bench.send(deltas(&["1", "2"])).await),
        [("limit_total", 1)]
    );
    assert_eq!(sink.items(), 1);
    bench.stop().await;
}

/// Returns start and time of overflow points.
fn covered(sink: &weir_testkit::Sink) -> Vec<(u64, u64)> {
    let marked = seen(sink)
        .into_iter()
        .filter(|seen| seen.attributes.contains("overflow"));
    marked.map(|seen| seen.covers).collect()
}

#[tokio::test]
async fn points_of_an_overflow_series_follow_each_other_whatever_came() {
    let (bench, sink) = bench("{series: {per_metric: 1, action: overflow}}");
    bench.start().await;
    bench.send(deltas(&["live"])).await.unwrap();
    let send = |start, time, value: &'static str| {
        bench.send(of(vec![("m", delta(vec![at(start, time, &[("a", value)], 1)]))]))
    };
    // Two halves of one export, one that is late, one after a pause.
    for (start, time, value) in [(10, 20, "1"), (10, 20, "2"), (0, 10, "3"), (50, 60, "4")] {
        send(start, time, value).await.unwrap();
    }
    const MS: u64 = 1_000_000;
    let expected = [
        (10 * SECOND, 20 * SECOND),
        (20 * SECOND, 20 * SECOND + MS),
        (20 * SECOND + MS, 20 * SECOND + 2 * MS),
        (20 * SECOND + 2 * MS, 60 * SECOND),
    ];
    assert_eq!(covered(&sink), expected);
    bench.stop().await;
}

#[tokio::test]
async fn what_is_refused_and_sent_again_is_the_same() {
    let (bench, sink) = bench("{series: {per_metric: 1, action: overflow}}");
    bench.start().await;
    bench.send(deltas(&["live", "1"])).await.unwrap();
    sink.answer_next([Err(ConsumeError::unavailable("later")), Ok(()), Ok(())]);
    let again = || of(vec![("m", delta(vec![at(20, 30, &[("a", "2")], 7)]))]);
    bench.send(again()).await.unwrap_err();
    bench.send(again()).await.unwrap();
    assert_eq!(covered(&sink)[1], (20 * SECOND, 30 * SECOND));
    // A batch that its caller gave up on, too.
    sink.hold();
    let given_up = tokio::time::timeout(std::time::Duration::ZERO, bench.send(again()));
    given_up.await.unwrap_err();
    sink.release();
    bench
        .send(of(vec![("m", delta(vec![at(30, 40, &[("a", "2")], 7)]))]))
        .await
        .unwrap();
    assert_eq!(*covered(&sink).last().unwrap(), (30 * SECOND, 40 * SECOND));
}

#[tokio::test]
async fn a_clock_that_is_ahead_does_not_spoil_the_time_of_others() {
    let (bench, sink) = bench("{series: {per_metric: 1, action: overflow}}");
    bench.start().await;
    let far = u64::MAX / SECOND;
    let points = vec![point(&[("a", "1")], 1), at(10, far, &[("a", "2")], 1)];
    bench.send(of(vec![("m", delta(points))])).await.unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    assert!(covered(&sink)[0].1 <= now.as_nanos() as u64 + 61 * SECOND);
    bench.stop().await;
}

#[tokio::test]
async fn points_that_an_sdk_or_gateway_marked_are_part_of_the_same_sum() {
    let (bench, sink) = bench(
        "{series: {per_metric: 2, action: overflow}, values: {attributes: {user: 1}, action: overflow}}",
    );
    bench.start().await;
    let mut marked = point(&[], 100);
    marked.attributes.push(attribute("otel.metric.overflow", true));
    let points = vec![
        marked.clone(),
        point(&[("a", "1")], 1),
        point(&[("a", "2")], 10),
        marked,
    ];
    bench.send(of(vec![("m", delta(points))])).await.unwrap();
    let replaced = || point(&[("user", "__overflow__")], 5);
    let points = vec![
        replaced(),
        point(&[("user", "1")], 1),
        point(&[("user", "2")], 10),
        replaced(),
    ];
    bench.send(of(vec![("n", delta(points))])).await.unwrap();
    assert_eq!(
        values(&sink),
        [
            three("m", "otel.metric.overflow=true", 210),
            three("m", "a=1", 1),
            three("n", "user=__overflow__", 20),
            three("n", "user=1", 1),
        ]
    );
    assert_eq!(bench.dropped("merged"), 4);
    bench.stop().await;
}

#[tokio::test]
async fn points_without_a_value_are_no_part_of_a_sum() {
    let (bench, sink) = bench("{series: {per_metric: 1, action: overflow}}");
    bench.start().await;
    let mut nothing = point(&[("a", "2")], 0);
    (nothing.value, nothing.flags) = (None, 1);
    let mut nan = point(&[("a", "3")], 0);
    nan.value = Some(weir_proto::otlp::metrics::v1::number_data_point::Value::AsDouble(
        f64::NAN,
    ));
    let points = vec![
        point(&[("a", "1")], 1),
        nothing,
        nan,
        point(&[("a", "4")], -1),
        point(&[("a", "5")], 3),
    ];
    let answer = bench.send(of(vec![("m", delta(points))])).await;
    assert_eq!(refusals(answer), [("unmergeable", 2)]);
    assert_eq!(
        values(&sink),
        [three("m", "a=1", 1), three("m", "otel.metric.overflow=true", 3)]
    );
    bench.stop().await;
    assert_eq!(
        own(&bench, "weir_cardinality_limit_unmergeable_points_total", &[]),
        2.0
    );
}

fn histogram(value: &str, bounds: &[f64], counts: &[u64]) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: vec![attribute("a", value)],
        start_time_unix_nano: SECOND,
        time_unix_nano: 2 * SECOND,
        count: counts.iter().sum(),
        sum: Some(counts.len() as f64),
        min: Some(counts[0] as f64),
        max: Some(9.0),
        explicit_bounds: bounds.to_vec(),
        bucket_counts: counts.to_vec(),
        ..HistogramDataPoint::default()
    }
}

#[tokio::test]
async fn histograms_add_up_bucket_by_bucket_if_their_bounds_agree() {
    let (bench, sink) = bench("{series: {per_metric: 1, action: overflow}}");
    bench.start().await;
    let data = Data::Histogram(Histogram {
        data_points: vec![
            histogram("1", &[1.0, 2.0], &[1, 2, 3]),
            histogram("2", &[1.0, 2.0], &[4, 0, 1]),
            histogram("3", &[1.0, 3.0], &[7, 7, 7]),
            histogram("4", &[1.0, 2.0], &[1, 1, 1]),
        ],
        aggregation_temporality: 1,
    });
    assert_eq!(
        refusals(bench.send(of(vec![("h", data)])).await),
        [("unmergeable", 1)]
    );
    let [
        Metric {
            data: Some(Data::Histogram(out)),
            ..
        },
    ] = &metrics(&sink)[..]
    else {
        panic!("one histogram");
    };
    let [_, sum] = &out.data_points[..] else {
        panic!("{out:?}");
    };
    assert_eq!(sum.bucket_counts, [5, 1, 2]);
    assert_eq!(
        (sum.count, sum.sum, sum.min, sum.max),
        (8, Some(6.0), Some(1.0), Some(9.0))
    );
    assert_eq!(sum.explicit_bounds, [1.0, 2.0]);
    bench.stop().await;
}

#[tokio::test]
async fn exponential_histograms_add_up_at_the_coarser_scale() {
    let (bench, sink) = bench("{series: {total: 3, per_metric: 1, action: overflow}}");
    bench.start().await;
    // Two resources: the overflow series of each is its own.
    let of_scale = |scale, counts: &[u64]| {
        let builder = batches::metrics().delta();
        batches::to_wire(&builder.exponential_histogram("e", scale, counts).decoded())
    };
    bench.send(deltas(&["other"])).await.unwrap();
    bench.send(of_scale(1, &[1, 2])).await.unwrap();
    let mut merged = Vec::new();
    for scale in [1, 0] {
        let decoded = of_scale(scale, &[1, 2, 4, 8]).to_decoded().unwrap();
        let weir_pdata::Decoded::Metrics(mut request) = decoded else {
            panic!("metrics");
        };
        let metric = &mut request.resource_metrics[0].scope_metrics[0].metrics[0];
        let Some(Data::ExponentialHistogram(data)) = &mut metric.data else {
            panic!("{metric:?}");
        };
        data.data_points[0].attributes = vec![attribute("n", i64::from(scale) + 7)];
        merged.extend(request.resource_metrics);
    }
    bench.send(crate::support::batch(merged)).await.unwrap();
    let out = metrics(&sink);
    let Some(Data::ExponentialHistogram(sum)) = &out.last().unwrap().data else {
        panic!("{out:?}");
    };
    let point = &sum.data_points[0];
    assert_eq!((point.scale, point.count), (0, 30));
    assert_eq!(
        point.positive.as_ref().unwrap().bucket_counts,
        [1 + 2 + 1, 4 + 8 + 2, 4, 8]
    );
    bench.stop().await;
}
