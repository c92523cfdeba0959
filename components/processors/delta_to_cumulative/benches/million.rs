//! A million live streams: CPU time per point, memory per stream, and the same with a storage. On Linux.
//!
//! `cargo bench -p weir-processor-delta-to-cumulative --bench million [-- STREAMS]`. Compare with the first
//! line, which only reads: machines differ.

#![expect(clippy::print_stdout, reason = "prints its figures")]
#![expect(clippy::expect_used, reason = "a bench may fail loudly")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_component::{
    Batch, BuildContext, ComponentKind, Consumer, Extension, ExtensionFactory, Host, Signal, Step,
};
use weir_pdata::Decoded;
use weir_pdata::view::{
    ExponentialHistogramPoint, HistogramPoint, Metric as MetricView, MetricsVisitor, NumberPoint, Resource,
    Scope, SummaryPoint, Visit,
};
use weir_processor_delta_to_cumulative::FACTORY;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::any_value::Value as Any;
use weir_proto::otlp::common::v1::{AnyValue, KeyValue};
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::number_data_point::Value;
use weir_proto::otlp::metrics::v1::{Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum};
use weir_testkit::contract;

const POINTS: usize = 1000;

fn attribute(key: &str, value: String) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Any::StringValue(value)),
        }),
        ..KeyValue::default()
    }
}

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
    let point = |stream: usize| NumberDataPoint {
        attributes: vec![
            attribute("http.request.method", "GET".to_owned()),
            attribute("http.route", format!("/api/v1/items/{}", stream % 97)),
            attribute("http.response.status_code", "200".to_owned()),
            attribute("server.address", "items.example.com".to_owned()),
            attribute("host.name", format!("node-{:06}", stream / 25)),
            attribute("network.protocol.version", "1.1".to_owned()),
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

/// CPU time of a thread in nanoseconds, as Linux counts it: other load on the machine does not show.
fn cpu_of(task: &std::path::Path) -> u64 {
    let text = std::fs::read_to_string(task.join("schedstat")).unwrap_or_default();
    let first = text
        .split_whitespace()
        .next()
        .and_then(|nanos| nanos.parse().ok());
    first.unwrap_or(0)
}

fn cpu_of_this_thread() -> u64 {
    cpu_of("/proc/thread-self".as_ref())
}

fn cpu_of_all_threads() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    tasks.flatten().map(|task| cpu_of(&task.path())).sum()
}

/// Sends every stream a point, and returns the CPU time that took, without making the batches.
async fn round(step: &Step, streams: usize, round: u64) -> u64 {
    let before = cpu_of_all_threads();
    let mut making = 0;
    for first in (0..streams).step_by(POINTS) {
        let begun = cpu_of_this_thread();
        let batch = batch(first, round);
        making += cpu_of_this_thread() - begun;
        step.consumer.consume(batch).await.expect("it is taken");
    }
    cpu_of_all_threads() - before - making
}

async fn started(yaml: &str, host: &Host) -> Step {
    let context = BuildContext::standalone(
        "delta_to_cumulative".parse().expect("an id"),
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
    Arc::clone(&step.component).start(host).await.expect("it starts");
    step
}

async fn measure(name: &str, yaml: &str, host: &Host, streams: usize) {
    let before = resident();
    let step = started(yaml, host).await;
    let first = round(&step, streams, 0).await;
    let grown = resident().saturating_sub(before);
    let mut best = u64::MAX;
    for number in 1..4 {
        best = best.min(round(&step, streams, number).await);
    }
    let per_point = |nanos: u64| nanos / streams as u64;
    println!(
        "{name}: {} ns per point that begins a stream, {} ns per point after; {} bytes per stream, {} MiB more in the end",
        per_point(first),
        per_point(best),
        grown / streams,
        resident().saturating_sub(before) >> 20,
    );
    let begun = Instant::now();
    step.component
        .shutdown(Instant::now() + Duration::from_secs(60))
        .await
        .expect("it stops");
    println!("  stopped within {} ms", begun.elapsed().as_millis());
}

fn storage(
    factory: ExtensionFactory,
    directory: &std::path::Path,
    fsync: bool,
) -> (Arc<dyn Extension>, Host) {
    let yaml = format!("{{directory: '{}', fsync: {fsync}}}", directory.display());
    let id: weir_component::ComponentId = "file_storage".parse().expect("an id");
    let context = BuildContext::standalone(id.clone(), ComponentKind::Extension, None);
    let extension = factory
        .build(&contract::config(&factory.meta, &yaml), &context)
        .expect("it is built");
    (
        Arc::clone(&extension),
        Host::new(BTreeMap::from([(id, extension)])),
    )
}

#[tokio::main]
async fn main() {
    let streams = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .next()
        .unwrap_or(1_000_000usize);
    let mut reading = 0;
    for first in (0..50 * POINTS).step_by(POINTS) {
        let batch = batch(first, 0);
        let begun = cpu_of_this_thread();
        batch.visit_metrics(&mut Nothing);
        reading += cpu_of_this_thread() - begun;
    }
    println!("only reading: {} ns per point", reading / (50 * POINTS) as u64);
    measure("in memory", "max_stale: 1h", &Host::default(), streams).await;
    for fsync in [false, true] {
        let directory = tempfile::TempDir::new().expect("a folder");
        let (extension, host) = storage(weir_extension_file_storage::FACTORY, directory.path(), fsync);
        let name = if fsync {
            "with storage and fsync"
        } else {
            "with storage"
        };
        let yaml = "{max_stale: 1h, storage: file_storage, checkpoint_interval: 10s}";
        measure(name, yaml, &host, streams).await;
        let (before, begun) = (resident(), Instant::now());
        let step = started(yaml, &host).await;
        println!(
            "  restored within {} ms, {} bytes per stream",
            begun.elapsed().as_millis(),
            resident().saturating_sub(before) / streams
        );
        step.component
            .shutdown(Instant::now() + Duration::from_secs(60))
            .await
            .expect("it stops");
        drop(extension);
    }
}
