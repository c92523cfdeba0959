//! A running gateway: the graph of a configuration and Weir's own telemetry. `reload.rs` puts one configuration in the place of
//! another.

use std::error::Error;
use std::time::Instant;

use weir_component::{Ledger, MemoryBudget, Sockets};
use weir_config::{Config, Mistake, Report, Severity};
use weir_net::server::LocalAddress;
use weir_runtime::{BuildFailure, GraphError, Running, Runtime, Settings, ShutdownReport, StartFailure};
use weir_telemetry::{Level, Metrics, Tracer};

use crate::own_telemetry::{OwnTelemetry, OwnTelemetryError};
use crate::reload::Reloads;
use crate::{App, feature_gates};

/// A gateway that takes data. For binaries that run one beside other things; [`App::main`] does the rest as well.
#[derive(Debug)]
pub struct Gateway {
    /// What runs.
    pub(crate) config: Config,
    pub(crate) graph: Graph,
    /// What the graph shares with the graphs after it.
    pub(crate) settings: Settings,
    pub(crate) own: OwnTelemetry,
    /// Those of own metrics are apart from those of the graph: their servers overlap in a reload.
    pub(crate) own_sockets: Sockets,
    pub(crate) reloads: Reloads,
}

/// The graph of a gateway.
#[derive(Debug)]
pub(crate) enum Graph {
    /// Takes data.
    Up(Running),
    /// Was stopped during a reload, and left this behind.
    Down(ShutdownReport),
}

/// Why a gateway does not run.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Components that cannot be built, all of them, with their places in the configuration.
    #[error("{0}")]
    Build(Report),
    /// Own telemetry cannot be served or pushed.
    #[error(transparent)]
    OwnTelemetry(#[from] OwnTelemetryError),
    /// A component cannot start.
    #[error(transparent)]
    Start(#[from] StartFailure),
}

impl Gateway {
    /// Builds and starts everything that `config` names. Own logs are the caller's to set up.
    ///
    /// # Errors
    ///
    /// See [`GatewayError`]; nothing is left open.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: components that have started keep running.
    pub async fn start(app: &App, config: &Config) -> Result<Self, GatewayError> {
        let mut own = OwnTelemetry::new(app, config)?;
        let settings = Settings {
            metrics: own.metrics().clone(),
            tracer: own.tracer().clone(),
            ..settings(app)
        };
        let runtime = build(config, settings.clone())?;
        let own_sockets = Sockets::default();
        own.start(&settings.ledger, &own_sockets).await?;
        match runtime.start().await {
            Ok(running) => Ok(Self {
                config: config.clone(),
                graph: Graph::Up(running),
                reloads: Reloads::new(&settings.metrics),
                settings,
                own,
                own_sockets,
            }),
            Err(failure) => {
                own.shutdown(Instant::now()).await;
                Err(failure.into())
            }
        }
    }

    /// Returns where own metrics are served, by the first reader that is scraped; none with `level: none`.
    pub fn metrics_address(&self) -> Option<&LocalAddress> {
        self.own.addresses().next()
    }

    /// Returns where own metrics are served, in the order of the readers.
    pub fn metrics_addresses(&self) -> impl Iterator<Item = &LocalAddress> {
        self.own.addresses()
    }

    /// Returns the books.
    pub const fn ledger(&self) -> &Ledger {
        &self.settings.ledger
    }

    /// Waits until a component cannot go on; says which and why.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn failed(&self) -> String {
        match &self.graph {
            Graph::Up(running) => running.failed().await,
            Graph::Down(_) => std::future::pending().await,
        }
    }

    /// Stops: receivers first, exporters when they have delivered, own telemetry last. What is not done by `deadline` is left
    /// behind and reported.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: components that were not reached keep running.
    pub async fn shutdown(self, deadline: Instant) -> ShutdownReport {
        let report = match self.graph {
            Graph::Up(running) => running.shutdown(deadline).await,
            Graph::Down(report) => report,
        };
        self.own.shutdown(deadline).await;
        report
    }
}

/// Returns what the graphs of a process share, new and empty.
fn settings(app: &App) -> Settings {
    Settings {
        metrics: Metrics::new(Level::None),
        tracer: Tracer::default(),
        ledger: Ledger::default(),
        budget: MemoryBudget::unlimited(),
        build_info: app.build_info().clone(),
        sockets: Sockets::default(),
        feature_gates: feature_gates::known(app.gates()),
    }
}

/// Builds everything that a configuration names and throws it away. Opens nothing, and touches nothing that a running graph
/// shares.
pub(crate) fn build_unopened(app: &App, config: &Config) -> Result<(), GatewayError> {
    build(config, settings(app)).map(drop)
}

/// Builds the graph without opening anything.
fn build(config: &Config, settings: Settings) -> Result<Runtime, GatewayError> {
    Runtime::build(config, settings).map_err(|failures| GatewayError::of(GraphError::Build(failures), config))
}

impl GatewayError {
    /// Says why the graph of `config` does not run.
    pub(crate) fn of(error: GraphError, config: &Config) -> Self {
        match error {
            GraphError::Build(failures) => Self::Build(config.report(failures.iter().map(mistake))),
            GraphError::Start(failure) => Self::Start(failure),
        }
    }
}

/// A build failure, with its causes.
fn mistake(failure: &BuildFailure) -> Mistake {
    let mut message = failure.message.clone();
    // The first source is the message itself.
    let mut cause = failure.source().and_then(Error::source);
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    Mistake {
        severity: Severity::Error,
        path: failure.place.clone(),
        message,
        advice: failure.advice.clone(),
    }
}
