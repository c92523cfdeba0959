//! When batches are sent, and how large.

use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use tokio::time::Instant;
use weir_component::{ConsumeError, Retry};
use weir_pdata::{Batch, Signal};
use weir_processor_batch::FACTORY;
use weir_testkit::{Bench, Sink, batches, contract};

use super::{bench, finish, own_metric};

fn sizes(sink: &Sink) -> Vec<usize> {
    sink.batches().iter().map(Batch::items).collect()
}

/// Sends batches of these sizes at the same time, in this order; all must be taken.
async fn send_all(bench: &Bench, items: &[usize]) {
    let calls = items.iter().map(|items| bench.send(batches::gauge("g", *items)));
    join_all(calls)
        .await
        .into_iter()
        .for_each(|answer| answer.expect("taken"));
}

#[tokio::test(start_paused = true)]
async fn time_sends_what_there_is() {
    let (bench, sink) = bench("{timeout: 200ms}").await;
    let begin = Instant::now();
    send_all(&bench, &[1, 2, 3]).await;
    assert_eq!(sizes(&sink), [6]);
    assert!(
        (200..205).contains(&begin.elapsed().as_millis()),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(
        own_metric(&bench, "otelcol_processor_batch_timeout_trigger_send"),
        1.0
    );
    finish(&bench).await;
}

#[tokio::test(start_paused = true)]
async fn the_first_one_starts_the_clock() {
    let (bench, sink) = bench("{timeout: 200ms}").await;
    let mut first = Box::pin(bench.send(batches::gauge("g", 1)));
    assert!(poll!(&mut first).is_pending());
    tokio::time::sleep(Duration::from_millis(150)).await;
    let begin = Instant::now();
    let (first, second) = tokio::join!(first, bench.send(batches::gauge("g", 1)));
    assert!(first.is_ok() && second.is_ok());
    assert!(
        begin.elapsed() < Duration::from_millis(60),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(sizes(&sink), [2]);
}

#[tokio::test(start_paused = true)]
async fn size_sends_without_waiting() {
    let (bench, sink) = bench("{timeout: 1h, send_batch_size: 10}").await;
    let begin = Instant::now();
    send_all(&bench, &[4, 5, 6]).await;
    assert_eq!((sizes(&sink), begin.elapsed()), (vec![15], Duration::ZERO));
    assert_eq!(
        own_metric(&bench, "otelcol_processor_batch_batch_size_trigger_send"),
        1.0
    );
    finish(&bench).await;
}

#[tokio::test(start_paused = true)]
async fn zero_sends_at_once() {
    for yaml in ["{timeout: 0s}", "{timeout: 1h, send_batch_size: 0}"] {
        let (bench, sink) = bench(yaml).await;
        let begin = Instant::now();
        for items in 1..4 {
            bench.send(batches::gauge("g", items)).await.unwrap();
        }
        assert_eq!(
            (sizes(&sink), begin.elapsed()),
            (vec![1, 2, 3], Duration::ZERO),
            "{yaml}"
        );
        finish(&bench).await;
    }
}

#[tokio::test(start_paused = true)]
async fn large_batches_are_split() {
    let (bench, sink) = bench("{timeout: 1h, send_batch_size: 10, send_batch_max_size: 10}").await;
    send_all(&bench, &[4, 15, 6]).await;
    // Chunks of several requests are cut where requests end, unless one is larger than the limit itself.
    assert!(
        sizes(&sink).iter().all(|items| *items <= 10),
        "{:?}",
        sizes(&sink)
    );
    assert_eq!(sink.items(), 25);
    finish(&bench).await;
}

#[tokio::test(start_paused = true)]
async fn data_that_comes_while_a_batch_is_sent_makes_the_next_one_in_order() {
    let (bench, sink) = bench("{timeout: 1h, send_batch_size: 2}").await;
    sink.hold();
    let mut first = Box::pin(bench.send(batches::gauge("g", 2)));
    assert!(poll!(&mut first).is_pending());
    sink.wait_for_calls(1).await;
    let mut later: Vec<_> = [3, 1, 4]
        .iter()
        .map(|items| Box::pin(bench.send(batches::gauge("g", *items))))
        .collect();
    for call in &mut later {
        assert!(poll!(call).is_pending());
    }
    assert_eq!(sink.calls(), 1, "one batch at a time");
    sink.release();
    first.await.unwrap();
    join_all(later)
        .await
        .into_iter()
        .for_each(|answer| answer.unwrap());
    assert_eq!(sizes(&sink), [2, 8]);
    finish(&bench).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_without_items_is_taken() {
    let (bench, sink) = bench("").await;
    let begin = Instant::now();
    bench.send(batches::gauge("g", 0)).await.unwrap();
    assert_eq!(
        (begin.elapsed(), sink.calls()),
        (Duration::ZERO, 0),
        "there is nothing to wait for"
    );
    send_all(&bench, &[0, 2, 0]).await;
    assert_eq!(sizes(&sink), [2]);
    finish(&bench).await;
}

#[tokio::test(start_paused = true)]
async fn stopping_sends_what_there_is_and_refuses_more() {
    let (bench, sink) = bench("{timeout: 1h}").await;
    let mut call = Box::pin(bench.send(batches::gauge("g", 3)));
    assert!(poll!(&mut call).is_pending());
    let begin = Instant::now();
    bench.shutdown(Duration::from_secs(1)).await.unwrap();
    call.await.unwrap();
    assert_eq!((sizes(&sink), begin.elapsed()), (vec![3], Duration::ZERO));
    let error = bench.send(batches::gauge("g", 1)).await.unwrap_err();
    assert_eq!(error.retry(), Retry::Later);
    bench.assert_balanced();
}

#[tokio::test(start_paused = true)]
async fn stopping_gives_up_at_the_deadline() {
    let (bench, sink) = bench("{timeout: 1h}").await;
    sink.hold();
    let mut call = Box::pin(bench.send(batches::gauge("g", 3)));
    assert!(poll!(&mut call).is_pending());
    let error = bench.shutdown(Duration::from_secs(3)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "batches were not taken by the next step in time"
    );
    sink.release();
    call.await.unwrap();
    bench.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_caller_is_answered_while_the_processor_stops() {
    for _ in 0..20 {
        let (bench, sink) = bench("{timeout: 1ms}").await;
        let calls: tokio::task::JoinSet<_> = (0..8)
            .map(|_| {
                let bench = bench.clone();
                async move {
                    let mut taken = 0;
                    while bench.send(batches::gauge("g", 1)).await.is_ok() {
                        taken += 1;
                    }
                    taken
                }
            })
            .collect();
        sink.wait_for_items(4).await;
        bench.shutdown(Duration::from_secs(10)).await.unwrap();
        let taken: usize = calls.join_all().await.into_iter().sum();
        assert_eq!(sink.items(), taken);
        bench.assert_balanced();
    }
}

#[tokio::test(start_paused = true)]
async fn a_next_step_that_panics_does_not_hang_callers() {
    let context = Bench::processor(
        FACTORY,
        &contract::config(&FACTORY.meta, ""),
        Signal::Metrics,
        &Sink::new(),
    )
    .context;
    let next = weir_component::Consumer::from_fn(|batch: Batch| async move {
        assert!(batch.items() != 3, "expected panic");
        Ok::<(), ConsumeError>(())
    });
    let step = FACTORY
        .build(&contract::config(&FACTORY.meta, "{timeout: 0s}"), &context, next)
        .unwrap();
    assert!(step.consumer.consume(batches::gauge("g", 3)).await.is_err());
    step.consumer.consume(batches::gauge("g", 2)).await.unwrap();
}
