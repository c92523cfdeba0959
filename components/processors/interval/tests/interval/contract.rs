//! What every processor must do.

use weir_component::{Batch, Signal};
use weir_processor_interval::FACTORY;
use weir_testkit::contract;

use crate::support::{deltas, totals};

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    for yaml in ["", "{interval: 1s, max_bytes: 0, pass_through: {gauge: true}}"] {
        let config = contract::config(&FACTORY.meta, yaml);
        let passing = || (1..9).map(|time| deltas(&[(1, time, 1)])).collect::<Vec<Batch>>();
        contract::processor_starts_and_stops_twice(FACTORY, &config, deltas(&[(1, 1, 1)])).await;
        contract::processor_passes_errors_on(FACTORY, &config, deltas(&[(1, 1, 1)])).await;
        contract::processor_keeps_order(FACTORY, &config, passing()).await;
        contract::processor_drains(FACTORY, &config, passing()).await;
        let held = (1..9).map(|stream| totals(&[(stream, 1, 1)])).collect();
        contract::processor_drains(FACTORY, &config, held).await;
    }
}

#[test]
fn options_are_read_and_judged() {
    contract::config_is_strict(&FACTORY.meta, "");
    let all = "{interval: 15s, pass_through: {gauge: true, summary: true}, max_streams: 5, max_bytes: 1000}";
    contract::config_is_strict(&FACTORY.meta, all);
    for (yaml, place) in [
        ("interval: 0s", "interval"),
        ("max_streams: 9223372036854775808", "max_streams"),
        ("pass_through: {sum: true}", "`sum`"),
    ] {
        let found = contract::mistakes(&FACTORY.meta, yaml);
        assert_eq!(found.len(), 1, "{yaml}: {found:?}");
        assert!(found[0].contains(place), "{found:?}");
    }
    assert_eq!(FACTORY.meta.signals, [Signal::Metrics]);
}
