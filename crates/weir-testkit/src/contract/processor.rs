//! What processors must do.

use std::time::Duration;

use weir_component::{ConsumeError, ParsedConfig, ProcessorFactory, Refusal};
use weir_pdata::Batch;

use crate::{Bench, Sink};

/// Time that a component gets to stop in these tests.
const STOP_TIME: Duration = Duration::from_secs(5);

/// Checks that a processor starts and stops without data, and that a second instance does so after the first.
///
/// # Panics
///
/// If it does not.
pub async fn processor_starts_and_stops_twice(
    factory: ProcessorFactory,
    config: &ParsedConfig,
    batch: Batch,
) {
    for _ in 0..2 {
        let bench = Bench::processor(factory, config, batch.signal(), &Sink::new());
        bench.start().await;
        bench
            .shutdown(STOP_TIME)
            .await
            .expect("a processor without data stops");
        bench.assert_balanced();
    }
}

/// Checks that the errors of the next step reach the caller as they are: code, fault, when to retry, what was refused.
///
/// # Panics
///
/// If they do not.
pub async fn processor_passes_errors_on(factory: ProcessorFactory, config: &ParsedConfig, batch: Batch) {
    let refusal = Refusal {
        reason: "too_old",
        items: 1,
    };
    for error in [
        ConsumeError::permanent("will stay wrong"),
        ConsumeError::unavailable("not now"),
        ConsumeError::overloaded("full", Duration::from_secs(7)),
        ConsumeError::partial(vec![refusal], "one is too old"),
    ] {
        let sink = Sink::new();
        let bench = Bench::processor(factory, config, batch.signal(), &sink);
        bench.start().await;
        sink.refuse(error.clone());
        let passed = bench
            .send(batch.clone())
            .await
            .expect_err("the error reaches the caller");
        let facts =
            |error: &ConsumeError| (error.code(), error.fault(), error.retry(), error.extent().clone());
        assert_eq!(
            facts(&passed),
            facts(&error),
            "the error reaches the caller unchanged"
        );
        bench.shutdown(STOP_TIME).await.expect("the processor stops");
        bench.assert_balanced();
    }
}

/// Checks that batches that are handed over one after the other come out in that order.
///
/// # Panics
///
/// If they do not.
pub async fn processor_keeps_order(factory: ProcessorFactory, config: &ParsedConfig, batches: Vec<Batch>) {
    let signal = batches.first().expect("batches to send").signal();
    let sink = Sink::new();
    let bench = Bench::processor(factory, config, signal, &sink);
    bench.start().await;
    let sizes: Vec<usize> = batches.iter().map(Batch::items).collect();
    for batch in batches {
        bench.send(batch).await.expect("the processor takes the batch");
    }
    bench.shutdown(STOP_TIME).await.expect("the processor stops");
    assert_eq!(
        sink.batches().iter().map(Batch::items).collect::<Vec<_>>(),
        sizes,
        "batches come out in order"
    );
    bench.assert_balanced();
}

/// Checks that everything a processor took has left it once it has stopped. Needs a current-thread runtime.
///
/// # Panics
///
/// If it has not.
pub async fn processor_drains(factory: ProcessorFactory, config: &ParsedConfig, batches: Vec<Batch>) {
    let signal = batches.first().expect("batches to send").signal();
    let items: usize = batches.iter().map(Batch::items).sum();
    let sink = Sink::new();
    let bench = Bench::processor(factory, config, signal, &sink);
    bench.start().await;
    let mut calls = tokio::task::JoinSet::new();
    for batch in batches {
        let bench = bench.clone();
        calls.spawn(async move { bench.send(batch).await });
    }
    // On one thread a call that was offered has also run as far as it can before this task goes on.
    while bench.account().accepted + bench.account().in_flight < items as u64 {
        tokio::task::yield_now().await;
    }
    bench.shutdown(STOP_TIME).await.expect("the processor drains");
    for answer in calls.join_all().await {
        answer.expect("a batch that was taken is safe");
    }
    assert_eq!(sink.items(), items, "everything came out");
    bench.assert_balanced();
}
