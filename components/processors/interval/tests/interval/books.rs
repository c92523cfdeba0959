//! Refusals, limits and stops: what is held, what is lost, and what the books say.

use std::time::Duration;

use weir_component::ConsumeError;
use weir_testkit::batches;

use crate::support::{INTERVAL, bench, came, interval_ends, metric, of_tenant, sum, totals};

#[tokio::test(start_paused = true)]
async fn a_batch_is_answered_when_its_points_are_held() {
    let (bench, sink) = bench("");
    bench.start().await;
    sink.refuse(ConsumeError::unavailable("not now"));
    bench.send(totals(&[(1, 10, 5), (2, 10, 5)])).await.unwrap();
    let account = bench.account();
    assert_eq!((account.accepted, account.held, account.imbalance()), (2, 2, 0));
    assert_eq!(metric(&bench, "weir_interval_streams_held"), 2.0);
    assert!(metric(&bench, "weir_interval_state_bytes") > 0.0);
    assert_eq!(metric(&bench, "otelcol_processor_incoming_items"), 2.0);
    assert_eq!(metric(&bench, "otelcol_processor_outgoing_items"), 0.0);
    sink.accept();
    interval_ends().await;
    assert_eq!(metric(&bench, "weir_interval_streams_held"), 0.0);
    assert_eq!(
        metric(&bench, "weir_interval_state_bytes"),
        0.0,
        "homes are forgotten too"
    );
    assert_eq!(metric(&bench, "otelcol_processor_outgoing_items"), 2.0);
    bench.stop().await;
}

/// A batch of which one point is held, and one passes.
fn both(time: u64) -> weir_component::Batch {
    let batch = batches::metrics().metric("requests", "1", sum(2, true, &[(1, time, 5)]));
    batch.metric("deltas", "1", sum(1, true, &[(2, time, 6)])).wire()
}

