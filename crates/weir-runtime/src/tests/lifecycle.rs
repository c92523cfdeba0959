//! Start and stop.

use std::error::Error as _;
use std::time::{Duration, Instant};

use weir_component::Signal;
use weir_testkit::batches;

use super::fakes::{config, run, settings, world};
use crate::{Runtime, ShutdownReport};

fn within(time: Duration) -> Instant {
    tokio::time::Instant::now().into_std() + time
}

#[tokio::test]
async fn what_others_need_starts_first_and_stops_last() {
    let running = run(
        "{receivers: {source: }, processors: {step/1: , step/2: }, exporters: {target: }, connectors: {bridge: },
        extensions: {beside: }, service: {extensions: [beside], pipelines: {
            traces: {receivers: [source], processors: [step/1, step/2], exporters: [bridge]},
            metrics: {receivers: [bridge], processors: [step/1], exporters: [target]}}}}",
    )
    .await;
    let order = [
        "beside",
        "metrics target",
        "metrics step/1",
        "traces bridge",
        "traces step/2",
        "traces step/1",
        "source",
    ];
    let mut expected = order
        .map(|name| format!("start {name} with an extension"))
        .to_vec();
    expected.push("ready true".to_owned());
    assert_eq!(world().take_log(), expected);
    assert!(running.shutdown(within(Duration::from_secs(1))).await.is_clean());
    let mut expected = vec!["ready false".to_owned()];
    expected.extend(order.iter().rev().map(|name| format!("stop {name}")));
    assert_eq!(world().take_log(), expected);
}

#[tokio::test]
async fn when_one_cannot_start_those_that_did_are_stopped_again() {
    let config = config(
        "{receivers: {source: }, processors: {step/1: , step/2: {trouble: start}}, exporters: {target: },
        extensions: {beside: }, service: {extensions: [beside], pipelines: {
            logs: {receivers: [source], processors: [step/1, step/2], exporters: [target]}}}}",
    );
    let failure = Runtime::build(&config, settings())
        .unwrap()
        .start()
        .await
        .unwrap_err();
    assert_eq!(failure.to_string(), "failed to start processor `step/2`");
    assert_eq!(failure.source().unwrap().to_string(), "cannot start");
    let log: Vec<String> = world()
        .take_log()
        .iter()
        .map(|line| line.replace(" with an extension", ""))
        .collect();
    let expected = [
        "start beside",
        "start logs target",
        "start logs step/2",
        "stop logs target",
        "stop beside",
    ];
    assert_eq!(log, expected);
}

/// Runs two pipelines of which `broken` (with its options) is in the first, stops them within 10 seconds of paused time, and
/// returns the report and the time it took.
async fn stop_with(broken: &str) -> (ShutdownReport, Duration) {
    let [receiver, processor, exporter, extension] = ["source/1", "step/1", "target/1", "beside"].map(|id| {
        if broken.starts_with(id) {
            broken.to_owned()
        } else {
            format!("{id}: ")
        }
    });
    let running = run(&format!(
        "{{receivers: {{{receiver}, source/2: }}, processors: {{{processor}, step/2: }}, exporters: {{{exporter}, target/2: }},
        extensions: {{{extension}}}, service: {{extensions: [beside], pipelines: {{
            logs/1: {{receivers: [source/1], processors: [step/1], exporters: [target/1]}},
            logs/2: {{receivers: [source/2], processors: [step/2], exporters: [target/2]}}}}}}}}",
    ))
    .await;
    world()
        .output("source/1", Signal::Logs)
        .consume(batches::logs(2))
        .await
        .unwrap();
    world().take_log();
    let begin = tokio::time::Instant::now();
    let report = running.shutdown(within(Duration::from_secs(10))).await;
    let stopped = world()
        .take_log()
        .iter()
        .filter(|line| line.starts_with("stop"))
        .count();
    assert_eq!(stopped, 7, "everything was told to stop");
    (report, begin.elapsed())
}

async fn assert_left_behind(broken: &str, name: &str) {
    let (report, time) = stop_with(broken).await;
    assert_eq!(report.errors, [format!("{name}: did not stop in time")]);
    assert!(report.leftovers.is_empty(), "{:?}", report.leftovers);
    assert!(time < Duration::from_secs(11), "{name} took {time:?}");
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_hangs_is_left_behind_and_reported() {
    assert_left_behind("source/1: {trouble: hang}", "receiver `source/1`").await;
}

#[tokio::test(start_paused = true)]
async fn a_processor_that_hangs_is_left_behind_and_reported() {
    assert_left_behind("step/1: {trouble: hang}", "processor `step/1`").await;
}

#[tokio::test(start_paused = true)]
async fn an_exporter_that_hangs_is_left_behind_and_reported() {
    assert_left_behind("target/1: {trouble: hang}", "exporter `target/1`").await;
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_hangs_is_left_behind_and_reported() {
    assert_left_behind("beside: {trouble: hang}", "extension `beside`").await;
}

#[tokio::test]
async fn what_a_component_leaves_behind_is_reported() {
    let (report, _) = stop_with("step/1: {trouble: stop}").await;
    assert_eq!(report.errors, ["processor `step/1`: something was left"]);
    assert!(!report.is_clean());
}

#[tokio::test]
async fn items_that_are_still_held_are_reported() {
    let (report, _) = stop_with("target/1: {trouble: keep}").await;
    assert!(report.errors.is_empty());
    let leftovers: Vec<String> = report.leftovers.iter().map(ToString::to_string).collect();
    assert_eq!(leftovers, ["exporter target/1: 2 held, 0 in flight"]);
}

#[tokio::test]
async fn a_component_that_dies_is_heard() {
    let running = run(
        "{receivers: {source: }, exporters: {target: }, service: {pipelines: {
        logs: {receivers: [source], exporters: [target]}}}}",
    )
    .await;
    let failures = world().failures();
    failures.report(&"source".parse().unwrap(), "its listener is gone");
    failures.report(&"target".parse().unwrap(), "also gone");
    assert_eq!(running.failed().await, "source: its listener is gone");
}
