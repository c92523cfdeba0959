//! A million live streams: CPU time per point, memory per stream, the same with a storage, and what a start takes. On Linux.
//!
//! `cargo bench -p weir-processor-delta-to-cumulative --bench million [-- STREAMS]`. Compare figures of one run with
//! each other, and with the first line, which only reads: machines differ. Each phase is a process of its own, with the allocator of the
//! gateway, so that its memory is its own.

#![expect(clippy::print_stdout, reason = "prints its figures")]
#![expect(clippy::expect_used, reason = "a bench may fail loudly")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rustix::time::{ClockId, clock_gettime};
use weir_component::{Batch, BuildContext, ComponentKind, Consumer, Extension, Host, Signal, Step};
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

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A figure of this process in MiB: `VmRSS` is what it has now, `VmHWM` the most that it ever had.
fn memory(what: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// CPU time in nanoseconds, user and system.
fn cpu(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

/// Sends every stream a point, so many batches at a time, and returns the CPU time per point, without making the batches.
async fn round(step: &Step, streams: usize, senders: usize, round: u64) -> u64 {
    let before = cpu(ClockId::ProcessCPUTime);
    let mut making = 0;
    for first in (0..streams).step_by(POINTS * senders) {
        let begun = cpu(ClockId::ThreadCPUTime);
        let batches: Vec<Batch> = (first..streams.min(first + POINTS * senders))
            .step_by(POINTS)
            .map(|first| batch(first, round))
            .collect();
        making += cpu(ClockId::ThreadCPUTime) - begun;
        for answer in join_all(batches.into_iter().map(|batch| step.consumer.consume(batch))).await {
            answer.expect("it is taken");
        }
    }
    (cpu(ClockId::ProcessCPUTime) - before - making) / streams as u64
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

fn storage(directory: &str, fsync: bool) -> (Arc<dyn Extension>, Host) {
    let factory = weir_extension_file_storage::FACTORY;
    let yaml = format!("{{directory: '{directory}', fsync: {fsync}}}");
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

/// A million points again and again, from one sender and then from eight. Returns the memory that all of it took in the end, in MiB.
async fn run(step: Step, streams: usize, empty: f64) -> f64 {
    let first = round(&step, streams, 1, 0).await;
    let mut next = 1;
    let mut best = async |senders: usize| {
        let mut best = u64::MAX;
        for _ in 0..3 {
            best = best.min(round(&step, streams, senders, next).await);
            next += 1;
        }
        best
    };
    let (one, eight) = (best(1).await, best(8).await);
    let steady = memory("VmRSS:");
    println!("  new streams: {first} ns per point; known ones: {one} with one sender, {eight} with eight");
    println!(
        "  {steady:.0} MiB with all streams, {:.0} bytes per stream more than without",
        (steady - empty) * 1024.0 * 1024.0 / streams as f64,
    );
    steady
}

/// Starts with the state of the phase before, and stops. `steady` is the memory that that had in the end.
async fn restart(yaml: &str, host: &Host, streams: usize, steady: f64) {
    let begun = Instant::now();
    let step = started(yaml, host).await;
    let (took, peak) = (begun.elapsed(), memory("VmHWM:"));
    println!(
        "  restored within {} ms, with {peak:.0} MiB at most: {:.2} of what running took",
        took.as_millis(),
        peak / steady
    );
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .map_or(0, |now| now.as_secs());
    let again = round(&step, streams, 1, now).await;
    println!(
        "  a round later: {again} ns per point, {:.0} MiB, {:.0} MiB at most",
        memory("VmRSS:"),
        memory("VmHWM:")
    );
    let begun = Instant::now();
    step.component
        .shutdown(Instant::now() + Duration::from_secs(60))
        .await
        .expect("it stops");
    println!("  stopped within {} ms", begun.elapsed().as_millis());
}

/// One phase, in a process of its own.
async fn phase(name: &str, directory: &str, streams: usize) {
    let fsync = directory.ends_with("fsync");
    const YAML: &str = "{max_stale: 1h, storage: file_storage, checkpoint_interval: 10s}";
    match name {
        "read" => {
            let mut reading = 0;
            for first in (0..50 * POINTS).step_by(POINTS) {
                let batch = batch(first, 0);
                let begun = cpu(ClockId::ThreadCPUTime);
                batch.visit_metrics(&mut Nothing);
                reading += cpu(ClockId::ThreadCPUTime) - begun;
            }
            println!("  {} ns per point", reading / (50 * POINTS) as u64);
        }
        "memory" => {
            let empty = memory("VmRSS:");
            run(started("max_stale: 1h", &Host::default()).await, streams, empty).await;
        }
        _ => {
            let (extension, host) = storage(directory, fsync);
            let noted = format!("{directory}.steady");
            if name == "run" {
                let empty = memory("VmRSS:");
                let steady = run(started(YAML, &host).await, streams, empty).await;
                std::fs::write(noted, steady.to_string()).expect("it is noted");
            } else {
                let steady = std::fs::read_to_string(noted).ok();
                let steady = steady
                    .and_then(|steady| steady.parse().ok())
                    .expect("it was noted");
                restart(YAML, &host, streams, steady).await;
            }
            drop(extension);
        }
    }
    // Nothing is closed: what is not durable by now is lost.
    std::process::exit(0);
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, name, directory, streams] = &arguments[..] {
        return phase(name, directory, streams.parse().expect("a number")).await;
    }
    let streams = arguments.iter().find_map(|argument| argument.parse().ok());
    let streams: usize = streams.unwrap_or(1_000_000);
    let folder = tempfile::TempDir::new().expect("a folder");
    let phases = [
        ("only reading", "read", ""),
        ("in memory", "memory", ""),
        ("with storage", "run", "plain"),
        ("  after a crash", "restart", "plain"),
        ("with storage and fsync", "run", "fsync"),
        ("  after a crash", "restart", "fsync"),
        ("  after a stop", "restart", "fsync"),
    ];
    for (title, name, directory) in phases {
        println!("{title}:");
        let directory = folder.path().join(directory);
        std::fs::create_dir_all(&directory).expect("a folder");
        let status = std::process::Command::new(&arguments[0])
            .arg(name)
            .arg(&directory)
            .arg(streams.to_string())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "the phase failed");
    }
}
