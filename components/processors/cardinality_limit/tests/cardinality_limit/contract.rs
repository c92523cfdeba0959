//! What every processor must do.

use weir_processor_cardinality_limit::FACTORY;
use weir_testkit::{batches, contract};

use crate::support::deltas;

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    for yaml in [
        "{series: {total: 100}}",
        "{series: {per_metric: 100, action: overflow}, values: {per_attribute: 100, action: overflow}}",
    ] {
        let config = contract::config(&FACTORY.meta, yaml);
        contract::processor_starts_and_stops_twice(FACTORY, &config, batches::gauge("g", 3)).await;
        contract::processor_passes_errors_on(FACTORY, &config, deltas(&["1", "2"])).await;
        let counted = || (1..9).map(|points| batches::gauge("g", points)).collect();
        contract::processor_keeps_order(FACTORY, &config, counted()).await;
        contract::processor_drains(FACTORY, &config, counted()).await;
    }
}

#[test]
fn options_are_read_and_judged() {
    contract::config_is_strict(&FACTORY.meta, "{series: {total: 1}}");
    let all = "{series: {total: 9, per_tenant: 8, tenants: {a: 7, '': 1}, per_metric: 6, metrics: {m: 5}, action: overflow, keep: [service], \
         overflow_series: 4}, values: {per_attribute: 3, attributes: {http.route: 2}, action: overflow, overflow_value: other}, tenant: \
         {metadata: X-Scope-OrgID}, window: 30m, max_bytes: 1000}";
    contract::config_is_strict(&FACTORY.meta, all);
    for (yaml, place) in [
        ("{}", "series"),
        ("{series: {action: overflow}}", "series"),
        ("{series: {total: 0}}", "series::total"),
        ("{series: {metrics: {m: 0}}}", "series::metrics::m"),
        ("{series: {per_tenant: 1}}", "series"),
        ("{series: {tenants: {a: 1}}}", "series"),
        ("{series: {total: 1, keep: [a]}}", "series::keep"),
        (
            "{series: {total: 1, overflow_series: 2}}",
            "series::overflow_series",
        ),
        (
            "{series: {total: 1, action: overflow, overflow_series: 0}}",
            "series::overflow_series",
        ),
        ("{values: {attributes: {a: 0}}}", "values::attributes::a"),
        (
            "{values: {per_attribute: 1, overflow_value: a}}",
            "values::overflow_value",
        ),
        (
            "{values: {per_attribute: 1, action: overflow, overflow_value: ''}}",
            "values::overflow_value",
        ),
        (
            "{series: {total: 1}, values: {action: overflow}}",
            "values::action",
        ),
        ("{series: {total: 1}, tenant: {}}", "tenant"),
        (
            "{series: {total: 1}, tenant: {metadata: a, resource_attribute: b}}",
            "tenant",
        ),
        (
            "{series: {total: 1}, tenant: {resource_attribute: ''}}",
            "tenant::resource_attribute",
        ),
        ("{series: {total: 1}, window: 500ms}", "window"),
    ] {
        let found = contract::mistakes(&FACTORY.meta, yaml);
        assert_eq!(found.len(), 1, "{yaml}: {found:?}");
        assert!(found[0].starts_with(&format!("{place}: ")), "{found:?}");
    }
}
