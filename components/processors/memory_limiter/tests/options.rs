//! Options that make sense, and others.

use weir_processor_memory_limiter::{Config, FACTORY};
use weir_testkit::contract::{config, config_is_strict, mistakes};

const MIB: u64 = 1024 * 1024;

#[test]
fn the_soft_limit_is_the_hard_one_less_the_spike() {
    let mib = |limit_mib, spike_limit_mib| Config {
        limit_mib,
        spike_limit_mib,
        ..Config::default()
    };
    assert_eq!(mib(1000, 0).soft_limit(0), 800 * MIB);
    assert_eq!(mib(1000, 300).soft_limit(0), 700 * MIB);
    let percent = Config {
        limit_percentage: 80,
        spike_limit_percentage: 20,
        ..Config::default()
    };
    assert_eq!(percent.soft_limit(1000), 600);
    let both = Config {
        limit_mib: 10,
        ..percent.clone()
    };
    assert_eq!(both.soft_limit(1000), 8 * MIB, "megabytes win");
    let most = Config {
        limit_percentage: 100,
        ..Config::default()
    };
    assert_eq!(
        most.soft_limit(u64::MAX) / 100,
        u64::MAX / 125,
        "nothing overflows"
    );
}

#[test]
fn options_are_strict() {
    config_is_strict(
        &FACTORY.meta,
        "{check_interval: 1s, limit_percentage: 80, spike_limit_percentage: 25}",
    );
}

#[test]
fn limits_that_make_sense_are_taken() {
    for yaml in [
        "{check_interval: 1s, limit_mib: 1}",
        "{check_interval: 1ms, limit_mib: 4000, spike_limit_mib: 3999}",
        "{check_interval: 1s, limit_percentage: 100}",
        "{check_interval: 1s, limit_percentage: 2, spike_limit_percentage: 1}",
        // The percentages do not count beside megabytes.
        "{check_interval: 1s, limit_mib: 100, limit_percentage: 50, spike_limit_percentage: 60}",
        "{check_interval: 1s, limit_mib: 1, max_gc_interval_when_soft_limited: 0s, max_gc_interval_when_hard_limited: 0s}",
        "{check_interval: 1s, limit_mib: 1, min_gc_interval_when_soft_limited: 5s, min_gc_interval_when_hard_limited: 5s}",
    ] {
        config(&FACTORY.meta, yaml);
    }
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    for (yaml, expected) in [
        (
            "",
            &[
                "check_interval: is required and must be more than 0, for example `1s`",
                ": needs `limit_mib` or `limit_percentage`, for example `limit_percentage: 80`",
            ][..],
        ),
        ("{check_interval: 0s, limit_mib: 1}", &["check_interval: is required and must be more than 0, for example `1s`"]),
        ("{check_interval: 1s, limit_mib: 5, spike_limit_mib: 5}", &["spike_limit_mib: must be less than `limit_mib` (5)"]),
        ("{check_interval: 1s, limit_percentage: 101}", &["limit_percentage: must be at most 100"]),
        (
            "{check_interval: 1s, limit_percentage: 50, spike_limit_percentage: 50}",
            &["spike_limit_percentage: must be less than `limit_percentage` (50)"],
        ),
        (
            "{check_interval: 1s, limit_mib: 1, min_gc_interval_when_hard_limited: 11s}",
            &["min_gc_interval_when_soft_limited: must be at least the one when hard limited"],
        ),
        (
            "{check_interval: 1s, limit_mib: 1, max_gc_interval_when_soft_limited: 9s, max_gc_interval_when_hard_limited: 9s}",
            &["max_gc_interval_when_soft_limited: must be 0 or at least the minimum when soft limited"],
        ),
        (
            "{check_interval: 1s, limit_mib: 1, max_gc_interval_when_hard_limited: 31s}",
            &["max_gc_interval_when_soft_limited: must be at least the maximum when hard limited"],
        ),
        (
            "{check_interval: 1s, limit_mib: 1, min_gc_interval_when_soft_limited: 20s, min_gc_interval_when_hard_limited: 20s,
            max_gc_interval_when_hard_limited: 10s}",
            &["max_gc_interval_when_hard_limited: must be 0 or at least the minimum when hard limited"],
        ),
    ] {
        assert_eq!(mistakes(&FACTORY.meta, yaml), expected, "{yaml}");
    }
    for yaml in ["{limit_mib: -1}", "{check_interval: 1}", "{ballast_size_mib: 1}"] {
        assert_eq!(mistakes(&FACTORY.meta, yaml).len(), 1, "{yaml}");
    }
}
