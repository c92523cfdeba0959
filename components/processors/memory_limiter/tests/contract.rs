//! What every processor must do.

use weir_processor_memory_limiter::FACTORY;
use weir_testkit::{batches, contract};

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    let config = contract::config(&FACTORY.meta, "{check_interval: 1s, limit_mib: 65536}");
    contract::processor_starts_and_stops_twice(FACTORY, &config, batches::gauge("g", 3)).await;
    contract::processor_passes_errors_on(FACTORY, &config, batches::spans(3)).await;
    contract::processor_keeps_order(FACTORY, &config, (1..9).map(batches::logs).collect()).await;
    contract::processor_drains(FACTORY, &config, (1..9).map(batches::logs).collect()).await;
}
