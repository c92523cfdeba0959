//! What a configuration becomes.

use weir_component::{Factory, Signal};

use super::fakes::{CONNECTOR, EXPORTER, RECEIVER, STEP, config, run, settings, world};
use crate::Runtime;

/// Builds a graph that must not be built, and returns what is wrong with it.
fn failures(config: &weir_config::Config) -> Vec<String> {
    let found = Runtime::build(config, settings()).expect_err("must not be built");
    found.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn an_exporter_is_one_instance_per_signal_whatever_names_it() {
    run(
        "{receivers: {source: }, exporters: {target: }, service: {pipelines: {
        metrics/1: {receivers: [source], exporters: [target]},
        metrics/2: {receivers: [source], exporters: [target]},
        traces: {receivers: [source], exporters: [target]}}}}",
    )
    .await;
    assert_eq!(
        world().take_log(),
        ["start metrics target", "start traces target", "start source"]
    );
}

#[tokio::test]
async fn a_processor_is_one_instance_per_pipeline() {
    run(
        "{receivers: {source: }, processors: {step: }, exporters: {target: }, service: {pipelines: {
        metrics/1: {receivers: [source], processors: [step], exporters: [target]},
        metrics/2: {receivers: [source], processors: [step], exporters: [target]}}}}",
    )
    .await;
    let log = world().take_log();
    assert_eq!(
        log.iter().filter(|line| *line == "start metrics step").count(),
        2,
        "{log:?}"
    );
}

#[tokio::test]
async fn a_connector_is_one_instance_per_pair_of_signals() {
    run(
        "{receivers: {source: }, exporters: {target: }, connectors: {bridge: }, service: {pipelines: {
        traces/1: {receivers: [source], exporters: [bridge]},
        traces/2: {receivers: [source], exporters: [bridge]},
        traces/out: {receivers: [bridge], exporters: [target]},
        metrics/out: {receivers: [bridge], exporters: [target]}}}}",
    )
    .await;
    let log = world().take_log();
    assert_eq!(
        log.iter().filter(|line| line.contains("bridge")).count(),
        2,
        "{log:?}"
    );
}

#[test]
fn components_that_no_pipeline_names_are_not_built() {
    let config = config(
        "{receivers: {source: , source/unused: {trouble: build}}, processors: {step/unused: {trouble: build}},
        exporters: {target: , target/unused: {trouble: build}}, extensions: {beside/unused: {trouble: build}},
        service: {pipelines: {logs: {receivers: [source], exporters: [target]}}}}",
    );
    assert!(Runtime::build(&config, settings()).is_ok());
    assert_eq!(world().take_log(), [""; 0], "building opens nothing");
}

#[test]
fn all_that_cannot_be_built_is_reported_with_its_place() {
    let config = config(
        "{receivers: {source/bad: {trouble: build}}, processors: {step/bad: {trouble: build}},
        exporters: {target: , target/bad: {trouble: build}}, extensions: {beside: {trouble: build}},
        service: {extensions: [beside], pipelines: {
            logs: {receivers: [source/bad], processors: [step/bad], exporters: [target, target/bad]}}}}",
    );
    let expected = [
        "extensions::beside",
        "exporters::target/bad",
        "processors::step/bad",
        "receivers::source/bad",
    ];
    assert_eq!(
        failures(&config),
        expected.map(|place| format!("{place}: cannot be built"))
    );
}

#[test]
fn an_extension_that_cannot_do_what_it_is_named_for_is_a_failure() {
    let config = config(
        "{receivers: {source: , source/unused: {authenticator: beside}}, exporters: {target: {authenticator: beside/able},
        target/wrong: {authenticator: beside}}, extensions: {beside: , beside/able: {authenticates: true}},
        service: {extensions: [beside, beside/able], pipelines: {
            logs: {receivers: [source], exporters: [target, target/wrong]}}}}",
    );
    let found = Runtime::build(&config, settings()).expect_err("must not be built");
    let [failure] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(
        failure.to_string(),
        "exporters::target/wrong::authenticator: the extension `beside`, as it is configured, is not an authenticator for clients"
    );
    assert_eq!(
        failure.advice.as_deref(),
        Some("in `service::extensions` this would do: `beside/able`")
    );
}

#[test]
fn a_signal_that_a_component_does_not_support_is_a_failure() {
    const TRACES: &[Signal] = &[Signal::Traces];
    let mut config = config(
        "{receivers: {source: }, processors: {step: }, exporters: {target: }, connectors: {bridge: },
        service: {pipelines: {
            metrics: {receivers: [source], processors: [step], exporters: [target, bridge]},
            metrics/out: {receivers: [bridge], exporters: [target]}}}}",
    );
    // The reader of configurations would have said so first; here factories change behind its back.
    let change = |factory: Factory, place: &mut weir_config::ComponentConfig| place.factory = factory;
    config
        .receivers
        .values_mut()
        .for_each(|place| change(RECEIVER.signals(TRACES).into(), place));
    config
        .processors
        .values_mut()
        .for_each(|place| change(STEP.signals(TRACES).into(), place));
    config
        .exporters
        .values_mut()
        .for_each(|place| change(EXPORTER.signals(TRACES).into(), place));
    let mut traces_only = CONNECTOR;
    traces_only.pairs = &[(Signal::Traces, Signal::Traces)];
    config
        .connectors
        .values_mut()
        .for_each(|place| change(traces_only.into(), place));
    let found = failures(&config);
    for place in ["receivers::source", "processors::step", "exporters::target"] {
        assert!(
            found.contains(&format!("{place}: does not support metrics")),
            "{found:?}"
        );
    }
    assert!(
        found.contains(&"connectors::bridge: feeds no pipeline from metrics".to_owned()),
        "{found:?}"
    );
}
