//! What is within limits passes, what is new and beyond one goes.

use std::sync::Arc;
use std::time::Duration;

use weir_component::Signal;
use weir_pdata::Decoded;
use weir_processor_cardinality_limit::FACTORY;
use weir_testkit::{Bench, Sink, batches, contract};

use crate::support::{
    batch, bench, cumulative, delta, deltas, from, gauge, of, own, point, refusals, resource, series, values,
};

#[tokio::test]
async fn what_is_within_limits_passes_byte_for_byte() {
    let (bench, sink) = bench(
        "{series: {total: 1000, per_metric: 100, action: overflow}, values: {per_attribute: 100, action: overflow}}",
    );
    bench.start().await;
    let sent = batches::metrics()
        .gauge("g", &[1.0, 2.0])
        .counter("c", &[3.0])
        .delta()
        .counter("d", &[1.0])
        .histogram("h", &[1.0, 2.0], &[1, 2, 3])
        .exponential_histogram("e", 3, &[1, 0, 2])
        .summary("s", &[(0.5, 1.0)])
        .decoded();
    let wire = batches::to_wire(&sent);
    for _ in 0..3 {
        bench.send(wire.clone()).await.unwrap();
        bench
            .send(weir_component::Batch::from_decoded(sent.clone()))
            .await
            .unwrap();
    }
    for out in sink.batches() {
        assert_eq!(out.to_wire(), wire.to_wire());
    }
    // Without a copy.
    assert_eq!(
        sink.batches()[0].to_wire()[0].as_ptr(),
        wire.to_wire()[0].as_ptr()
    );
    bench.stop().await;
    assert_eq!(own(&bench, "weir_cardinality_limit_series", &[]), 7.0);
}

#[tokio::test]
async fn new_series_go_and_live_ones_go_on() {
    let (bench, sink) = bench("{series: {per_metric: 2, metrics: {wide: 3}}}");
    bench.start().await;
    let wide = |values: &[&str]| {
        let points = values.iter().map(|value| point(&[("a", value)], 1));
        of(vec![("wide", gauge(points.collect()))])
    };
    let answer = bench.send(deltas(&["1", "2", "3", "4", "1"])).await;
    assert_eq!(refusals(answer), [("limit_metric", 2)]);
    bench.send(deltas(&["2", "1"])).await.unwrap();
    // A batch of which nothing is left.
    assert_eq!(refusals(bench.send(deltas(&["5"])).await), [("limit_metric", 1)]);
    // Each metric has its own.
    bench.send(wide(&["1", "2", "3"])).await.unwrap();
    assert_eq!(
        refusals(bench.send(wide(&["4", "1"])).await),
        [("limit_metric", 1)]
    );
    assert_eq!(series(&sink, "m"), ["a=1".to_owned(), "a=2".to_owned()].into());
    assert_eq!(sink.items(), 3 + 2 + 3 + 1);
    assert_eq!(sink.calls(), 4);
    assert_eq!(bench.dropped("limit_metric"), 4);
    bench.stop().await;
    let labels = [("limit", "metric"), ("outcome", "dropped")];
    assert_eq!(own(&bench, "weir_cardinality_limit_points_total", &labels), 4.0);
    assert_eq!(own(&bench, "weir_cardinality_limit_series", &[]), 5.0);
}

#[tokio::test]
async fn the_order_of_attributes_makes_no_new_series() {
    let (bench, _) = bench("{series: {total: 1}}");
    bench.start().await;
    for attributes in [[("a", "1"), ("b", "2")], [("b", "2"), ("a", "1")]] {
        bench
            .send(of(vec![("m", delta(vec![point(&attributes, 1)]))]))
            .await
            .unwrap();
    }
    bench.stop().await;
}

