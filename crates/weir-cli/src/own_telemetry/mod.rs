//! Weir's own telemetry, as `service::telemetry` asks for it.
//!
//! ```text
//! metrics  registry --snapshot--> endpoints to scrape, and pushes from time to time
//! spans    tracer ---------\
//! logs     lines, records --+--> bounded queues --> pushes
//! ```
//!
//! [`OwnTelemetry`] is all of it but the log lines: started with a configuration, shut down with a deadline, so that another one can
//! take its place. What pushes do, and what they lose, is counted in own metrics and told in the log, seldom.

mod detect;
mod otlp;
mod own_logs;
mod periodic;
mod pull;
mod push;
mod queue;
mod resource;
mod settings;
mod tracer;

use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weir_component::{Ledger, Signal, Sockets};
use weir_config::Config;
use weir_config::telemetry::{MetricReader, PeriodicReader, PrometheusReader};
use weir_net::server::{LocalAddress, Running, ServerError};
use weir_pdata::Decoded;
use weir_telemetry::{Metrics, Process, Tracer, logs};

use crate::App;
pub use own_logs::OwnLogs;
use periodic::{Periodic, Telling};
pub(crate) use push::Counts;
use push::Destination;
pub use push::DestinationError;
use resource::OwnResource;
use tracer::Spans;

/// Sets up the logs that `config` asks for, for the whole process. Log records are pushed from [`OwnLogs::start`] on.
///
/// # Errors
///
/// [`OwnTelemetryError::Logs`], [`OwnTelemetryError::Push`].
pub fn install_logs(app: &App, config: &Config) -> Result<OwnLogs, OwnTelemetryError> {
    OwnLogs::install(app, config)
}

/// Why own telemetry cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum OwnTelemetryError {
    /// An endpoint of own metrics cannot be opened.
    #[error("cannot serve own metrics")]
    Serve(#[from] ServerError),
    /// The logs cannot be set up.
    #[error(transparent)]
    Logs(#[from] logs::LogError),
    /// Own telemetry cannot be pushed to where the configuration says.
    #[error("cannot push own {0}")]
    Push(&'static str, #[source] DestinationError),
}

/// What is read when metrics are.
#[derive(Debug)]
pub(crate) struct Source {
    metrics: Metrics,
    ledger: Ledger,
    process: Process,
    counts: Arc<Counts>,
}

impl Source {
    fn snapshot(&self) -> weir_telemetry::Snapshot {
        self.ledger.publish(&self.metrics);
        self.process.publish(&self.metrics);
        self.counts.publish(&self.metrics);
        self.metrics.snapshot()
    }
}

/// Own telemetry: made, started, shut down.
#[derive(Debug)]
pub(crate) struct OwnTelemetry {
    metrics: Metrics,
    tracer: Tracer,
    process: Process,
    resource: Arc<OwnResource>,
    counts: Arc<Counts>,
    readers: Vec<Reader>,
    spans: Spans,
    /// What each place has been told of metrics.
    told: Vec<Telling>,
    servers: Vec<Running>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Who will read metrics.
#[derive(Debug)]
enum Reader {
    Pull(PrometheusReader),
    Periodic(Box<(PeriodicReader, Destination, Telling)>),
}

impl OwnTelemetry {
    /// Makes what `config` asks for. Reads certificates and what the resource is made of; opens nothing.
    ///
    /// # Errors
    ///
    /// [`OwnTelemetryError::Push`].
    pub(crate) fn new(app: &App, config: &Config) -> Result<Self, OwnTelemetryError> {
        let telemetry = &config.service.telemetry;
        let readers = telemetry.metrics.readers.iter().map(|reader| match reader {
            MetricReader::Pull(reader) => Ok(Reader::Pull(reader.clone())),
            MetricReader::Periodic(reader) => Destination::new(app, &reader.exporter, Signal::Metrics)
                .map(|destination| {
                    let told = Telling::to(&reader.exporter);
                    Reader::Periodic(Box::new((reader.clone(), destination, told)))
                })
                .map_err(|error| OwnTelemetryError::Push("metrics", error)),
        });
        let (tracer, spans) = tracer::tracer(app, &telemetry.traces)?;
        Ok(Self {
            metrics: settings::registry(&telemetry.metrics),
            tracer,
            process: Process::new(app.heap_reader()),
            resource: Arc::new(OwnResource::of(app, &telemetry.resource)),
            counts: Arc::clone(app.pushes()),
            readers: readers.collect::<Result<_, _>>()?,
            spans,
            told: Vec::new(),
            servers: Vec::new(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    /// Returns the registry of own metrics.
    pub(crate) const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Returns the tracer of own spans.
    pub(crate) const fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// Goes on with the registry of the telemetry before, so that counters do; who was told what is new is told what is new since.
    pub(crate) fn keep_metrics(&mut self, before: &Self) {
        self.metrics = before.metrics.clone();
        for reader in &mut self.readers {
            if let Reader::Periodic(periodic) = reader
                && let Some(known) = before.told.iter().find(|known| known.is_to_same(&periodic.2))
            {
                periodic.2 = known.clone();
            }
        }
    }

    /// Opens endpoints and starts pushes. `ledger` has the books that metrics show, `sockets` those that endpoints take over.
    ///
    /// # Errors
    ///
    /// [`OwnTelemetryError::Serve`]; nothing is left open.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: what has started keeps running.
    pub(crate) async fn start(
        &mut self,
        ledger: &Ledger,
        sockets: &Sockets,
    ) -> Result<(), OwnTelemetryError> {
        let source = Arc::new(Source {
            metrics: self.metrics.clone(),
            ledger: ledger.clone(),
            process: self.process.clone(),
            counts: Arc::clone(&self.counts),
        });
        for reader in std::mem::take(&mut self.readers) {
            match reader {
                Reader::Pull(reader) => {
                    let exposition = settings::exposition(&reader, &self.resource);
                    match pull::serve(&reader, exposition, Arc::clone(&source), sockets).await {
                        Ok(server) => self.servers.push(server),
                        Err(error) => {
                            self.shutdown(Instant::now()).await;
                            return Err(error.into());
                        }
                    }
                }
                Reader::Periodic(periodic) => {
                    let (reader, destination, told) = *periodic;
                    self.told.push(told.clone());
                    let (resource, source) = (Arc::clone(&self.resource), Arc::clone(&source));
                    let periodic = Periodic::new(&reader, destination, told, resource, source);
                    self.tasks.spawn(periodic.run(self.stop.clone()));
                }
            }
        }
        for (queue, destination) in std::mem::take(&mut self.spans) {
            let resource = Arc::clone(&self.resource);
            let encode = move |spans| Decoded::Traces(otlp::spans::request(spans, &resource));
            self.tasks
                .spawn(queue.work(destination, encode, self.stop.clone()));
        }
        Ok(())
    }

    /// Returns the addresses of the endpoints to scrape, in the order of the configuration.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &LocalAddress> {
        self.servers.iter().map(Running::local_address)
    }

    /// Pushes what there is a last time, and closes the endpoints. What is not pushed by `deadline` is dropped.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: endpoints that were not reached stay open.
    pub(crate) async fn shutdown(&self, deadline: Instant) {
        self.stop.cancel();
        self.tasks.close();
        let pushed = tokio::time::timeout_at(deadline.into(), self.tasks.wait()).await;
        if pushed.is_err() {
            tracing::warn!(target: logs::QUIET, "own telemetry could not be pushed in time");
        }
        for server in &self.servers {
            server.shutdown(deadline).await;
        }
    }
}
