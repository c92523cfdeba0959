//! What the guard costs: CPU time per point, bytes per series, over a million live series. On Linux.
//!
//! `cargo bench -p weir-processor-cardinality-limit --bench points [-- SERIES]`. Compare with the first line, which only reads: machines
//! differ.

#![expect(clippy::print_stdout, reason = "prints its figures")]
#![expect(clippy::expect_used, reason = "a bench may fail loudly")]

use rustix::time::{ClockId, clock_gettime};
use weir_component::{Batch, BuildContext, ComponentKind, Consumer, Signal, Step};
use weir_pdata::Decoded;
use weir_pdata::view::{
    ExponentialHistogramPoint, HistogramPoint, Metric as MetricView, MetricsVisitor, NumberPoint, Resource,
    Scope, SummaryPoint, Visit,
};
use weir_processor_cardinality_limit::FACTORY;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::number_data_point::Value;
use weir_proto::otlp::metrics::v1::{Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum};
use weir_testkit::batches::attribute;
use weir_testkit::contract;

/// That of the `weir` binary.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const POINTS: usize = 1000;

/// Reads and does nothing.
struct Nothing;

impl MetricsVisitor for Nothing {
    fn resource(&mut self, _: &Resource<'_>) {}
    fn scope(&mut self, _: &Scope<'_>) {}
    fn metric(&mut self, _: &MetricView<'_>) -> Visit {
        Visit::Points
    }
    fn number(&mut self, point: &NumberPoint<'_>) {
        std::hint::black_box(point);
    }
    fn histogram(&mut self, _: &HistogramPoint<'_>) {}
    fn exponential_histogram(&mut self, _: &ExponentialHistogramPoint<'_>) {}
    fn summary(&mut self, _: &SummaryPoint<'_>) {}
}

/// A batch of 40 metrics with 25 points each, six attributes a point.
fn batch(first: usize, round: u64) -> Batch {
    let point = |series: usize| NumberDataPoint {
        attributes: vec![
            attribute("http.request.method", "GET"),
            attribute("http.route", format!("/api/v1/items/{}", series % 97).as_str()),
            attribute("http.response.status_code", "200"),
            attribute("server.address", "items.example.com"),
            attribute("host.name", format!("node-{:06}", series / 25).as_str()),
            attribute("network.protocol.version", "1.1"),
        ],
        start_time_unix_nano: (round + 1) * 1_000_000_000,
        time_unix_nano: (round + 2) * 1_000_000_000,
        value: Some(Value::AsInt(3)),
        ..NumberDataPoint::default()
    };
    let metric = |number: usize| Metric {
        name: format!("http.server.requests.{}", number % 40),
        unit: "{request}".to_owned(),
        data: Some(Data::Sum(Sum {
            data_points: (0..25).map(|index| point(first + number * 25 + index)).collect(),
            aggregation_temporality: 1,
            is_monotonic: true,
        })),
        ..Metric::default()
    };
    let scope = ScopeMetrics {
        metrics: (0..POINTS / 25).map(metric).collect(),
        ..ScopeMetrics::default()
    };
    let resource = ResourceMetrics {
        scope_metrics: vec![scope],
        ..ResourceMetrics::default()
    };
    let request = Decoded::Metrics(ExportMetricsServiceRequest {
        resource_metrics: vec![resource],
    });
    Batch::from_wire(Signal::Metrics, request.to_bytes()).expect("a request that prost wrote")
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0usize) * 4096
}

/// CPU time of this thread in nanoseconds: other load on the machine does not show.
fn cpu_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Sends every series a point, and returns the CPU time per point that took, without making the batches.
async fn round(step: &Step, series: usize, round: u64) -> u64 {
    let mut used = 0;
    for first in (0..series).step_by(POINTS) {
        let batch = batch(first, round);
        let begun = cpu_time();
        // Points beyond a limit are refused in part.
        let answer = step.consumer.consume(batch).await;
        used += cpu_time() - begun;
        assert!(answer.is_ok() || answer.is_err_and(|error| error.is_partial()));
    }
    used / series as u64
}

async fn measure(name: &str, yaml: &str, series: usize) {
    let before = resident();
    let context = BuildContext::standalone(
        "cardinality_limit".parse().expect("an id"),
        ComponentKind::Processor,
        Some(Signal::Metrics),
    );
    let next = Consumer::from_fn(|batch: Batch| async move {
        std::hint::black_box(batch.items());
        Ok(())
    });
    let step = FACTORY
        .build(&contract::config(&FACTORY.meta, yaml), &context, next)
        .expect("it is built");
    let first = round(&step, series, 0).await;
    let grown = resident().saturating_sub(before);
    let mut best = u64::MAX;
    for number in 1..4 {
        best = best.min(round(&step, series, number).await);
    }
    println!(
        "{name}: {first} ns per point of a new series, {best} ns per point after; {} bytes per series",
        grown / series,
    );
}

// One thread: its CPU time is all there is.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let series = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .next()
        .unwrap_or(1_000_000usize);
    let mut reading = u64::MAX;
    for _ in 0..4 {
        let mut used = 0;
        for first in (0..200 * POINTS).step_by(POINTS) {
            let batch = batch(first, 0);
            let begun = cpu_time();
            batch.visit_metrics(&mut Nothing);
            used += cpu_time() - begun;
        }
        reading = reading.min(used / (200 * POINTS) as u64);
    }
    println!("only reading: {reading} ns per point");
    for (name, yaml) in [
        (
            "limits of series",
            "{series: {total: 100000000, per_metric: 10000000}}",
        ),
        (
            "limits of series and values",
            "{series: {total: 100000000}, values: {per_attribute: 10000000}}",
        ),
        (
            "all beyond a limit of series, dropped",
            "{series: {per_metric: 1}}",
        ),
        (
            "all beyond a limit of series, overflowing",
            "{series: {per_metric: 1, action: overflow}}",
        ),
        (
            "all beyond a limit of values, overflowing",
            "{values: {attributes: {host.name: 1}, action: overflow}}",
        ),
    ] {
        measure(name, yaml, series).await;
    }
}
