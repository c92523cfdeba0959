//! What every processor must do.

use weir_processor_metric_start_time::FACTORY;
use weir_testkit::contract;

use crate::support::totals;

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    for yaml in [
        "",
        "{strategy: start_time_metric, max_bytes: 0}",
        "strategy: subtract_initial_point",
    ] {
        let config = contract::config(&FACTORY.meta, yaml);
        // With a start time: no strategy drops it.
        let batch = || totals(&[(1, 2, 3)]);
        contract::processor_starts_and_stops_twice(FACTORY, &config, batch()).await;
        contract::processor_passes_errors_on(FACTORY, &config, batch()).await;
        let counted = || (2..10).map(|time| totals(&[(1, time, 1)])).collect();
        contract::processor_keeps_order(FACTORY, &config, counted()).await;
        contract::processor_drains(FACTORY, &config, counted()).await;
    }
}

#[test]
fn options_are_read_and_judged() {
    contract::config_is_strict(&FACTORY.meta, "");
    let all = "{strategy: start_time_metric, gc_interval: 1h, start_time_metric_regex: ^.*_start$, max_streams: 5, max_bytes: 1000}";
    contract::config_is_strict(&FACTORY.meta, all);
    for (yaml, place) in [
        ("gc_interval: 0s", "gc_interval"),
        ("start_time_metric_regex: a", "start_time_metric_regex"),
        (
            "{strategy: start_time_metric, start_time_metric_regex: '('}",
            "start_time_metric_regex",
        ),
        ("max_streams: 9223372036854775808", "max_streams"),
    ] {
        let found = contract::mistakes(&FACTORY.meta, yaml);
        assert_eq!(found.len(), 1, "{yaml}: {found:?}");
        assert!(found[0].starts_with(&format!("{place}: ")), "{found:?}");
    }
    assert_eq!(FACTORY.meta.aliases, ["metricstarttime"]);
}
