//! What every processor must do.

use weir_processor_cumulative_to_delta::FACTORY;
use weir_testkit::{batches, contract};

use crate::support::{FUTURE, totals};

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    for yaml in ["", "{max_staleness: 1s, max_bytes: 0, initial_value: keep}"] {
        let config = contract::config(&FACTORY.meta, yaml);
        let batch = || batches::gauge("g", 3);
        let first = || totals(&[(1, FUTURE, FUTURE + 1, 3)]);
        contract::processor_starts_and_stops_twice(FACTORY, &config, batch()).await;
        contract::processor_passes_errors_on(FACTORY, &config, batch()).await;
        contract::processor_passes_errors_on(FACTORY, &config, first()).await;
        let counted = || {
            (1..9)
                .map(|time| totals(&[(1, FUTURE, FUTURE + time, time as i64)]))
                .collect()
        };
        contract::processor_keeps_order(FACTORY, &config, counted()).await;
        contract::processor_drains(FACTORY, &config, counted()).await;
    }
}

#[test]
fn options_are_read_and_judged() {
    contract::config_is_strict(&FACTORY.meta, "");
    let all = "{include: {metrics: [a.*], match_type: regexp, regexp: {cacheenabled: true}, metric_types: [Sum, HISTOGRAM]}, \
               exclude: {metrics: [b], match_type: strict, metric_types: [exponentialhistogram]}, max_staleness: 0s, \
               initial_value: drop, max_streams: 5, max_bytes: 1000}";
    contract::config_is_strict(&FACTORY.meta, all);
    for (yaml, place) in [
        ("include: {metrics: [a]}", "include::match_type"),
        ("exclude: {match_type: strict}", "exclude::match_type"),
        (
            "include: {metrics: ['('], match_type: regexp}",
            "include::metrics::0",
        ),
        (
            "include: {metrics: [a], match_type: strict, regexp: {}}",
            "include::regexp",
        ),
        ("max_streams: 9223372036854775808", "max_streams"),
    ] {
        let found = contract::mistakes(&FACTORY.meta, yaml);
        assert_eq!(found.len(), 1, "{yaml}: {found:?}");
        assert!(found[0].starts_with(&format!("{place}: ")), "{found:?}");
    }
    for yaml in ["include: {metric_types: [gauge]}", "initial_value: always"] {
        assert_eq!(contract::mistakes(&FACTORY.meta, yaml).len(), 1, "{yaml}");
    }
    assert_eq!(FACTORY.meta.aliases, ["cumulativetodelta"]);
}