#[tokio::test]
async fn one_team_does_not_make_others_suffer() {
    let (bench, sink) = bench(
        "{tenant: {metadata: X-Scope-OrgID}, series: {per_tenant: 3, tenants: {big: 5}, per_metric: 2}, values: {attributes: {user: 1}}}",
    );
    bench.start().await;
    let of_user = |user: &str| of(vec![("u", delta(vec![point(&[("user", user)], 1)]))]);
    // Another metric for each series: it is the tenant's limit that counts.
    let spread = |names: &[&str]| {
        let metric = |name: &&'static str| (*name, delta(vec![point(&[], 1)]));
        let names: Vec<&'static str> = names
            .iter()
            .map(|name| &*String::leak((*name).to_owned()))
            .collect();
        of(names.iter().map(metric).collect())
    };
    let wild = |batch| from(batch, "x-scope-orgid", "wild");
    let answer = bench.send(wild(deltas(&["1", "2", "3"]))).await;
    assert_eq!(refusals(answer), [("limit_metric", 1)]);
    let answer = bench.send(wild(spread(&["x", "y", "z"]))).await;
    assert_eq!(refusals(answer), [("limit_tenant", 2)]);
    // The same metrics and labels of others are not touched by that.
    for tenant in ["calm", "big", ""] {
        let send = |batch| bench.send(from(batch, "x-scope-orgid", tenant));
        send(deltas(&["1", "2"])).await.unwrap();
        send(of_user("one")).await.unwrap();
        assert_eq!(refusals(send(of_user("two")).await), [("limit_attribute", 1)]);
    }
    let answer = bench
        .send(from(spread(&["x", "y", "z"]), "x-scope-orgid", "big"))
        .await;
    assert_eq!(refusals(answer), [("limit_tenant", 1)]);
    assert_eq!(sink.items(), 2 + 1 + 3 * 3 + 2);
    bench.stop().await;
    let notes: Vec<String> = bench.context.notes.read()[0]
        .lines
        .iter()
        .map(|(name, text)| format!("{name}; {text}"))
        .collect();
    assert_eq!(
        notes,
        [
            "metric `m` of tenant `wild`: limit of 2 series per metric; first beyond it: m{a=\"3\"}",
            "all metrics of tenant `wild`: limit of 3 series per tenant; first beyond it: y{}",
            "attribute `user` of tenant `calm`: limit of 1 values; first beyond it: u{user=\"two\"}",
            "attribute `user` of tenant `big`: limit of 1 values; first beyond it: u{user=\"two\"}",
            "attribute `user`: limit of 1 values; first beyond it: u{user=\"two\"}",
            "all metrics of tenant `big`: limit of 5 series per tenant; first beyond it: z{}",
        ]
    );
}

#[tokio::test]
async fn tenants_are_read_off_resources() {
    let (bench, sink) = bench("{tenant: {resource_attribute: team}, series: {per_tenant: 2}}");
    bench.start().await;
    let team = |name: &'static str, series: &[&str]| {
        let points = series.iter().map(|value| point(&[("a", value)], 1)).collect();
        resource(&[("team", name)], vec![("m", delta(points))])
    };
    let both = batch(vec![
        team("one", &["1", "2", "3"]),
        team("two", &["1", "2"]),
        team("one", &["4"]),
    ]);
    assert_eq!(refusals(bench.send(both).await), [("limit_tenant", 2)]);
    assert_eq!(sink.items(), 4);
    // Resources without it are nobody's, and so are headers.
    bench
        .send(from(deltas(&["1", "2"]), "team", "one"))
        .await
        .unwrap();
    assert_eq!(refusals(bench.send(deltas(&["3"])).await), [("limit_tenant", 1)]);
    bench.stop().await;
}

#[tokio::test]
async fn values_count_whichever_metric_they_are_on() {
    let (bench, sink) = bench("{values: {per_attribute: 2, attributes: {big: 4}}}");
    bench.start().await;
    let send = |metric: &'static str, key: &'static str, values: &'static [&'static str]| {
        let points = values
            .iter()
            .map(|value| point(&[(key, value), ("same", "x")], 1));
        bench.send(of(vec![(metric, cumulative(points.collect()))]))
    };
    send("m", "a", &["1"]).await.unwrap();
    send("n", "a", &["1", "2"]).await.unwrap();
    assert_eq!(
        refusals(send("o", "a", &["2", "3", "1", "3"]).await),
        [("limit_attribute", 2)]
    );
    send("m", "b", &["3", "4"]).await.unwrap();
    send("m", "big", &["1", "2", "3", "4"]).await.unwrap();
    assert_eq!(refusals(send("m", "big", &["5"]).await), [("limit_attribute", 1)]);
    assert_eq!(sink.items(), 1 + 2 + 2 + 2 + 4);
    bench.stop().await;
    // Values of `a`, `b`, `big` and `same`.
    assert_eq!(
        own(&bench, "weir_cardinality_limit_values", &[]),
        2.0 + 2.0 + 4.0 + 1.0
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_silent_for_the_window_is_forgotten_and_what_lives_is_not() {
    let (bench, _) = bench("{series: {per_metric: 2}, values: {per_attribute: 2}, window: 16m}");
    bench.start().await;
    bench.send(deltas(&["live", "silent"])).await.unwrap();
    for _ in 0..15 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        bench.send(deltas(&["live"])).await.unwrap();
        let answer = bench.send(deltas(&["new"])).await;
        assert_eq!(refusals(answer), [("limit_attribute", 1)]);
    }
    // Silent for 16 minutes and a quarter.
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(62)).await;
        bench.send(deltas(&["live"])).await.unwrap();
    }
    bench.send(deltas(&["new", "live"])).await.unwrap();
    assert_eq!(
        refusals(bench.send(deltas(&["silent"])).await),
        [("limit_attribute", 1)]
    );
    bench.stop().await;
    assert_eq!(
        own(&bench, "weir_cardinality_limit_forgotten_series_total", &[]),
        1.0
    );
    assert!(own(&bench, "weir_cardinality_limit_fullest_ratio", &[]) > 0.4);
}

