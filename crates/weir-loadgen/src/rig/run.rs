//! One measurement: sink, gateway, warm-up, window, drain, books.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::Serialize;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use super::process::{Gateway, machine_idle};
use super::{Case, RigError, RigOptions};
use crate::check::{self, Level};
use crate::send::{Limit, Load, Reading};
use crate::sink::{Counts, Mode, Sink};
use crate::workload::Totals;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// After the load the gateway is given until nothing new has come for `QUIET`, at most `DRAIN`.
const QUIET: Duration = Duration::from_secs(2);
const DRAIN: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);

/// Series from which on memory per series says something.
pub const MANY_SERIES: u64 = 100_000;

/// Figures of one run.
#[derive(Debug, Clone, Serialize)]
pub struct Measurement {
    /// Name of the case.
    pub case: String,
    /// Index of the run, from 0 on.
    pub run: usize,
    /// Points per second that reached the sink in the window; with a discarding sink, those acknowledged.
    pub points_per_second: f64,
    /// Points per second that the gateway acknowledged in the window. More than the above means a growing backlog.
    pub acknowledged_per_second: f64,
    /// CPU time of the gateway in the window per point that reached the sink, in microseconds.
    pub cpu_us_per_point: f64,
    /// CPUs that the gateway kept busy in the window.
    pub cpus: f64,
    /// CPUs of the machine that nobody kept busy in the window, whoever else uses it included.
    pub idle_cpus: f64,
    /// Time from the start of the process until it accepted a connection, milliseconds, to half a millisecond.
    pub start_ms: f64,
    /// Resident memory before the load, MiB.
    pub idle_mib: f64,
    /// Highest resident memory, MiB.
    pub peak_mib: f64,
    /// What the resident memory rose by from idle to its peak, per series alive, in bytes. Buffers are in it, hence none
    /// below [`MANY_SERIES`].
    pub bytes_per_series: Option<f64>,
    /// Median time to an acknowledgement in the window, milliseconds; none if there was no acknowledgement.
    pub latency_p50_ms: Option<f64>,
    /// 99th percentile of the same.
    pub latency_p99_ms: Option<f64>,
    /// Points sent in the whole run.
    pub sent: u64,
    /// Points acknowledged in the whole run.
    pub acknowledged: u64,
    /// Points refused in the whole run.
    pub refused: u64,
    /// Points lost: sent, not refused, and not at the sink after the gateway stopped. Negative if more arrived than
    /// was sent; none with a discarding sink.
    pub lost: Option<f64>,
    /// Bytes at the sink per point.
    pub sink_bytes_per_point: f64,
    /// MUST rules broken, and totals that differ; counted by checking sinks alone.
    pub violations: u64,
    /// Whether the gateway ended with success when asked to.
    pub stopped_cleanly: bool,
    /// Failed attempts by cause.
    pub failures: Vec<(String, u64)>,
}

/// State of everything at one moment.
struct Moment {
    at: Instant,
    cpu: Duration,
    idle: Duration,
    load: Reading,
    sink: Counts,
}

impl Moment {
    fn now(gateway: &Gateway, load: &Load, sink: &Sink) -> Result<Self, RigError> {
        Ok(Self {
            at: Instant::now(),
            cpu: gateway.cpu()?,
            idle: machine_idle()?,
            load: load.meter().read(),
            sink: sink.counts(),
        })
    }
}

