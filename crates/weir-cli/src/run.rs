//! Running a gateway as a process: from configuration to the last log line.

use std::error::Error;
use std::pin::pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{fmt, iter, panic};

use anyhow::{Context, bail};
use weir_component::{Account, Ledger};
use weir_config::{Config, Report, Severity, Sources};
use weir_runtime::ShutdownReport;

use crate::args::ConfigArgs;
use crate::feature_gates::{self, Wish};
use crate::gateway::Gateway;
use crate::own_telemetry::{self, OwnLogs, OwnTelemetryError};
use crate::reload::{ReloadError, ReloadResult};
use crate::signals::{Impatient, Request, Signals};
use crate::supervisor::Supervisor;
use crate::{App, configuration};

/// Time for own log records that are left at the end, the last lines among them.
const LAST_PUSH: Duration = Duration::from_secs(2);

/// Time that tasks left behind have to notice the end of the process.
const LAST_WAIT: Duration = Duration::from_millis(100);

/// Reads the configuration, sets up logs, and runs until told to stop.
pub(crate) fn run(
    app: &App,
    config: &ConfigArgs,
    gates: &[Wish],
    shutdown_timeout: Duration,
) -> anyhow::Result<ExitCode> {
    let sources = config.sources();
    let (config, warnings) = configuration::read(&sources, app.catalog())?;
    let logs = own_telemetry::install_logs(app, &config)?;
    panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a task panicked")));
    feature_gates::notices(gates)
        .iter()
        .for_each(|notice| tracing::warn!("{notice}"));
    log_report(&warnings);

    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    // The logs in it are dropped last, on every way out: what was logged is written before the process ends.
    let mut process = Process {
        app,
        sources,
        shutdown_timeout,
        logs,
    };
    let result = runtime.block_on(process.run(&config));
    runtime.shutdown_timeout(LAST_WAIT);
    result
}

/// A gateway as a process.
struct Process<'a> {
    app: &'a App,
    sources: Sources,
    shutdown_timeout: Duration,
    logs: OwnLogs,
}

