//! Early acknowledgement.

use futures_util::poll;
use weir_component::{ConsumeError, Refusal};
use weir_testkit::batches;

use super::{bench, finish};

#[tokio::test(start_paused = true)]
async fn data_is_held_from_the_acknowledgement_until_it_is_sent() {
    let (bench, sink) = bench("{early_acknowledgement: true}").await;
    bench.send(batches::gauge("g", 3)).await.unwrap();
    let account = bench.account();
    assert_eq!((account.accepted, account.held, account.imbalance()), (3, 3, 0));
    sink.wait_for_items(3).await;
    finish(&bench).await;
    assert_eq!(bench.account().forwarded, 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_afterwards_is_dropped_and_counted() {
    let refusal = Refusal {
        reason: "too_old",
        items: 1,
    };
    for (answer, dropped) in [
        (ConsumeError::permanent("no"), 3),
        (ConsumeError::unavailable("later"), 3),
        (ConsumeError::partial(vec![refusal], "one is too old"), 0),
    ] {
        let (bench, sink) = bench("{early_acknowledgement: true}").await;
        sink.refuse(answer);
        bench.send(batches::gauge("g", 3)).await.unwrap();
        finish(&bench).await;
        assert_eq!(bench.dropped("refused_downstream"), dropped);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_next_step_makes_callers_wait() {
    let (bench, sink) = bench("{early_acknowledgement: true, send_batch_size: 4, timeout: 1h}").await;
    sink.hold();
    bench.send(batches::gauge("g", 5)).await.unwrap();
    sink.wait_for_calls(1).await;
    bench.send(batches::gauge("g", 3)).await.unwrap();
    bench.send(batches::gauge("g", 3)).await.unwrap();
    let mut waiting = Box::pin(bench.send(batches::gauge("g", 3)));
    assert!(poll!(&mut waiting).is_pending(), "a full batch waits already");
    sink.release();
    waiting.await.unwrap();
    assert_eq!(sink.items(), 14);
    finish(&bench).await;
}
