//! What goes on at once, and what at the end of the interval.

use weir_component::{Batch, Context, Signal};
use weir_pdata::{ContextParts, Decoded, Identity, Metadata};
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::{
    ExponentialHistogram, Histogram, HistogramDataPoint, NumberDataPoint, Sum,
};
use weir_testkit::batches;

use crate::support::{bench, came, deltas, gauge, interval_ends, metrics, of_tenant, points, sum, totals};

#[tokio::test(start_paused = true)]
async fn the_newest_point_of_each_stream_goes_on_at_the_end_of_the_interval() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench.send(totals(&[(1, 10, 5), (2, 12, 7)])).await.unwrap();
    // Newer ones, one of them with bytes of another number, and one that is late.
    bench
        .send(totals(&[(1, 30, 8), (1, 20, 6), (2, 22, 1 << 40)]))
        .await
        .unwrap();
    assert_eq!(sink.calls(), 0);
    interval_ends().await;
    assert_eq!(came(&sink), [vec![(1, 30, 8), (2, 22, 1 << 40)]]);
    assert_eq!(bench.dropped("replaced"), 2);
    assert_eq!(bench.dropped("out_of_order"), 1);
    // Nothing came in this one.
    interval_ends().await;
    assert_eq!(sink.calls(), 1);
    bench.send(totals(&[(1, 90, 9)])).await.unwrap();
    interval_ends().await;
    assert_eq!(came(&sink)[1], [(1, 90, 9)]);
    bench.stop().await;
    assert_eq!(sink.calls(), 2);
}

/// Returns the names of the metrics in what came, in order.
fn names(batches: &[Batch]) -> Vec<String> {
    let all = batches.iter().flat_map(metrics);
    all.map(|metric| metric.name).collect()
}

/// One metric of every kind, each with one point.
fn every_kind() -> Batch {
    let point = [(1, 10, 5)];
    let unspecified = Data::Histogram(Histogram {
        data_points: vec![HistogramDataPoint::default()],
        aggregation_temporality: 0,
    });
    batches::metrics()
        .metric("total", "1", sum(2, true, &point))
        .metric("level", "1", sum(2, false, &point))
        .metric("unspecified", "1", sum(0, true, &point))
        .metric("gauge", "1", gauge(&point))
        .histogram("histogram", &[1.0], &[2, 3])
        .exponential_histogram("exponential", 2, &[1, 2])
        .summary("summary", &[(0.5, 1.0)])
        .metric("unspecified_histogram", "1", unspecified)
        .delta()
        .metric("delta", "1", sum(1, true, &point))
        .histogram("delta_histogram", &[1.0], &[2, 3])
        .exponential_histogram("delta_exponential", 2, &[1, 2])
        .wire()
}

