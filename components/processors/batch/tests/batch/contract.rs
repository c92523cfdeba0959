//! What every processor must do.

use weir_processor_batch::FACTORY;
use weir_testkit::{batches, contract};

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    for yaml in [
        "",
        "{timeout: 0s}",
        "{send_batch_size: 2, send_batch_max_size: 1000}",
    ] {
        let config = contract::config(&FACTORY.meta, yaml);
        contract::processor_starts_and_stops_twice(FACTORY, &config, batches::gauge("g", 3)).await;
        contract::processor_passes_errors_on(FACTORY, &config, batches::spans(3)).await;
        contract::processor_keeps_order(FACTORY, &config, (1..9).map(batches::logs).collect()).await;
        contract::processor_drains(FACTORY, &config, (1..9).map(batches::logs).collect()).await;
    }
    let config = contract::config(&FACTORY.meta, "{early_acknowledgement: true, timeout: 1h}");
    contract::processor_drains(FACTORY, &config, (1..9).map(batches::logs).collect()).await;
}
