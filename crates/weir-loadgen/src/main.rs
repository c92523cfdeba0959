//! `weir-loadgen`: load, sink and rig on the command line.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use weir_loadgen::check::{Level, compare};
use weir_loadgen::rig::{self, RigOptions};
use weir_loadgen::send::{self, Limit, Load, SendReport};
use weir_loadgen::sink::{self, Counts, Mode, Sink};
use weir_loadgen::workload::Spec;

/// Load for telemetry gateways, and sinks that check what comes out.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send OTLP metrics with known totals.
    Send {
        /// Where to, `host:port`.
        #[arg(long, default_value = "127.0.0.1:4317")]
        endpoint: String,
        #[command(flatten)]
        workload: Spec,
        #[command(flatten)]
        options: send::Options,
        #[command(flatten)]
        limit: Limit,
        /// Listen here as the backend of the gateway, check what arrives, and compare it with what was sent.
        #[arg(long)]
        verify: Option<SocketAddr>,
    },
    /// Take remote write and OTLP, count it or check it.
    Sink {
        /// Address to listen on.
        #[arg(long, default_value = "127.0.0.1:9090")]
        listen: SocketAddr,
        #[command(flatten)]
        options: sink::Options,
    },
    /// Measure gateways and compare them.
    Rig(RigOptions),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Send {
            endpoint,
            workload,
            options,
            limit,
            verify,
        } => send(&endpoint, &workload, &options, limit, verify).await,
        Command::Sink { listen, options } => run_sink(listen, options).await,
        Command::Rig(options) => run_rig(&options).await,
    }
}

async fn send(
    endpoint: &str,
    workload: &Spec,
    options: &send::Options,
    limit: Limit,
    verify: Option<SocketAddr>,
) -> anyhow::Result<()> {
    anyhow::ensure!(
        verify.is_none() || options.moves_values(),
        "values that do not move (encoding json, replay) cannot be verified"
    );
    let sink = match verify {
        Some(listen) => Some(
            start_sink(
                listen,
                sink::Options {
                    mode: Mode::Check,
                    ..Default::default()
                },
            )
            .await?,
        ),
        None => None,
    };
    let load = Load::start(workload, options, limit, endpoint)?;
    let report = if limit == Limit::default() {
        tokio::signal::ctrl_c()
            .await
            .context("cannot wait for a signal")?;
        load.stop().await
    } else {
        load.finish().await
    };
    print(&describe_report(&report))?;
    let Some(sink) = sink else { return Ok(()) };
    settle(&sink).await;
    let (counts, findings) = (sink.counts(), sink.findings());
    print(&format!("{}{}", describe_counts(&counts), findings.violations))?;
    let mismatches = compare(&report.totals, &counts, Some(&findings.series));
    for mismatch in &mismatches {
        print(&format!("{mismatch}\n"))?;
    }
    let sound = mismatches.is_empty() && findings.violations.count(Level::Must) == 0;
    anyhow::ensure!(sound && report.is_exact(), "what arrived is not what was sent");
    print("everything arrived as sent\n")
}

/// Waits until nothing has arrived for two seconds.
async fn settle(sink: &Sink) {
    let (mut seen, mut quiet) = (sink.counts(), 0);
    while quiet < 20 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = sink.counts();
        quiet = if now == seen { quiet + 1 } else { 0 };
        seen = now;
    }
}

async fn start_sink(listen: SocketAddr, options: sink::Options) -> anyhow::Result<Sink> {
    Sink::start(listen, options)
        .await
        .with_context(|| format!("cannot listen on {listen}"))
}

async fn run_sink(listen: SocketAddr, options: sink::Options) -> anyhow::Result<()> {
    let sink = start_sink(listen, options).await?;
    print(&format!(
        "remote write at {}, OTLP at {}\n",
        sink.remote_write_url(),
        sink.address()
    ))?;
    let mut terminated = signal(SignalKind::terminate()).context("cannot wait for a signal")?;
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let mut seen = Counts::default();
    loop {
        tokio::select! {
            signal = &mut interrupted => {
                signal.context("cannot wait for a signal")?;
                break;
            }
            _ = terminated.recv() => break,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
        let now = sink.counts();
        if now != seen {
            print(&describe_counts(&now))?;
            seen = now;
        }
    }
    sink.stop().await;
    print(&format!(
        "{}{}",
        describe_counts(&sink.counts()),
        sink.findings().violations
    ))
}

async fn run_rig(options: &RigOptions) -> anyhow::Result<()> {
    // Progress goes where it does not mix with the table.
    let comparison = rig::compare(options, |measurement| {
        // A closed stderr is no reason to end a measurement.
        drop(writeln!(io::stderr(), "{measurement}"));
    })
    .await?;
    print(&comparison.to_string())?;
    if let Some(path) = &options.json {
        write_json(path, &comparison)?;
    }
    Ok(())
}

fn write_json(path: &Path, comparison: &rig::Comparison) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(comparison).context("cannot write JSON")?;
    std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
}

fn describe_report(report: &SendReport) -> String {
    let SendReport {
        elapsed,
        reading,
        failures,
        ..
    } = report;
    let seconds = elapsed.as_secs_f64();
    let millis = |quantile| {
        let latency = reading.latency.quantile(quantile).unwrap_or_default();
        format!("{:.2} ms", latency.as_secs_f64() * 1e3)
    };
    let mut text = format!(
        "sent {} points in {} requests and {seconds:.1} s ({:.0} points/s, {} bytes), acknowledged {}, refused {}, \
         retries {}, p50 {}, p99 {}\n",
        reading.sent,
        reading.requests,
        reading.acknowledged as f64 / seconds,
        reading.bytes,
        reading.acknowledged,
        reading.refused,
        reading.retries,
        millis(0.5),
        millis(0.99),
    );
    for (cause, count) in failures {
        text += &format!("failed attempts: {count} times {cause}\n");
    }
    text
}

fn describe_counts(counts: &Counts) -> String {
    let written = &counts.written;
    format!(
        "received {} requests, {} bytes ({} decompressed): {} points; {} series, {} samples, {} histograms, \
         {} exemplars; damaged {}, injected {}\n",
        counts.requests,
        counts.bytes,
        counts.decompressed_bytes,
        counts.points.total(),
        written.series,
        written.samples,
        written.histograms,
        written.exemplars,
        counts.damaged,
        counts.injected,
    )
}

fn print(text: &str) -> anyhow::Result<()> {
    io::stdout()
        .write_all(text.as_bytes())
        .context("cannot write to standard output")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn arguments_do_not_contradict_each_other() {
        Arguments::command().debug_assert();
    }
}
