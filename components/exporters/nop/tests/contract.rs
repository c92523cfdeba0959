//! The exporter as the runtime uses it.

use weir_exporter_nop::FACTORY;
use weir_testkit::{Bench, batches, contract};

#[tokio::test]
async fn it_takes_everything() {
    let config = contract::config(&FACTORY.meta, "");
    contract::config_is_strict(&FACTORY.meta, "");
    for batch in [batches::gauge("g", 3), batches::spans(2), batches::logs(4)] {
        contract::exporter_starts_and_stops_twice(FACTORY, &config, batch.clone()).await;
        contract::exporter_balances(FACTORY, &config, vec![batch.clone(), batch]).await;
    }
    let bench = Bench::exporter(FACTORY, &config, batches::logs(1).signal());
    bench.start().await;
    bench.send(batches::logs(5)).await.unwrap();
    assert_eq!(bench.account().delivered, 5);
    bench.assert_balanced();
}
