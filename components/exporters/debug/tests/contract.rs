//! The exporter as the runtime uses it.

use weir_exporter_debug::FACTORY;
use weir_testkit::{Bench, batches, contract};

#[tokio::test]
async fn it_keeps_the_contract() {
    let config = contract::config(&FACTORY.meta, "");
    contract::config_is_strict(&FACTORY.meta, "");
    contract::exporter_starts_and_stops_twice(FACTORY, &config, batches::gauge("g", 1)).await;
    for batch in [batches::gauge("g", 3), batches::spans(2), batches::logs(4)] {
        contract::exporter_balances(FACTORY, &config, vec![batch.clone(), batch]).await;
    }
}

#[tokio::test]
async fn it_prints_to_files() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let yaml = format!("{{verbosity: normal, use_internal_logger: false, output_paths: ['{path}']}}");
    let config = contract::config(&FACTORY.meta, &yaml);
    contract::exporter_balances(FACTORY, &config, vec![batches::gauge("g", 1)]).await;
    contract::exporter_balances(FACTORY, &config, vec![batches::logs(1)]).await;
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "Metrics: resource metrics 1, metrics 1, data points 1");
    assert!(
        lines.contains(&"g{n=0} 0") && lines.contains(&"line 0 n=0"),
        "{text}"
    );
}

#[tokio::test]
async fn a_path_that_cannot_be_opened_is_a_start_error() {
    let config = contract::config(
        &FACTORY.meta,
        "{use_internal_logger: false, output_paths: [/nowhere/at/all]}",
    );
    let bench = Bench::exporter(FACTORY, &config, batches::gauge("g", 1).signal());
    let component = std::sync::Arc::clone(bench.component());
    let error = component
        .start(&weir_component::Host::default())
        .await
        .unwrap_err();
    let cause = std::error::Error::source(&error)
        .expect("the error has a cause")
        .to_string();
    assert!(cause.contains("/nowhere/at/all"), "{cause}");
}
