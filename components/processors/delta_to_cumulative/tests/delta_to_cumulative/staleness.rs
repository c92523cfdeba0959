//! Streams that fall silent, and streams with several writers.

use std::sync::Arc;
use std::time::Duration;

use weir_component::{ComponentKind, ComponentStatus, ConsumeError, Context, Host, NodeKey, ServiceInfo};
use weir_pdata::ContextParts;
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Histogram, HistogramDataPoint, NumberDataPoint,
};
use weir_testkit::{Bench, Sink, batches};

use crate::support::{SECOND, attributes, bench, deltas, metrics, of_data, totals};

const ON: &str = "staleness: {enabled: true, missed_intervals: 3}";

/// Sends five points of each stream, one every ten seconds, beginning at second 1000.
async fn five_points(bench: &Bench, streams: &[u32]) {
    for at in 0..5 {
        let start = 1_000 + at * 10;
        let points: Vec<_> = streams
            .iter()
            .map(|stream| (*stream, start, start + 10, 2))
            .collect();
        bench.send(deltas(&points)).await.unwrap();
        pass(10).await;
    }
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// Returns the points without a value that came out after the first batches.
fn ends(sink: &Sink, after: usize) -> Vec<NumberDataPoint> {
    let metrics = metrics(&sink.batches()[after..]);
    let points = metrics.into_iter().flat_map(|metric| {
        assert_eq!(metric.name, "requests");
        let Some(Data::Sum(sum)) = metric.data else {
            panic!("{metric:?}");
        };
        assert!(sum.is_monotonic && sum.aggregation_temporality == 2);
        sum.data_points
    });
    points.collect()
}

fn end(stream: u32, start: u64, time: u64) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(stream),
        start_time_unix_nano: start * SECOND,
        time_unix_nano: time * SECOND,
        flags: 1,
        ..NumberDataPoint::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_ends_once_and_goes_on_if_it_comes_back() {
    let (bench, sink) = bench(ON);
    bench.start().await;
    five_points(&bench, &[1, 2]).await;
    // One of them goes on.
    for at in 5..8 {
        bench
            .send(deltas(&[(2, 1_000 + at * 10, 1_010 + at * 10, 2)]))
            .await
            .unwrap();
        pass(10).await;
    }
    assert_eq!(ends(&sink, 8), [end(1, 1_000, 1_055)]);
    bench.assert_balanced();
    assert_eq!(bench.account().added, 1);
    // The total goes on, also with what was under way for long.
    bench.send(deltas(&[(1, 1_050, 1_060, 3)])).await.unwrap();
    assert_eq!(totals(&sink.batches()[9..]), [(1, 1_000, 1_060, 13)]);
    pass(200).await;
    // The other has ended; the first is new, and so ends when it is forgotten.
    assert_eq!(ends(&sink, 10), [end(2, 1_000, 1_085)]);
    pass(110).await;
    assert_eq!(ends(&sink, 11), [end(1, 1_000, 1_210)]);
    pass(1_000).await;
    assert_eq!(sink.batches().len(), 12);
    bench.stop().await;
    assert_eq!(sink.batches().len(), 12);
}

#[tokio::test(start_paused = true)]
async fn nothing_ends_because_of_a_stop_or_without_the_option() {
    let (running, sink) = bench(ON);
    running.start().await;
    five_points(&running, &[1]).await;
    running.stop().await;
    pass(1_000).await;
    assert_eq!(sink.batches().len(), 5);
    // The receivers have stopped, and the processor's turn has not come.
    let (stopping, sink) = bench(ON);
    let info = ServiceInfo::default();
    let receiver = NodeKey {
        kind: ComponentKind::Receiver,
        ..stopping.context.node()
    };
    let (status, _) = info.components.reporter(&receiver);
    let host = Host::default().with_service(Arc::new(info));
    stopping.start_in(&host).await;
    five_points(&stopping, &[1]).await;
    for stage in [
        ComponentStatus::Starting,
        ComponentStatus::Ok,
        ComponentStatus::Stopping,
    ] {
        status.stage(stage);
    }
    pass(1_000).await;
    stopping.stop().await;
    assert_eq!(sink.batches().len(), 5);
    let (off, sink) = bench("conflicts: {enabled: true}");
    off.start().await;
    five_points(&off, &[1]).await;
    pass(1_000).await;
    off.stop().await;
    assert_eq!(sink.batches().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn histograms_end_with_their_bounds() {
    let (bench, sink) = bench(ON);
    bench.start().await;
    for at in 0..5 {
        let (start, time) = ((1_000 + at * 10) * SECOND, (1_010 + at * 10) * SECOND);
        let explicit = HistogramDataPoint {
            start_time_unix_nano: start,
            time_unix_nano: time,
            count: 3,
            sum: Some(4.0),
            bucket_counts: vec![1, 2],
            explicit_bounds: vec![1.5],
            ..HistogramDataPoint::default()
        };
        let exponential = ExponentialHistogramDataPoint {
            start_time_unix_nano: start,
            time_unix_nano: time,
            count: 1,
            scale: -2,
            positive: Some(Buckets {
                offset: 0,
                bucket_counts: vec![1],
            }),
            ..ExponentialHistogramDataPoint::default()
        };
        let batch = of_data(vec![
            Data::Histogram(Histogram {
                data_points: vec![explicit],
                aggregation_temporality: 1,
            }),
            Data::ExponentialHistogram(ExponentialHistogram {
                data_points: vec![exponential],
                aggregation_temporality: 1,
            }),
        ]);
        bench.send(batch).await.unwrap();
        pass(10).await;
    }
    pass(40).await;
    let mut found = metrics(&sink.batches()[5..]);
    found.sort_by_key(|metric| matches!(metric.data, Some(Data::ExponentialHistogram(_))));
    let [explicit, exponential] = &found[..] else {
        panic!("{found:?}");
    };
    let Some(Data::Histogram(explicit)) = &explicit.data else {
        panic!("{explicit:?}");
    };
    assert_eq!(explicit.aggregation_temporality, 2);
    let expected = HistogramDataPoint {
        start_time_unix_nano: 1_000 * SECOND,
        time_unix_nano: 1_055 * SECOND,
        sum: Some(0.0),
        bucket_counts: vec![0, 0],
        explicit_bounds: vec![1.5],
        flags: 1,
        ..HistogramDataPoint::default()
    };
    assert_eq!(explicit.data_points, [expected]);
    let Some(Data::ExponentialHistogram(exponential)) = &exponential.data else {
        panic!("{exponential:?}");
    };
    let expected = ExponentialHistogramDataPoint {
        start_time_unix_nano: 1_000 * SECOND,
        time_unix_nano: 1_055 * SECOND,
        scale: -2,
        flags: 1,
        ..ExponentialHistogramDataPoint::default()
    };
    assert_eq!(exponential.data_points, [expected]);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn ends_are_sent_again_until_they_are_taken() {
    let (bench, sink) = bench(ON);
    bench.start().await;
    five_points(&bench, &[1]).await;
    sink.refuse(ConsumeError::unavailable("not now"));
    pass(60).await;
    assert_eq!((sink.items(), bench.account().held), (5, 1));
    sink.accept();
    pass(2).await;
    assert_eq!(ends(&sink, 5), [end(1, 1_000, 1_055)]);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_goes_on_before_its_stream_ends() {
    let (bench, sink) =
        bench("{reorder_window: 60s, max_stale: 10m, staleness: {enabled: true, missed_intervals: 3}}");
    bench.start().await;
    five_points(&bench, &[1]).await;
    // A gap: it waits for a minute.
    bench.send(deltas(&[(1, 1_060, 1_070, 3)])).await.unwrap();
    pass(70).await;
    let points = totals(&sink.batches()[..sink.batches().len() - 1]);
    assert_eq!(points.last(), Some(&(1, 1_000, 1_070, 13)));
    let ends = ends(&sink, sink.batches().len() - 1);
    assert_eq!((ends.len(), ends[0].flags), (1, 1));
    assert!(ends[0].time_unix_nano > 1_070 * SECOND);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_end_belongs_to_the_tenant_resource_and_scope_of_its_stream() {
    let (bench, sink) = bench("{max_stale: 1m, staleness: {enabled: true}}");
    bench.start().await;
    let tenants = ["a", "b"].map(|tenant| {
        Context::new(ContextParts {
            tenant: Some(tenant.to_owned()),
            ..ContextParts::default()
        })
    });
    let mut sent = Vec::new();
    for tenant in &tenants {
        let batch = batches::metrics().delta().counter("d", &[1.0, 2.0]).wire();
        sent.push(batch.clone());
        bench.send(batch.with_context(tenant.clone())).await.unwrap();
    }
    pass(70).await;
    let ends = &sink.batches()[2..];
    assert_eq!(ends.len(), 2);
    for (end, tenant) in ends.iter().zip(&tenants) {
        assert!(ends.iter().any(|end| end.context() == tenant), "{end:?}");
        let heads = |batch: &weir_component::Batch| {
            let weir_pdata::Decoded::Metrics(mut request) = batch.to_decoded().unwrap() else {
                panic!("metrics");
            };
            let metrics = request
                .resource_metrics
                .iter_mut()
                .flat_map(|resource| &mut resource.scope_metrics)
                .flat_map(|scope| &mut scope.metrics);
            let mut points = 0;
            for metric in metrics {
                let Some(Data::Sum(sum)) = &mut metric.data else {
                    panic!("{metric:?}");
                };
                points += sum.data_points.len();
                (sum.data_points, sum.aggregation_temporality) = (Vec::new(), 2);
            }
            (request, points)
        };
        assert_eq!(heads(end), heads(&sent[0]));
    }
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn two_writers_of_a_stream_are_named_once() {
    let (bench, sink) = bench("conflicts: {enabled: true}");
    bench.start().await;
    for at in 0..10 {
        let one = 1_000 + at * 10;
        bench
            .send(deltas(&[(1, one, one + 10, 1), (2, one, one + 10, 1)]))
            .await
            .unwrap();
        // The other's answer does not matter: some of its points are late.
        let _ = bench.send(deltas(&[(1, one + 4, one + 14, 1)])).await;
        pass(10).await;
    }
    let notes = bench.context.notes.read();
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].title, "streams with several writers");
    assert_eq!(notes[0].lines.len(), 1, "{notes:?}");
    assert!(
        notes[0].lines[0].0.starts_with("requests{stream=1} of {"),
        "{notes:?}"
    );
    let metrics = bench.context.metrics.render();
    let line = "weir_delta_to_cumulative_conflicts_total{";
    let counted = metrics.lines().find(|found| found.starts_with(line)).unwrap();
    assert!(counted.ends_with(" 1"), "{counted}");
    assert!(sink.items() > 10);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_sender_says_again_is_no_conflict() {
    let (bench, sink) = bench("{conflicts: {enabled: true}, staleness: {enabled: true}}");
    bench.start().await;
    for at in 0..20 {
        let start = 1_000 + at * 10;
        let point = deltas(&[(1, start, start + 10, 1)]);
        bench.send(point.clone()).await.unwrap();
        bench.send(point).await.unwrap();
        if at > 0 {
            // Late, and here before.
            let _ = bench.send(deltas(&[(1, start - 10, start, 1)])).await;
        }
        pass(10).await;
    }
    assert!(bench.context.notes.read().is_empty());
    assert_eq!(totals(&sink.batches()).last(), Some(&(1, 1_000, 1_200, 20)));
    bench.stop().await;
}
