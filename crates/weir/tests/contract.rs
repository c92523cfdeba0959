//! The contract of components, on everything that the binary offers: a component that is added is held to it, too.
//!
//! What needs a destination or data of a certain kind is in the tests of the components.

use weir_component::{ComponentKind, Factory, Meta, Signal};
use weir_pdata::Batch;
use weir_testkit::{batches, contract};

/// Configurations with what is required, for components that cannot do without options, or that would listen on a fixed port. `DIR` is
/// a folder.
const MINIMAL: &[(&str, &str)] = &[
    (
        "otlp",
        "{protocols: {grpc: {endpoint: '127.0.0.1:0'}, http: {endpoint: '127.0.0.1:0'}}}",
    ),
    ("attributes", "{actions: [{key: a, value: b, action: upsert}]}"),
    ("resource", "{attributes: [{key: a, value: b, action: upsert}]}"),
    (
        "filter",
        "{logs: {exclude: {match_type: strict, bodies: [no such body]}}}",
    ),
    // What it holds comes later, and not in the batches in which it came.
    ("interval", "{pass_through: {gauge: true}}"),
    ("cardinality_limit", "{series: {total: 1000}}"),
    ("memory_limiter", "{check_interval: 1s, limit_mib: 65536}"),
    ("file", "{path: DIR/out}"),
    ("otlp_grpc", "{endpoint: '127.0.0.1:1', tls: {insecure: true}}"),
    ("otlp_http", "{endpoint: 'http://127.0.0.1:1'}"),
    ("prometheus_remote_write", "{endpoint: 'http://127.0.0.1:1'}"),
    ("basicauth", "{client_auth: {username: a}}"),
    ("bearertokenauth", "{token: a}"),
    ("file_storage", "{directory: DIR}"),
    ("health_check", "{endpoint: '127.0.0.1:0'}"),
    ("headers_setter", "{headers: [{key: a, value: b}]}"),
    (
        "oauth2client",
        "{client_id: a, client_secret: b, token_url: 'http://127.0.0.1:1'}",
    ),
    ("oidc", "{issuer_url: 'http://127.0.0.1:1', audience: a}"),
    ("sigv4auth", "{region: eu-west-1}"),
    ("zpages", "{endpoint: '127.0.0.1:0'}"),
    ("pprof", "{endpoint: '127.0.0.1:0'}"),
    (
        "relabel",
        "{relabel_configs: [{action: replace, target_label: a, replacement: b}]}",
    ),
];

fn every_factory() -> Vec<Factory> {
    let catalog = weir::components();
    let kinds = [
        ComponentKind::Receiver,
        ComponentKind::Processor,
        ComponentKind::Exporter,
        ComponentKind::Connector,
        ComponentKind::Extension,
    ];
    kinds
        .into_iter()
        .flat_map(|kind| catalog.of_kind(kind).copied().collect::<Vec<_>>())
        .collect()
}

fn minimal(meta: &Meta, folder: &tempfile::TempDir) -> String {
    let listed = MINIMAL.iter().find(|(name, _)| *name == meta.name);
    let yaml = listed.map_or("", |(_, yaml)| yaml);
    let mistakes = contract::mistakes(meta, yaml);
    assert!(
        mistakes.is_empty(),
        "`{}` cannot do without options, list what it needs in MINIMAL: {mistakes:?}",
        meta.name
    );
    yaml.replace("DIR", folder.path().to_str().expect("UTF-8"))
}

fn batches_of(signal: Signal) -> Vec<Batch> {
    (1..9)
        .map(|items| match signal {
            Signal::Metrics => batches::gauge("g", items),
            Signal::Traces => batches::spans(items),
            Signal::Logs => batches::logs(items),
        })
        .collect()
}

#[test]
fn options_are_strict_and_read_back() {
    let folder = tempfile::tempdir().expect("folder");
    for factory in every_factory() {
        contract::config_is_strict(factory.meta(), &minimal(factory.meta(), &folder));
    }
}

#[tokio::test]
async fn every_component_starts_and_stops_twice() {
    for factory in every_factory() {
        let folder = tempfile::tempdir().expect("folder");
        let config = contract::config(factory.meta(), &minimal(factory.meta(), &folder));
        let signals = factory.meta().signals.iter();
        let mut first = signals.map(|signal| batches_of(*signal).remove(2));
        match factory {
            Factory::Receiver(factory) => contract::receiver_starts_and_stops_twice(factory, &config).await,
            Factory::Extension(factory) => contract::extension_starts_and_stops_twice(factory, &config).await,
            Factory::Processor(factory) => {
                for batch in first {
                    contract::processor_starts_and_stops_twice(factory, &config, batch).await;
                }
            }
            Factory::Exporter(factory) => {
                for batch in first {
                    contract::exporter_starts_and_stops_twice(factory, &config, batch).await;
                }
            }
            Factory::Connector(factory) => {
                let batch =
                    first.find(|batch| factory.pairs.iter().any(|(taken, _)| *taken == batch.signal()));
                let batch = batch.expect("a signal that it takes");
                contract::connector_starts_and_stops_twice(factory, &config, batch).await;
            }
        }
    }
}

#[tokio::test]
async fn every_processor_passes_errors_on_keeps_order_and_drains() {
    for factory in every_factory() {
        let Factory::Processor(factory) = factory else {
            continue;
        };
        let folder = tempfile::tempdir().expect("folder");
        let config = contract::config(&factory.meta, &minimal(&factory.meta, &folder));
        for signal in factory.meta.signals {
            let batches = batches_of(*signal);
            contract::processor_passes_errors_on(factory, &config, batches[2].clone()).await;
            contract::processor_keeps_order(factory, &config, batches.clone()).await;
            contract::processor_drains(factory, &config, batches).await;
        }
    }
}

#[tokio::test]
async fn every_connector_passes_errors_on() {
    for factory in every_factory() {
        let Factory::Connector(factory) = factory else {
            continue;
        };
        let folder = tempfile::tempdir().expect("folder");
        let config = contract::config(&factory.meta, &minimal(&factory.meta, &folder));
        for (taken, _) in factory.pairs {
            contract::connector_passes_errors_on(factory, &config, batches_of(*taken).remove(2)).await;
        }
    }
}
