//! The `batch` processor from outside, in paused time.

mod config;
mod contract;
mod early;
mod keys;
mod sending;
mod verdicts;

use std::time::Duration;

use weir_pdata::Signal;
use weir_processor_batch::FACTORY;
use weir_testkit::contract::config as parse;
use weir_testkit::{Bench, Sink};

/// Builds and starts a processor of metrics in front of a sink.
async fn bench(yaml: &str) -> (Bench, Sink) {
    let sink = Sink::new();
    let bench = Bench::processor(FACTORY, &parse(&FACTORY.meta, yaml), Signal::Metrics, &sink);
    bench.start().await;
    (bench, sink)
}

/// Stops a processor that has nothing left to wait for, and checks its books.
async fn finish(bench: &Bench) {
    bench
        .shutdown(Duration::from_secs(10))
        .await
        .expect("the processor drains");
    bench.assert_balanced();
}

/// Returns the value of one of the processor's own metrics.
fn own_metric(bench: &Bench, name: &str) -> f64 {
    let text = bench.context.metrics.render();
    let line = text
        .lines()
        .find(|line| line.starts_with(name))
        .unwrap_or_else(|| panic!("no {name} in\n{text}"));
    line.rsplit(' ')
        .next()
        .and_then(|value| value.parse().ok())
        .unwrap_or_else(|| panic!("{line}"))
}