#[tokio::test(start_paused = true)]
async fn what_has_no_newest_value_passes_at_once() {
    let passing = [
        "level",
        "unspecified",
        "unspecified_histogram",
        "delta",
        "delta_histogram",
        "delta_exponential",
    ];
    let held = ["total", "gauge", "histogram", "exponential", "summary"];
    for (yaml, also) in [
        ("", [].as_slice()),
        ("pass_through: {gauge: true}", &["gauge"]),
        (
            "pass_through: {gauge: true, summary: true}",
            &["gauge", "summary"],
        ),
    ] {
        let (bench, sink) = bench(yaml);
        bench.start().await;
        bench.send(every_kind()).await.unwrap();
        let mut passed = names(&sink.batches());
        passed.sort_unstable();
        let mut expected: Vec<&str> = passing.iter().chain(also).copied().collect();
        expected.sort_unstable();
        assert_eq!(passed, expected, "{yaml}");
        interval_ends().await;
        let late = names(&sink.batches()[1..]);
        let expected: Vec<&str> = held.into_iter().filter(|name| !also.contains(name)).collect();
        assert_eq!(late, expected, "{yaml}");
        bench.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn points_come_out_as_they_went_in() {
    let (bench, sink) = bench("");
    bench.start().await;
    let sent = batches::metrics()
        .resource("host.name", "a")
        .counter("total", &[1.0])
        .gauge("gauge", &[3.0])
        .histogram("histogram", &[1.0], &[2, 3])
        .exponential_histogram("exponential", 2, &[1, 2])
        .summary("summary", &[(0.5, 1.0)])
        .wire();
    bench.send(sent.clone()).await.unwrap();
    interval_ends().await;
    assert_eq!(
        format!("{:#?}", sink.batches()[0].to_decoded().unwrap()),
        format!("{:#?}", sent.to_decoded().unwrap())
    );
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_in_which_nothing_is_held_keeps_its_very_bytes() {
    let (bench, sink) = bench("");
    bench.start().await;
    let sent = deltas(&[(1, 10, 5)]);
    bench.send(sent.clone()).await.unwrap();
    assert_eq!(
        sink.batches()[0].to_wire()[0].as_ptr(),
        sent.to_wire()[0].as_ptr()
    );
    bench
        .send(Batch::from_decoded(Decoded::empty(Signal::Metrics)))
        .await
        .unwrap();
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_belongs_together_stands_together() {
    let (bench, sink) = bench("");
    bench.start().await;
    let of_host = |host: &str, points: &[_]| {
        let metrics = batches::metrics().resource("host.name", host);
        let metrics = metrics.metric("requests", "1", sum(2, true, points));
        metrics.metric("level", "1", gauge(points)).wire()
    };
    // Streams come in turns.
    for stream in 0..20 {
        for host in ["a", "b"] {
            bench.send(of_host(host, &[(stream, 10, 5)])).await.unwrap();
        }
    }
    interval_ends().await;
    let batches = sink.batches();
    assert_eq!(batches.len(), 1);
    let Decoded::Metrics(request) = batches[0].to_decoded().unwrap() else {
        panic!("metrics");
    };
    assert_eq!(request.resource_metrics.len(), 2);
    for resource in &request.resource_metrics {
        assert_eq!(resource.scope_metrics.len(), 1);
        let metrics = resource.scope_metrics[0].metrics.iter();
        let names: Vec<&str> = metrics.map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, ["requests", "level"]);
    }
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn senders_do_not_mix() {
    let (bench, sink) = bench("");
    bench.start().await;
    for (tenant, value) in [("a", 1), ("b", 2)] {
        let batch = of_tenant(totals(&[(1, 10, value)]), tenant);
        bench.send(batch).await.unwrap();
    }
    interval_ends().await;
    let came: Vec<_> = sink
        .batches()
        .iter()
        .map(|batch| (batch.context().tenant.clone(), points(batch)))
        .collect();
    let expected = |tenant: &str, value| (Some(tenant.to_owned()), vec![(1, 10, value)]);
    assert_eq!(came, [expected("a", 1), expected("b", 2)]);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn points_go_on_as_those_of_who_sent_them() {
    let (bench, sink) = bench("");
    bench.start().await;
    let who = |subject: &str| Identity {
        subject: subject.to_owned(),
        ..Identity::default()
    };
    for (subject, value) in [("a", 1), ("b", 2)] {
        let context = Context::new(ContextParts {
            identity: Some(who(subject)),
            metadata: Metadata::from([("x-request".to_owned(), vec![subject.to_owned()])]),
            ..ContextParts::default()
        });
        let batch = totals(&[(1, 10, value)]).with_context(context);
        bench.send(batch).await.unwrap();
    }
    interval_ends().await;
    let batches = sink.batches();
    let came: Vec<_> = batches
        .iter()
        .map(|batch| batch.context().identity.clone())
        .collect();
    assert_eq!(came, [Some(who("a")), Some(who("b"))]);
    assert!(batches.iter().all(|batch| batch.context().metadata.is_empty()));
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn many_points_go_on_in_several_batches() {
    let (bench, sink) = bench("");
    bench.start().await;
    let all: Vec<_> = (0..20_000).map(|stream| (stream, 10, stream)).collect();
    for some in all.chunks(1000) {
        bench.send(totals(some)).await.unwrap();
    }
    interval_ends().await;
    let sizes: Vec<usize> = sink.batches().iter().map(Batch::items).collect();
    assert_eq!(sizes, [8192, 8192, 3616]);
    let mut points = came(&sink).concat();
    points.sort_unstable();
    assert_eq!(points, all);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_metric_without_points_stays_what_it_is() {
    let (bench, sink) = bench("");
    bench.start().await;
    let empty = Data::ExponentialHistogram(ExponentialHistogram {
        data_points: Vec::new(),
        aggregation_temporality: 2,
    });
    let point = Data::Sum(Sum {
        data_points: vec![NumberDataPoint::default()],
        aggregation_temporality: 1,
        is_monotonic: true,
    });
    let batch = batches::metrics().metric("empty", "1", empty);
    let batch = batch.metric("delta", "1", point).wire();
    bench.send(batch).await.unwrap();
    assert_eq!(names(&sink.batches()), ["empty", "delta"]);
    bench.stop().await;
}
