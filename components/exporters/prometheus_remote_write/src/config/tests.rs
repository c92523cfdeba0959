use std::time::Duration;

use weir_prom::name::Strategy;
use weir_prom::{Protocol, ResourceLabels};
use weir_testkit::contract::{config, config_is_strict, mistakes};

use super::*;
use crate::FACTORY;

#[track_caller]
fn read(yaml: &str) -> Config {
    config(&FACTORY.meta, yaml).downcast::<Config>().unwrap().clone()
}

/// Checks that `yaml`, with an endpoint, has exactly these mistakes, given by their beginnings.
#[track_caller]
fn check(yaml: &str, expected: &[&str]) {
    let found = mistakes(&FACTORY.meta, &format!("{{endpoint: 'http://h/', {yaml}}}"));
    let all = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(found, expected)| found.starts_with(expected));
    assert!(all, "{yaml}: {found:#?}");
}

#[test]
fn defaults_are_those_of_the_collector() {
    let config = read("{endpoint: 'http://prometheus:9090/api/v1/write'}");
    assert_eq!(config.timeout(), Duration::from_secs(5));
    assert_eq!(config.protocol(), Protocol::V1);
    assert_eq!(config.parallelism().get(), 5);
    assert_eq!(config.queue().unwrap().requests.get(), 10_000);
    let retry = config.retry_on_failure.resolved();
    assert_eq!(
        (retry.initial_interval, retry.max_interval),
        (Duration::from_millis(50), Duration::from_secs(30))
    );
    let translation = config.translation();
    assert_eq!((translation.max_bytes, translation.max_series), (3_000_000, 2000));
    assert!(translation.target_info && translation.scope_labels && translation.exemplars);
    assert_eq!(translation.strategy, Strategy::UnderscoreEscapingWithSuffixes);
    assert_eq!(translation.resource_labels, ResourceLabels::None);
    assert_eq!(config.warnings().count(), 0);
}

#[test]
fn the_http_client_may_stand_in_a_section() {
    let config = read("{http: {endpoint: 'https://h/w', headers: {X-Scope-OrgID: '1'}}}");
    assert_eq!(config.endpoint(), "https://h/w");
    assert_eq!(
        config.timeout(),
        Duration::from_secs(5),
        "the section has the same defaults"
    );
    check("http: {endpoint: 'http://other/'}", &["http: the keys"]);
    assert_eq!(mistakes(&FACTORY.meta, "{http: {}}").len(), 1);
    assert!(mistakes(&FACTORY.meta, "{http: {}}")[0].starts_with("http::endpoint: required"));
}

#[test]
fn printed_options_read_back() {
    config_is_strict(&FACTORY.meta, "{endpoint: 'http://h/', external_labels: {a: b}}");
    config_is_strict(&FACTORY.meta, "{http: {endpoint: 'http://h/', timeout: 1s}}");
    let rules = "[{source_labels: [a], regex: b, target_label: c, replacement: $1, action: replace}]";
    config_is_strict(
        &FACTORY.meta,
        &format!("{{endpoint: 'http://h/', write_relabel_configs: {rules}}}"),
    );
}

#[test]
fn mistakes_are_named() {
    assert!(mistakes(&FACTORY.meta, "")[0].starts_with("endpoint: required"));
    assert!(
        mistakes(&FACTORY.meta, "{endpoint: 'prometheus:9090'}")[0]
            .starts_with("endpoint: `prometheus:9090` is not a URL")
    );
    check("compression: gzip", &["compression: "]);
    check("compression: ''", &[]);
    check(
        "write_relabel_configs: [{action: labeldrop, regex: a}, {action: hashmod, regex: '('}]",
        &[
            "write_relabel_configs::1::target_label: required",
            "write_relabel_configs::1::modulus: required",
            "write_relabel_configs::1::regex: not a regular expression",
        ],
    );
    check(
        "headers: {content-TYPE: x, X-Scope-OrgID: '1'}",
        &["headers::content-TYPE: "],
    );
    check("headers: {User-Agent: x}", &["headers::User-Agent: "]);
    check(
        "remote_write_queue: {queue_size: 0}",
        &["remote_write_queue::queue_size: "],
    );
    check("remote_write_queue: {enabled: false, queue_size: 0}", &[]);
    check(
        "remote_write_queue: {num_consumers: 0}",
        &["remote_write_queue::num_consumers: "],
    );
    check(
        "max_batch_request_parallelism: 0",
        &["max_batch_request_parallelism: "],
    );
    check(
        "retry_on_failure: {max_elapsed_time: 1s}",
        &["retry_on_failure::max_elapsed_time: "],
    );
    check("translation_strategy: NoTranslation", &["translation_strategy: "]);
    check(
        "translation_strategy: NoTranslation, protobuf_message: io.prometheus.write.v2.Request",
        &[],
    );
    check("translation_strategy: Whatever", &["unknown variant"]);
    check(
        "convert_explicit_histograms_to_nhcb: true",
        &["convert_explicit_histograms_to_nhcb: "],
    );
    check("external_labels: {a: ''}", &["external_labels::a: "]);
    check("external_labels: {'': a}", &["external_labels: "]);
    check("external_labels: {__replica__: a}", &[]);
    check(
        "resource_to_telemetry_conversion: {enabled: true}, resource_constant_labels: {included: ['k8s.*']}",
        &["resource_constant_labels: "],
    );
}

#[test]
fn nothing_is_watched_unless_it_is_asked_for() {
    assert_eq!(read("{endpoint: 'http://h/'}").watching(), None);
    let rules = read("{endpoint: 'http://h/', conflicts: {enabled: true}}")
        .watching()
        .unwrap();
    assert!(rules.conflicts && rules.silence.is_none());
    let silent = "{endpoint: 'http://h/', staleness: {enabled: true, missed_intervals: 3, max_interval: 1m}}";
    let rules = read(silent).watching().unwrap();
    assert!(!rules.conflicts);
    assert_eq!(rules.forget_after_ms, 180_000);
    assert_eq!(rules.silence.unwrap().min_interval_ms, 5_000);
    check(
        "staleness: {missed_intervals: 1}",
        &["staleness::missed_intervals: "],
    );
    check("staleness: {min_interval: 10ms}", &["staleness::min_interval: "]);
    check("staleness: {max_interval: 1s}", &["staleness::max_interval: "]);
}

#[test]
fn what_is_not_supported_is_a_mistake() {
    check("wal: {directory: /tmp}", &["wal: "]);
    check(
        "include_metadata_keys: [X-Scope-OrgID]",
        &["include_metadata_keys: "],
    );
    check("auth: {}", &["auth::authenticator: "]);
    check("cookies: {}", &["cookies: "]);
    check("middlewares: [{id: x}]", &["middlewares: "]);
    check("sending_queue: {}", &["unknown field `sending_queue`"]);
}

#[test]
fn old_options_still_mean_something() {
    let config =
        read("{endpoint: 'http://h/', add_metric_suffixes: false, export_created_metric: {enabled: true}}");
    assert_eq!(
        config.translation().strategy,
        Strategy::UnderscoreEscapingWithoutSuffixes
    );
    assert_eq!(config.warnings().count(), 2);
    let config = read(
        "{endpoint: 'http://h/', add_metric_suffixes: false, translation_strategy: UnderscoreEscapingWithSuffixes}",
    );
    assert_eq!(
        config.translation().strategy,
        Strategy::UnderscoreEscapingWithSuffixes
    );
}