impl Process<'_> {
    async fn run(&mut self, config: &Config) -> anyhow::Result<ExitCode> {
        self.logs.start();
        let mut signals = Signals::catch().context("cannot catch signals")?;
        let supervisor = Supervisor::connect();
        announce(self.app);
        let started = signals.unless_pressed(Gateway::start(self.app, config)).await;
        let gateway =
            started.map_err(|Impatient| anyhow::anyhow!("stopped by a second signal while starting"))??;
        tracing::info!("Everything is ready. Begin running and processing data.");
        supervisor.ready("running");
        let result = self.serve(gateway, &mut signals, &supervisor).await;
        self.logs.shutdown(Instant::now() + LAST_PUSH).await;
        supervisor.leave().await;
        result
    }

    /// Runs until a signal or a failure, then stops.
    async fn serve(
        &mut self,
        mut gateway: Gateway,
        signals: &mut Signals,
        supervisor: &Supervisor,
    ) -> anyhow::Result<ExitCode> {
        let failure = loop {
            let request = tokio::select! {
                request = signals.request() => request,
                failure = gateway.failed() => break Some(failure),
            };
            if request == Request::Stop {
                break None;
            }
            supervisor.reloading();
            let stopping = signals.stopping();
            let reload = self.reload(&mut gateway, || stopping.is_cancelled());
            match signals.unless_pressed(reload).await {
                Ok(Reloaded::Running(status)) => supervisor.ready(status),
                Ok(Reloaded::Down(failure)) => break failure,
                Err(Impatient) => bail!("reload aborted by a second signal"),
            }
        };
        if let Some(failure) = &failure {
            tracing::error!(error = failure, "a component cannot go on, stopping");
        }
        supervisor.stopping();
        let timeout = self.shutdown_timeout;
        tracing::info!(?timeout, "Starting shutdown...");
        let ledger = gateway.ledger().clone();
        // Pinned here, so that what the components hold is still theirs when it is told.
        let mut stopping = pin!(gateway.shutdown(Instant::now() + timeout));
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

    /// Reads the sources again and puts what they say in the place of what runs.
    async fn reload(&mut self, gateway: &mut Gateway, stopping: impl Fn() -> bool) -> Reloaded {
        tracing::info!("Reloading the configuration...");
        let (sources, catalog) = (self.sources.clone(), self.app.catalog().clone());
        // Sources may be slow: files on a network, addresses.
        let read = tokio::task::spawn_blocking(move || configuration::read(&sources, &catalog)).await;
        let (config, warnings) = match read {
            Ok(Ok(read)) => read,
            Ok(Err(report)) => {
                log_report(&report);
                return refused(gateway, &format!("{} mistakes", report.count(Severity::Error)));
            }
            Err(error) => return refused(gateway, &error),
        };
        log_report(&warnings);
        if let Err(error) = self.replace_logs(&config) {
            return refused(gateway, &format!("{:#}", anyhow::Error::from(error)));
        }
        let before = gateway.config.clone();
        let deadline = Instant::now() + self.shutdown_timeout;
        let error = match gateway.reload(self.app, &config, deadline, stopping).await {
            Ok(drained) => {
                gateway.count_reload(ReloadResult::Success);
                log_errors(&drained);
                tracing::info!("Configuration reloaded.");
                return Reloaded::Running("running");
            }
            Err(error) => error,
        };
        if let Err(error) = self.replace_logs(&before) {
            tracing::error!(%error, "the logs stay as the new configuration wanted them");
        }
        let cause = || causes(&error);
        match error {
            ReloadError::Refused(_) => refused(gateway, &cause()),
            ReloadError::RolledBack(_) => {
                gateway.count_reload(ReloadResult::RolledBack);
                tracing::error!(error = cause(), "the old configuration was started again");
                Reloaded::Running("running the old configuration: the new one could not start")
            }
            ReloadError::Lost { .. } => Reloaded::Down(Some(cause())),
            ReloadError::Stopped => Reloaded::Down(None),
        }
    }

    fn replace_logs(&mut self, config: &Config) -> Result<(), OwnTelemetryError> {
        // Waits for the old outputs to have what they were given.
        tokio::task::block_in_place(|| self.logs.replace(self.app, config))
    }
}

/// What runs after a reload.
enum Reloaded {
    /// A configuration; in words, for the service manager.
    Running(&'static str),
    /// Nothing: because of a failure, or because the process is to stop.
    Down(Option<String>),
}

/// Says that the old configuration goes on as if nothing had happened.
fn refused(gateway: &mut Gateway, error: &dyn fmt::Display) -> Reloaded {
    gateway.count_reload(ReloadResult::Invalid);
    tracing::error!(%error, "the new configuration cannot be used, the old one goes on");
    Reloaded::Running("running the old configuration: the new one cannot be used")
}

/// Returns an error with its causes.
fn causes(error: &dyn Error) -> String {
    let causes = iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
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

/// Says what became of the data, in the last line.
fn log_end(report: &ShutdownReport, ledger: &Ledger) {
    log_errors(report);
    let accounts = ledger.accounts();
    let (left, dropped) = (left(&accounts), dropped(&accounts));
    if report.is_clean() {
        tracing::info!(left, dropped, "Shutdown complete.");
    } else {
        tracing::error!(left, dropped, "Shutdown complete, but not clean.");
    }
}

fn log_errors(report: &ShutdownReport) {
    for error in &report.errors {
        tracing::error!(error, "a component did not stop as it should");
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

/// Logs every diagnostic of a report, with its place.
fn log_report(report: &Report) {
    for diagnostic in report.diagnostics() {
        let place = report
            .position(diagnostic)
            .map(|(source, line, column)| format!("{source}:{line}:{column}"));
        let (path, advice, message) = (
            diagnostic.config_path(),
            diagnostic.advice(),
            diagnostic.message(),
        );
        match diagnostic.severity() {
            Severity::Error => tracing::error!(path, place, advice, "configuration: {message}"),
            Severity::Warning => tracing::warn!(path, place, advice, "configuration: {message}"),
        }
    }
}
