//! What processors must do.

use weir_component::{ParsedConfig, ProcessorFactory};
use weir_pdata::Batch;

use super::{STOP_TIME, step};
use crate::{Bench, Sink};

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
    step::starts_and_stops_twice(|sink| Bench::processor(factory, config, batch.signal(), sink)).await;
}

/// Checks that the errors of the next step reach the caller as they are: code, fault, when to retry, what was refused.
///
/// # Panics
///
/// If they do not.
pub async fn processor_passes_errors_on(factory: ProcessorFactory, config: &ParsedConfig, batch: Batch) {
    let signal = batch.signal();
    step::passes_errors_on(|sink| Bench::processor(factory, config, signal, sink), batch).await;
}

/// Checks that batches that are handed over one after the other come out in that order.
///
/// # Panics
///
/// If they do not.
pub async fn processor_keeps_order(factory: ProcessorFactory, config: &ParsedConfig, batches: Vec<Batch>) {
    let signal = batches.first().expect("batches to send").signal();
    step::keeps_order(|sink| Bench::processor(factory, config, signal, sink), batches).await;
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
