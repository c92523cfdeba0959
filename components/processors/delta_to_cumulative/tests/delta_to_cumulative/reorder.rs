//! Points that come out of order, with a window.

use std::time::Duration;

use weir_component::ConsumeError;

use crate::support::{bench, deltas, totals};

#[tokio::test(start_paused = true)]
async fn points_come_out_in_order_and_at_the_latest_after_the_window() {
    let (bench, sink) = bench("reorder_window: 30s");
    bench.start().await;
    bench.send(deltas(&[(1, 20, 30, 4)])).await.unwrap();
    bench.send(deltas(&[(1, 10, 20, 2)])).await.unwrap();
    assert_eq!((sink.items(), bench.account().held), (0, 2));
    tokio::time::sleep(Duration::from_secs(32)).await;
    let mut first = totals(&sink.batches());
    first.sort();
    assert_eq!(first, [(1, 10, 20, 2), (1, 10, 30, 6)]);
    // In order: nothing waits. A gap: it waits for what closes it.
    bench.send(deltas(&[(1, 30, 40, 1)])).await.unwrap();
    bench.send(deltas(&[(1, 50, 60, 1)])).await.unwrap();
    assert_eq!(bench.account().held, 1);
    bench.send(deltas(&[(1, 40, 50, 1)])).await.unwrap();
    assert_eq!(
        totals(&sink.batches())[2..],
        [(1, 10, 40, 7), (1, 10, 50, 8), (1, 10, 60, 9)]
    );
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_at_the_end_goes_on() {
    let (bench, sink) = bench("reorder_window: 30s");
    bench.start().await;
    bench
        .send(deltas(&[(1, 20, 30, 4), (2, 20, 30, 1)]))
        .await
        .unwrap();
    bench.stop().await;
    assert_eq!(sink.items(), 2);
}

#[tokio::test(start_paused = true)]
async fn totals_that_the_next_step_refuses_for_now_are_sent_again() {
    let (bench, sink) = bench("reorder_window: 1s");
    bench.start().await;
    bench.send(deltas(&[(1, 20, 30, 4)])).await.unwrap();
    sink.refuse(ConsumeError::unavailable("not now"));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!((sink.items(), bench.account().held), (0, 1));
    sink.accept();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(totals(&sink.batches()), [(1, 20, 30, 4)]);
    bench.assert_balanced();
    sink.refuse(ConsumeError::permanent("never"));
    bench.send(deltas(&[(2, 20, 30, 4)])).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(bench.dropped("refused_downstream"), 1);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_is_refused_sends_again_and_nothing_counts_twice() {
    let (bench, sink) = bench("reorder_window: 1s");
    bench.start().await;
    bench.send(deltas(&[(1, 10, 20, 4)])).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    // One point goes on and is refused, the other waits.
    sink.answer_next([Err(ConsumeError::unavailable("not now"))]);
    let batch = || deltas(&[(1, 20, 30, 1), (2, 10, 20, 7)]);
    bench.send(batch()).await.unwrap_err();
    bench.send(batch()).await.unwrap();
    assert_eq!(bench.dropped("duplicate"), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(
        totals(&sink.batches()),
        [(1, 10, 20, 4), (1, 10, 30, 5), (2, 10, 20, 7)]
    );
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_goes_away_takes_nothing_with_it() {
    let (bench, sink) = bench("reorder_window: 1s");
    bench.start().await;
    sink.hold();
    {
        let gone = bench.send(deltas(&[(1, 10, 20, 4), (2, 10, 20, 4)]));
        gone.await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Its own point begins to go on; the sender leaves before the next step has answered.
    let leaving = tokio::time::timeout(
        Duration::from_millis(10),
        bench.send(deltas(&[(1, 20, 30, 1), (3, 10, 20, 1)])),
    );
    assert!(leaving.await.is_err());
    sink.release();
    tokio::time::sleep(Duration::from_secs(5)).await;
    bench
        .send(deltas(&[(1, 20, 30, 1), (3, 10, 20, 1)]))
        .await
        .unwrap();
    let mut all = totals(&sink.batches());
    all.sort();
    all.dedup();
    assert_eq!(
        all,
        [(1, 10, 20, 4), (1, 10, 30, 5), (2, 10, 20, 4), (3, 10, 20, 1)]
    );
    bench.stop().await;
}