#[tokio::test(start_paused = true)]
async fn what_is_held_of_a_refused_batch_goes_on_once() {
    let (bench, sink) = bench("");
    bench.start().await;
    for error in [
        ConsumeError::unavailable("not now"),
        ConsumeError::permanent("never"),
    ] {
        sink.answer_next([Err(error)]);
        bench.send(both(10)).await.unwrap_err();
    }
    let account = bench.account();
    assert_eq!((account.held, account.repeated, account.imbalance()), (1, 2, 0));
    // The sender does as it was told.
    bench.send(both(10)).await.unwrap();
    interval_ends().await;
    assert_eq!(came(&sink), [vec![(2, 10, 6)], vec![(1, 10, 5)]]);
    assert_eq!(bench.dropped("out_of_order"), 2);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_leaves_the_books_in_order() {
    let (bench, sink) = bench("");
    bench.start().await;
    sink.hold();
    let call = bench.send(both(10));
    tokio::time::timeout(Duration::from_secs(1), call)
        .await
        .unwrap_err();
    sink.release();
    interval_ends().await;
    assert_eq!(came(&sink), [vec![(1, 10, 5)]]);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_now_is_held_on_unless_newer_ones_come() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench
        .send(totals(&[(1, 10, 5), (2, 10, 6), (3, 10, 7)]))
        .await
        .unwrap();
    sink.refuse(ConsumeError::unavailable("not now"));
    interval_ends().await;
    assert_eq!(bench.account().held, 3);
    assert_eq!(metric(&bench, "weir_interval_refused_points_total"), 3.0);
    bench.send(totals(&[(2, 20, 8), (3, 5, 1)])).await.unwrap();
    sink.accept();
    interval_ends().await;
    assert_eq!(came(&sink), [vec![(1, 10, 5), (2, 20, 8), (3, 10, 7)]]);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn points_that_come_while_others_are_on_their_way_meet_those_that_come_back() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench
        .send(totals(&[(1, 10, 5), (2, 10, 6), (3, 10, 7)]))
        .await
        .unwrap();
    sink.answer_next([Err(ConsumeError::unavailable("not now"))]);
    sink.hold();
    tokio::time::sleep(INTERVAL).await;
    // Newer and older than what is on its way.
    bench.send(totals(&[(1, 20, 8), (2, 4, 1)])).await.unwrap();
    sink.release();
    interval_ends().await;
    assert_eq!(came(&sink), [vec![(1, 20, 8), (2, 10, 6), (3, 10, 7)]]);
    assert_eq!(bench.dropped("replaced"), 2);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_good_is_dropped_and_counted() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench.send(totals(&[(1, 10, 5)])).await.unwrap();
    sink.answer_next([Err(ConsumeError::permanent("never"))]);
    interval_ends().await;
    assert_eq!(
        (bench.dropped("refused_downstream"), bench.account().held),
        (1, 0)
    );
    bench.send(totals(&[(1, 20, 5)])).await.unwrap();
    sink.answer_next([Err(ConsumeError::partial(Vec::new(), "some are too old"))]);
    interval_ends().await;
    assert_eq!(
        (bench.dropped("refused_downstream"), bench.account().held),
        (1, 0)
    );
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_sender_whose_points_are_refused_does_not_hold_up_others() {
    let (bench, sink) = bench("");
    bench.start().await;
    for tenant in ["a", "b"] {
        bench
            .send(of_tenant(totals(&[(1, 10, 5)]), tenant))
            .await
            .unwrap();
    }
    sink.answer_next([Err(ConsumeError::unavailable("not now"))]);
    interval_ends().await;
    assert_eq!(sink.batches().len(), 1);
    assert_eq!(sink.batches()[0].context().tenant.as_deref(), Some("b"));
    bench.stop().await;
    assert_eq!(sink.batches()[1].context().tenant.as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn streams_beyond_the_limit_go_on_at_once() {
    // The bytes are room for the resource, the scope, the metric and one point.
    for yaml in ["max_streams: 1", "max_bytes: 700"] {
        let (bench, sink) = bench(yaml);
        bench.start().await;
        bench.send(totals(&[(1, 10, 5), (2, 10, 6)])).await.unwrap();
        bench.send(totals(&[(2, 20, 7), (1, 20, 8)])).await.unwrap();
        assert_eq!(came(&sink), [vec![(2, 10, 6)], vec![(2, 20, 7)]], "{yaml}");
        assert_eq!(metric(&bench, "weir_interval_limited_points_total"), 2.0);
        interval_ends().await;
        assert_eq!(came(&sink)[2], [(1, 20, 8)], "{yaml}");
        bench.stop().await;
    }
    // Not even what points stand in.
    let (bench, sink) = bench("max_bytes: 1");
    bench.start().await;
    bench.send(totals(&[(1, 10, 5), (2, 10, 6)])).await.unwrap();
    assert_eq!(came(&sink), [vec![(1, 10, 5), (2, 10, 6)]]);
    assert_eq!(metric(&bench, "weir_interval_limited_points_total"), 2.0);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_takes_its_point_and_less_than_100_bytes_more() {
    let (bench, _sink) = bench("");
    bench.start().await;
    let points: Vec<_> = (0..1000).map(|stream| (stream, 10, 5)).collect();
    let batch = totals(&points);
    let sent = batch.bytes() as f64;
    bench.send(batch).await.unwrap();
    let taken = metric(&bench, "weir_interval_state_bytes");
    assert!(
        (sent..sent + 1000.0 * 100.0).contains(&taken),
        "{taken} for {sent}"
    );
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_hands_on_what_is_held() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench.send(totals(&[(1, 10, 5)])).await.unwrap();
    // The next step needs a moment.
    sink.answer_next([
        Err(ConsumeError::unavailable("not now")),
        Err(ConsumeError::unavailable("not now")),
    ]);
    bench.stop().await;
    assert_eq!(came(&sink), [vec![(1, 10, 5)]]);
    let refused = bench.send(totals(&[(1, 20, 5)])).await.unwrap_err();
    assert!(refused.is_retryable());
}

#[tokio::test(start_paused = true)]
async fn what_is_left_at_the_deadline_is_counted_as_lost() {
    for hangs in [false, true] {
        let (bench, sink) = bench("");
        bench.start().await;
        bench.send(totals(&[(1, 10, 5), (2, 10, 6)])).await.unwrap();
        match hangs {
            true => sink.hold(),
            false => sink.refuse(ConsumeError::unavailable("not now")),
        }
        if hangs {
            // One emission is on its way already.
            interval_ends().await;
        }
        bench.shutdown(Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(bench.dropped("shutdown"), 2, "{hangs}");
        bench.assert_balanced();
    }
}