/// Measures a case once.
///
/// # Errors
/// When gateway, load or sink cannot be started, or the gateway ends by itself.
///
/// # Cancel safety
/// Cancelling kills the gateway and ends load and sink.
pub async fn measure(case: &Case, run: usize, options: &RigOptions) -> Result<Measurement, RigError> {
    let sink = Sink::start(LOOPBACK, case.sink.clone())
        .await
        .map_err(RigError::Sink)?;
    let [grpc, http, telemetry] = free_addresses().await.map_err(RigError::Sink)?;
    let environment = [
        ("RIG_OTLP_GRPC", grpc.to_string()),
        ("RIG_OTLP_HTTP", http.to_string()),
        ("RIG_TELEMETRY_PORT", telemetry.port().to_string()),
        ("RIG_REMOTE_WRITE", sink.remote_write_url()),
        ("RIG_OTLP_SINK", sink.address().to_string()),
    ];
    let endpoint = if case.uses_grpc() { grpc } else { http }.to_string();
    let mut gateway = Gateway::start(case, run, options, &environment, &endpoint).await?;

    sleep(case.idle).await;
    let idle = gateway.resident_memory()?;
    let load =
        Load::start(&case.load.workload, &case.load.send, Limit::default(), &endpoint).map_err(|source| {
            RigError::Load {
                case: case.name.clone(),
                source,
            }
        })?;
    sleep(case.warmup).await;
    let before = Moment::now(&gateway, &load, &sink)?;
    sleep(case.measure).await;
    gateway.check_alive()?;
    let after = Moment::now(&gateway, &load, &sink)?;

    let report = load.stop().await;
    drain(&sink, &report.totals).await;
    let peak = gateway.peak_memory()?;
    let start = gateway.start_time();
    let series = case.load.workload.series;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let stopped_cleanly = gateway.stop(case.gateway.stop).await?;
    sink.stop().await;

    let counts = sink.counts();
    let refused = report.reading.refused;
    let sent = report.totals.points.total();
    let window = (after.at - before.at).as_secs_f64();
    let discards = case.sink.mode == Mode::Discard;
    let points = |load: &Reading, sink: &Counts| {
        if discards {
            load.acknowledged as f64
        } else {
            delivered(sink, &report.totals)
        }
    };
    let arrived = points(&after.load, &after.sink) - points(&before.load, &before.sink);
    let arrived_in_all = points(&report.reading, &counts);
    let cpu = (after.cpu - before.cpu).as_secs_f64();
    let latency = after.load.latency.since(&before.load.latency);
    let millis = |quantile| {
        latency
            .quantile(quantile)
            .map(|latency| latency.as_secs_f64() * 1e3)
    };
    let violations = match case.sink.mode {
        Mode::Discard | Mode::Count => 0,
        Mode::Check => {
            sink.with_checker(|checker| check::compare(&report.totals, &counts, Some(checker.series())).len())
                as u64
                + sink.findings().violations.count(Level::Must)
        }
    };
    Ok(Measurement {
        case: case.name.clone(),
        run,
        points_per_second: arrived / window,
        acknowledged_per_second: (after.load.acknowledged - before.load.acknowledged) as f64 / window,
        cpu_us_per_point: cpu * 1e6 / arrived,
        cpus: cpu / window,
        idle_cpus: (after.idle - before.idle).as_secs_f64() / window,
        start_ms: start.as_secs_f64() * 1e3,
        idle_mib: mib(idle),
        peak_mib: mib(peak),
        bytes_per_series: (series >= MANY_SERIES).then(|| peak.saturating_sub(idle) as f64 / series as f64),
        latency_p50_ms: millis(0.5),
        latency_p99_ms: millis(0.99),
        sent,
        acknowledged: report.reading.acknowledged,
        refused,
        lost: (!discards).then_some((sent - refused) as f64 - arrived_in_all),
        sink_bytes_per_point: counts.bytes as f64 / arrived_in_all,
        violations,
        stopped_cleanly,
        failures: report.failures,
    })
}

/// Returns the points that a sink's counts stand for. Remote write carries several samples per histogram, in a
/// proportion that the load fixes.
fn delivered(counts: &Counts, totals: &Totals) -> f64 {
    let written = counts.written.samples - counts.written.info_samples + counts.written.histograms;
    if written == 0 {
        return counts.points.total() as f64;
    }
    let per_point = (totals.samples() + totals.histograms()) as f64 / totals.points.total().max(1) as f64;
    written as f64 / per_point
}

/// Waits until the sink has what was sent, or nothing new comes.
async fn drain(sink: &Sink, totals: &Totals) {
    let began = Instant::now();
    let (mut seen, mut since) = (sink.counts(), Instant::now());
    let complete = |counts: &Counts| delivered(counts, totals) + 0.5 >= totals.points.total() as f64;
    while !complete(&seen) && since.elapsed() < QUIET && began.elapsed() < DRAIN {
        sleep(LOOK).await;
        let now = sink.counts();
        if now.progress() != seen.progress() {
            since = Instant::now();
        }
        seen = now;
    }
}

/// Returns loopback addresses that were free a moment ago, all different.
async fn free_addresses() -> io::Result<[SocketAddr; 3]> {
    let [a, b, c] = [
        TcpListener::bind(LOOPBACK).await?,
        TcpListener::bind(LOOPBACK).await?,
        TcpListener::bind(LOOPBACK).await?,
    ];
    Ok([a.local_addr()?, b.local_addr()?, c.local_addr()?])
}
