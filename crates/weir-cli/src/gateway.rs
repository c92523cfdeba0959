//! A running gateway: the graph of a configuration and the endpoint of own metrics.

use std::fmt;
use std::time::Instant;

use weir_component::{Ledger, MemoryBudget, Sockets};
use weir_config::Config;
use weir_net::server::{LocalAddress, ServerError};
use weir_runtime::{BuildFailure, Running, Runtime, Settings, ShutdownReport, StartFailure};
use weir_telemetry::{Metrics, Process};

use crate::own_metrics::{OwnMetrics, Source};
use crate::own_telemetry;
use crate::{App, feature_gates};

/// A gateway that takes data. For binaries that run one beside other things; [`App::main`] does the rest as well.
#[derive(Debug)]
pub struct Gateway {
    running: Running,
    own_metrics: OwnMetrics,
}

/// Why a gateway does not run.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Components that cannot be built, all of them.
    #[error("{}", Lines(.0))]
    Build(Vec<BuildFailure>),
    /// The endpoint of own metrics cannot be opened.
    #[error("cannot serve own metrics")]
    OwnMetrics(#[from] ServerError),
    /// A component cannot start.
    #[error(transparent)]
    Start(#[from] StartFailure),
}

/// Build failures, one per line, each with its causes.
struct Lines<'a>(&'a [BuildFailure]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, failure) in self.0.iter().enumerate() {
            let separator = if index > 0 { "\n" } else { "" };
            write!(f, "{separator}{failure}")?;
            let mut cause = std::error::Error::source(failure);
            while let Some(error) = cause {
                write!(f, ": {error}")?;
                cause = error.source();
            }
        }
        Ok(())
    }
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
        let telemetry = &config.service.telemetry.metrics;
        let metrics = own_telemetry::metrics(app, config);
        let ledger = Ledger::default();
        let runtime = build(app, config, metrics.clone(), ledger.clone())?;
        let source = Source {
            metrics,
            ledger,
            process: Process::new(app.heap_reader()),
        };
        let own_metrics = OwnMetrics::start(telemetry.prometheus.as_ref(), source).await?;
        match runtime.start().await {
            Ok(running) => Ok(Self { running, own_metrics }),
            Err(failure) => {
                own_metrics.shutdown(Instant::now()).await;
                Err(failure.into())
            }
        }
    }

    /// Returns where own metrics are served; none with `level: none`.
    pub fn metrics_address(&self) -> Option<&LocalAddress> {
        self.own_metrics.address()
    }

    /// Returns the books.
    pub const fn ledger(&self) -> &Ledger {
        self.running.ledger()
    }

    /// Waits until a component cannot go on; says which and why.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn failed(&self) -> String {
        self.running.failed().await
    }

    /// Stops: receivers first, exporters when they have delivered, own metrics last. What is not done by `deadline` is left
    /// behind and reported.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: components that were not reached keep running.
    pub async fn shutdown(self, deadline: Instant) -> ShutdownReport {
        let report = self.running.shutdown(deadline).await;
        self.own_metrics.shutdown(deadline).await;
        report
    }
}

/// Builds the graph without opening anything.
pub(crate) fn build(
    app: &App,
    config: &Config,
    metrics: Metrics,
    ledger: Ledger,
) -> Result<Runtime, GatewayError> {
    let settings = Settings {
        metrics,
        ledger,
        budget: MemoryBudget::unlimited(),
        build_info: app.build_info().clone(),
        sockets: Sockets::default(),
        feature_gates: feature_gates::known(),
    };
    Runtime::build(config, settings).map_err(GatewayError::Build)
}
