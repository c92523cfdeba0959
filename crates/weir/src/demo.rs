//! `weir demo`: a gateway between a generator and a receiver that know what must arrive.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{ArgMatches, Args, FromArgMatches};
use weir_cli::{App, Config, Gateway, ShutdownReport, Sources, Subcommand};
use weir_loadgen::demo::{self, DemoEndpoints, DemoOptions, Progress};

/// The gateway's configuration, before its addresses are put in.
const CONFIG: &str = include_str!("../../../configs/demo.yaml");

/// Time for the gateway to deliver what it has when the generator is done.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// Options of the subcommand.
#[derive(Debug, Args)]
struct Options {
    #[command(flatten)]
    demo: DemoOptions,
}

/// Returns the subcommand.
pub(crate) fn subcommand() -> Subcommand {
    let about = "Send every kind of metric through a gateway to a receiver, and compare what arrives with what was sent";
    let command = Options::augment_args(clap::Command::new("demo")).about(about);
    Subcommand { command, run }
}

fn run(app: &App, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let options = Options::from_arg_matches(matches)?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(play(app, &options))
}

async fn play(app: &App, options: &Options) -> anyhow::Result<ExitCode> {
    let (logs, stopped) = (RefCell::new(None), RefCell::new(None));
    let start = async |endpoints: DemoEndpoints| -> anyhow::Result<_> {
        let config = configuration(app, &endpoints)?;
        *logs.borrow_mut() = Some(weir_cli::install_logs(app, &config)?);
        let gateway = Gateway::start(app, &config).await?;
        introduce(&endpoints, &gateway);
        Ok(async {
            *stopped.borrow_mut() = Some(gateway.shutdown(Instant::now() + SHUTDOWN_TIMEOUT).await);
        })
    };
    let report = demo::run(&options.demo, start, show)
        .await
        .context("the demo did not run")?;
    say("");
    writeln!(io::stdout().lock(), "{report}").context("cannot write to standard output")?;
    let clean = stopped.borrow().as_ref().is_some_and(explain_leftovers);
    Ok(if report.is_sound() && clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The embedded configuration with the demo's addresses, own metrics on a free port, and logs only of what goes wrong.
fn configuration(app: &App, endpoints: &DemoEndpoints) -> anyhow::Result<Config> {
    let sources = Sources {
        configs: vec![format!("yaml:{CONFIG}")],
        sets: vec![
            format!("receivers.otlp.protocols.grpc.endpoint={}", endpoints.otlp_grpc),
            format!("exporters.prometheus_remote_write.endpoint={}", endpoints.remote_write),
            "service.telemetry.logs.level=warn".to_owned(),
            "service.telemetry.metrics.readers=[{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]".to_owned(),
        ],
        ..Sources::default()
    };
    Ok(weir_cli::read(&sources, app.catalog())?.0)
}

fn introduce(endpoints: &DemoEndpoints, gateway: &Gateway) {
    say(&format!("OTLP/gRPC      {}", endpoints.otlp_grpc));
    say(&format!("remote write   {}", endpoints.remote_write));
    if let Some(address) = gateway.metrics_address() {
        say(&format!("own metrics    http://{address}/metrics"));
    }
}

/// Shows where the demo stands: on a terminal in one line, else line by line.
fn show(progress: &Progress) {
    let mut err = io::stderr().lock();
    let line_start = if err.is_terminal() { "\r\x1b[K" } else { "\n" };
    // Progress that nobody sees is no loss.
    let _ = write!(err, "{line_start}{progress}").and_then(|()| err.flush());
}

/// Says what the gateway left behind; returns true if it left nothing.
fn explain_leftovers(report: &ShutdownReport) -> bool {
    report
        .errors
        .iter()
        .for_each(|error| say(&format!("not stopped as it should: {error}")));
    report
        .leftovers
        .iter()
        .for_each(|leftover| say(&format!("left behind: {leftover}")));
    report.is_clean()
}

fn say(line: &str) {
    // Without standard error there is no place left to complain to.
    let _ = writeln!(io::stderr().lock(), "{line}");
}
