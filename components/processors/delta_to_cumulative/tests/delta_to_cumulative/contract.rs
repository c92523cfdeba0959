//! What every processor must do.

use std::sync::Arc;

use weir_component::{BuildContext, ComponentKind, Consumer, Host, Signal};
use weir_processor_delta_to_cumulative::FACTORY;
use weir_testkit::{batches, contract};

use crate::support::deltas;

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    for yaml in [
        "",
        "{max_stale: 1s, max_bytes: 0}",
        "{staleness: {enabled: true}, conflicts: {enabled: true}}",
    ] {
        let config = contract::config(&FACTORY.meta, yaml);
        let batch = || batches::gauge("g", 3);
        contract::processor_starts_and_stops_twice(FACTORY, &config, batch()).await;
        contract::processor_passes_errors_on(FACTORY, &config, batch()).await;
        contract::processor_passes_errors_on(FACTORY, &config, deltas(&[(1, 1, 2, 3)])).await;
        let counted = || (1..9).map(|time| deltas(&[(1, time, time + 1, 1)])).collect();
        contract::processor_keeps_order(FACTORY, &config, counted()).await;
        contract::processor_drains(FACTORY, &config, counted()).await;
    }
    let config = contract::config(&FACTORY.meta, "{reorder_window: 30s}");
    let shuffled = [3, 1, 2].map(|time| deltas(&[(1, time, time + 1, 1)]));
    contract::processor_drains(FACTORY, &config, shuffled.into()).await;
}

#[test]
fn options_are_read_and_judged() {
    contract::config_is_strict(&FACTORY.meta, "");
    let all = "{max_stale: 1h, max_streams: 5, max_bytes: 1000, reorder_window: 30s, summaries: pass, storage: file_storage/x, checkpoint_interval: 1s, staleness: {enabled: true, missed_intervals: 2, min_interval: 1s, max_interval: 1m}, conflicts: {enabled: true}}";
    contract::config_is_strict(&FACTORY.meta, all);
    for (yaml, place) in [
        ("max_stale: 0s", "max_stale"),
        ("max_streams: 9223372036854775808", "max_streams"),
        ("{max_stale: 1s, reorder_window: 2s}", "reorder_window"),
        ("checkpoint_interval: 0s", "checkpoint_interval"),
        ("storage: ''", "storage"),
        ("staleness: {missed_intervals: 1}", "staleness::missed_intervals"),
        ("staleness: {min_interval: 10ms}", "staleness::min_interval"),
        (
            "staleness: {min_interval: 2m, max_interval: 1m}",
            "staleness::max_interval",
        ),
    ] {
        let found = contract::mistakes(&FACTORY.meta, yaml);
        assert_eq!(found.len(), 1, "{yaml}: {found:?}");
        assert!(found[0].starts_with(&format!("{place}: ")), "{found:?}");
    }
    assert_eq!(FACTORY.meta.aliases, ["deltatocumulative"]);
}

#[tokio::test]
async fn a_storage_that_does_not_run_is_an_error_at_start() {
    let config = contract::config(&FACTORY.meta, "storage: file_storage");
    let context = BuildContext::standalone(
        "delta_to_cumulative".parse().unwrap(),
        ComponentKind::Processor,
        Some(Signal::Metrics),
    );
    let step = FACTORY
        .build(&config, &context, Consumer::from_fn(|_| async { Ok(()) }))
        .unwrap();
    let error = Arc::clone(&step.component)
        .start(&Host::default())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("`file_storage` is not running"),
        "{error}"
    );
}
