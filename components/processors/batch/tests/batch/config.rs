//! Options.

use std::time::Duration;

use weir_processor_batch::{Config, FACTORY};
use weir_testkit::contract::{config, config_is_strict, mistakes};

#[test]
fn defaults_are_the_collectors() {
    let parsed = config(&FACTORY.meta, "");
    let expected = Config {
        timeout: Duration::from_millis(200),
        send_batch_size: 8192,
        send_batch_max_size: 0,
        metadata_keys: Vec::new(),
        metadata_cardinality_limit: 1000,
        early_acknowledgement: false,
    };
    assert_eq!(parsed.downcast::<Config>(), Some(&expected));
}

#[test]
fn options_are_strict() {
    config_is_strict(
        &FACTORY.meta,
        "{timeout: 1s, send_batch_size: 10, send_batch_max_size: 10, metadata_keys: [a], early_acknowledgement: true}",
    );
}

#[test]
fn mistakes_are_all_told() {
    let yaml = "{send_batch_size: 10, send_batch_max_size: 9, metadata_keys: [tenant, Tenant, b, TENANT]}";
    assert_eq!(
        mistakes(&FACTORY.meta, yaml),
        [
            "send_batch_max_size: must be 0 or at least `send_batch_size` (10)",
            "metadata_keys::1: `Tenant` is listed twice (case does not count)",
            "metadata_keys::3: `TENANT` is listed twice (case does not count)",
        ]
    );
    for yaml in ["{timeout: 5}", "{timeout: -1s}", "{send_batch_size: -1}"] {
        assert_eq!(mistakes(&FACTORY.meta, yaml).len(), 1, "{yaml}");
    }
}