#[tokio::test(start_paused = true)]
async fn offenders_are_named_once_per_window() {
    let (bench, _) = bench("{series: {per_metric: 1, metrics: {n: 1}}, window: 10m}");
    bench.start().await;
    let lines = || {
        let lists = bench.context.notes.read();
        lists
            .first()
            .map_or(0, |list| list.lines.len() as u64 + list.left_out)
    };
    let offend = |metric: &'static str| {
        let points = ["1", "2", "3"].map(|value| point(&[("a", value)], 1));
        bench.send(of(vec![(metric, delta(points.to_vec()))]))
    };
    for _ in 0..5 {
        offend("m").await.unwrap_err();
        offend("n").await.unwrap_err();
    }
    assert_eq!(lines(), 2);
    tokio::time::sleep(Duration::from_secs(601)).await;
    assert_eq!(lines(), 0);
    offend("m").await.unwrap_err();
    assert_eq!(lines(), 1);
    // At most 100 at a time.
    for number in 0..150 {
        offend(String::leak(format!("metric {number}")))
            .await
            .unwrap_err();
    }
    assert_eq!(lines(), 100);
    bench.stop().await;
}

#[tokio::test]
async fn every_limit_has_its_reason() {
    let (bench, sink) = bench("{series: {total: 2}, max_bytes: 2000}");
    bench.start().await;
    assert_eq!(
        refusals(bench.send(deltas(&["1", "2", "3"])).await),
        [("limit_total", 1)]
    );
    assert_eq!(values(&sink).len(), 2);
    bench.stop().await;
    let (bench, sink) = crate::support::bench("{series: {total: 1000}, max_bytes: 1000}");
    bench.start().await;
    let many: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let answer = refusals(bench.send(deltas(&many)).await);
    assert_eq!(answer[0].0, "limit_bytes");
    assert_eq!(answer[0].1 + sink.items() as u64, 100);
    assert!(own(&bench, "weir_cardinality_limit_state_bytes", &[]) <= 1000.0);
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_batches_never_exceed_a_limit() {
    let sink = Sink::new();
    let config = contract::config(
        &FACTORY.meta,
        "{series: {per_metric: 40, total: 60}, values: {attributes: {a: 30}}}",
    );
    let bench = Arc::new(Bench::processor(FACTORY, &config, Signal::Metrics, &sink));
    bench.start().await;
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8u64 {
        let bench = Arc::clone(&bench);
        tasks.spawn(async move {
            for round in 0..40u64 {
                let number = |index: u64| (task * 7 + round * 13 + index * 5) % 97;
                let points = |modulus: u64| -> Vec<_> {
                    (0..20)
                        .map(|index| {
                            let (a, b) = (
                                (number(index) % modulus).to_string(),
                                (number(index) % 3).to_string(),
                            );
                            point(&[("a", a.as_str()), ("b", b.as_str())], 1)
                        })
                        .collect()
                };
                let batch = of(vec![("m", delta(points(50))), ("n", cumulative(points(97)))]);
                if let Err(error) = bench.send(batch).await {
                    assert!(error.is_partial(), "{error}");
                }
            }
        });
    }
    tasks.join_all().await;
    bench.stop().await;
    let (m, n) = (series(&sink, "m"), series(&sink, "n"));
    assert!(m.len() <= 40 && n.len() <= 40, "{} {}", m.len(), n.len());
    assert!(m.len() + n.len() <= 60);
    let values: std::collections::BTreeSet<_> = m
        .iter()
        .chain(&n)
        .map(|attributes| attributes.split(',').next())
        .collect();
    assert!(values.len() <= 30, "{values:?}");
    let now = own(&bench, "weir_cardinality_limit_series", &[]);
    assert_eq!(now, (m.len() + n.len()) as f64);
}

#[tokio::test]
async fn empty_batches_pass() {
    let (bench, sink) = bench("{series: {total: 1}}");
    bench.start().await;
    bench
        .send(batches::to_wire(&Decoded::empty(Signal::Metrics)))
        .await
        .unwrap();
    bench.send(of(vec![("m", gauge(Vec::new()))])).await.unwrap();
    assert_eq!(sink.calls(), 2);
    bench.stop().await;
}
