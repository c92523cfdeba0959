//! What exporters must do.

use weir_component::{ExporterFactory, ParsedConfig, Retry};
use weir_pdata::Batch;

use super::STOP_TIME;
use crate::Bench;

/// Checks that an exporter starts and stops without data, that a second instance does so after the first, and that one refuses
/// batches once it has stopped, in a way that lets the sender keep them.
///
/// # Panics
///
/// If it does not.
pub async fn exporter_starts_and_stops_twice(factory: ExporterFactory, config: &ParsedConfig, batch: Batch) {
    for _ in 0..2 {
        let bench = Bench::exporter(factory, config, batch.signal());
        bench.start().await;
        bench
            .shutdown(STOP_TIME)
            .await
            .expect("an exporter without data stops");
        if let Err(error) = bench.send(batch.clone()).await {
            assert_ne!(
                error.retry(),
                Retry::Never,
                "a batch that comes too late may be sent again: {error}"
            );
        }
        bench.assert_balanced();
    }
}

/// Checks that an exporter with a destination that works has delivered everything once it has stopped, and that its books balance.
///
/// # Panics
///
/// If it has not, or they do not.
pub async fn exporter_balances(factory: ExporterFactory, config: &ParsedConfig, batches: Vec<Batch>) {
    let signal = batches.first().expect("batches to send").signal();
    let items: usize = batches.iter().map(Batch::items).sum();
    let bench = Bench::exporter(factory, config, signal);
    bench.start().await;
    for batch in batches {
        bench.send(batch).await.expect("the exporter takes the batch");
    }
    bench.shutdown(STOP_TIME).await.expect("the exporter drains");
    bench.assert_balanced();
    assert_eq!(
        bench.account().delivered,
        items as u64,
        "everything was delivered"
    );
}
