//! Running a gateway as a process: from configuration to the last log line.

use std::panic;
use std::pin::pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use weir_component::{Account, Ledger};
use weir_config::{Config, Report};
use weir_runtime::ShutdownReport;
use weir_telemetry::{Level, Metrics};

use crate::args::ConfigArgs;
use crate::feature_gates::{self, Wish};
use crate::gateway::{self, Gateway, GatewayError};
use crate::signals::{Impatient, Signals};
use crate::{App, configuration, own_telemetry};

/// Time that tasks left behind have to notice the end of the process.
const LAST_WAIT: Duration = Duration::from_millis(100);

/// Builds everything that the configuration names and throws it away.
pub(crate) fn build_unopened(app: &App, config: &Config) -> Result<(), GatewayError> {
    gateway::build(app, config, Metrics::new(Level::None), Ledger::default()).map(drop)
}

/// Reads the configuration, sets up logs, and runs until told to stop.
pub(crate) fn run(
    app: &App,
    config: &ConfigArgs,
    gates: &[Wish],
    shutdown_timeout: Duration,
) -> anyhow::Result<ExitCode> {
    let (config, warnings) = configuration::read(&config.sources(), app.catalog())?;
    // Dropped last, on every way out: what was logged is written before the process ends.
    let _logs = own_telemetry::install_logs(app, &config)?;
    panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a task panicked")));
    feature_gates::notices(gates)
        .iter()
        .for_each(|notice| tracing::warn!("{notice}"));
    log_warnings(&warnings);

    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let result = runtime.block_on(async {
        let mut signals = Signals::catch().context("cannot catch signals")?;
        announce(app);
        let started = signals.unless_pressed(Gateway::start(app, &config)).await;
        let gateway =
            started.map_err(|Impatient| anyhow::anyhow!("stopped by a second signal while starting"))??;
        tracing::info!("Everything is ready. Begin running and processing data.");
        serve(gateway, &mut signals, shutdown_timeout).await
    });
    runtime.shutdown_timeout(LAST_WAIT);
    result
}

fn announce(app: &App) {
    let (build, cores) = (
        app.build_info(),
        std::thread::available_parallelism().map_or(1, usize::from),
    );
    tracing::info!(
        Version = build.version,
        NumCPU = cores,
        "Starting {}...",
        build.command
    );
}

/// Runs until a signal or a failure, then stops.
async fn serve(
    gateway: Gateway,
    signals: &mut Signals,
    shutdown_timeout: Duration,
) -> anyhow::Result<ExitCode> {
    let failure = tokio::select! {
        () = signals.stop_requested() => None,
        failure = gateway.failed() => Some(failure),
    };
    if let Some(failure) = &failure {
        tracing::error!(error = failure, "a component cannot go on, stopping");
    }
    tracing::info!(timeout = ?shutdown_timeout, "Starting shutdown...");
    let ledger = gateway.ledger().clone();
    // Pinned here, so that what the components hold is still theirs when it is told.
    let mut stopping = pin!(gateway.shutdown(Instant::now() + shutdown_timeout));
    let Ok(report) = signals.unless_pressed(stopping.as_mut()).await else {
        tracing::error!(
            left = left(&ledger.accounts()),
            "Shutdown aborted by a second signal."
        );
        bail!("shutdown aborted by a second signal");
    };
    log_end(&report, &ledger);
    match failure {
        Some(failure) => bail!("a component could not go on: {failure}"),
        None if report.is_clean() => Ok(ExitCode::SUCCESS),
        None => Ok(ExitCode::FAILURE),
    }
}

/// Says what became of the data, in the last line.
fn log_end(report: &ShutdownReport, ledger: &Ledger) {
    for error in &report.errors {
        tracing::error!(error, "a component did not stop as it should");
    }
    let accounts = ledger.accounts();
    let (left, dropped) = (left(&accounts), dropped(&accounts));
    if report.is_clean() {
        tracing::info!(left, dropped, "Shutdown complete.");
    } else {
        tracing::error!(left, dropped, "Shutdown complete, but not clean.");
    }
}

/// Says what is still where, for example `exporter debug: 12 held`.
fn left(accounts: &[Account]) -> String {
    let unsettled = accounts.iter().filter_map(|account| {
        let figures = [
            (account.held, "held"),
            (account.in_flight as i64, "in flight"),
            (account.imbalance(), "out of balance"),
        ];
        let figures: Vec<String> = figures
            .iter()
            .filter(|(items, _)| *items != 0)
            .map(|(items, what)| format!("{items} {what}"))
            .collect();
        (!figures.is_empty()).then(|| format!("{}: {}", account.node, figures.join(", ")))
    });
    list(unsettled.collect())
}

/// Says what was given up since the start, for example `exporter debug: 5 shutdown`.
fn dropped(accounts: &[Account]) -> String {
    let dropped = accounts.iter().flat_map(|account| {
        account
            .dropped
            .iter()
            .map(move |(reason, items)| format!("{}: {items} {reason}", account.node))
    });
    list(dropped.collect())
}

fn list(parts: Vec<String>) -> String {
    if parts.is_empty() {
        "nothing".to_owned()
    } else {
        parts.join("; ")
    }
}

fn log_warnings(warnings: &Report) {
    for warning in warnings.diagnostics() {
        let place = warnings
            .position(warning)
            .map(|(source, line, column)| format!("{source}:{line}:{column}"));
        let (path, advice) = (warning.config_path(), warning.advice());
        tracing::warn!(path, place, advice, "configuration: {}", warning.message());
    }
}
