//! What a component is given when it is built and when it starts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;
use weir_pdata::{MemoryBudget, Signal};
use weir_telemetry::{Metrics, Tracer};

use crate::ledger::{Book, Ledger, NodeKey};
use crate::storage::Store;
use crate::{
    ClientAuth, ComponentId, ComponentKind, Extension, Notes, PipelineId, ServerAuth, ServerMiddleware,
    ServiceInfo, Sockets, StartError, StatusReporter,
};

/// Name and version of the running binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildInfo {
    /// Name of the command, for example `weir`.
    pub command: String,
    /// What it is, in a few words; also the product name in `User-Agent` headers.
    pub description: String,
    /// Version number.
    pub version: String,
}

impl BuildInfo {
    /// Returns the value of a `User-Agent` header: the description in lower case with dashes, and the version.
    pub fn user_agent(&self) -> String {
        let product = self
            .description
            .to_lowercase()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join("-");
        format!("{product}/{}", self.version)
    }
}

impl Default for BuildInfo {
    fn default() -> Self {
        Self {
            command: "weir".to_owned(),
            description: "Weir".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Where a running component reports that it cannot go on: the process then stops in good order and exits with an error.
#[derive(Debug, Clone, Default)]
pub struct Failures {
    first: watch::Sender<Option<String>>,
    /// Of the component that was given these.
    status: StatusReporter,
}

impl Failures {
    /// Returns the same for one component, whose status becomes a fatal error with its report.
    #[must_use]
    pub fn of(&self, status: StatusReporter) -> Self {
        Self {
            first: self.first.clone(),
            status,
        }
    }

    /// Reports that a component cannot go on, for example because its listener died. The first report counts.
    pub fn report(&self, component: &ComponentId, error: impl fmt::Display) {
        self.status.fatal(&error);
        self.first.send_if_modified(|first| {
            let news = first.is_none();
            first.get_or_insert_with(|| format!("{component}: {error}"));
            news
        });
    }

    /// Waits for a report.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: a report stays.
    pub async fn reported(&self) -> String {
        let mut reports = self.first.subscribe();
        match reports.wait_for(Option::is_some).await {
            Ok(report) => report.clone().unwrap_or_default(),
            Err(_) => std::future::pending().await,
        }
    }
}

/// Everything a component may ask for when it is built.
#[derive(Debug, Clone)]
pub struct BuildContext {
    /// The component's own id.
    pub id: ComponentId,
    /// Its kind.
    pub kind: ComponentKind,
    /// Its signal; none for receivers (one serves all signals) and extensions.
    pub signal: Option<Signal>,
    /// Its pipeline; only processors have one.
    pub pipeline: Option<PipelineId>,
    /// Registry of own metrics.
    pub metrics: Metrics,
    /// Makes own spans, if they are wanted.
    pub tracer: Tracer,
    /// The component's books.
    pub book: Book,
    /// The process's budget of bytes in flight.
    pub budget: MemoryBudget,
    /// The running binary.
    pub build_info: BuildInfo,
    /// Where to report that the component cannot go on.
    pub failures: Failures,
    /// Where to report how the component is doing.
    pub status: StatusReporter,
    /// What the component wants operators to see by name.
    pub notes: Notes,
}

impl BuildContext {
    /// Returns the component's place in the graph: its name in the books, and in storage.
    pub fn node(&self) -> NodeKey {
        NodeKey {
            kind: self.kind,
            id: self.id.clone(),
            signal: self.signal,
            pipeline: self.pipeline.clone(),
        }
    }

    /// Makes the context of a component that stands alone, for tests and tools.
    pub fn standalone(id: ComponentId, kind: ComponentKind, signal: Option<Signal>) -> Self {
        let ledger = Ledger::default();
        let book = ledger.book(NodeKey {
            kind,
            id: id.clone(),
            signal,
            pipeline: None,
        });
        Self {
            id,
            kind,
            signal,
            pipeline: None,
            metrics: Metrics::default(),
            tracer: Tracer::default(),
            book,
            budget: MemoryBudget::unlimited(),
            build_info: BuildInfo::default(),
            failures: Failures::default(),
            status: StatusReporter::default(),
            notes: Notes::default(),
        }
    }
}

/// What a component finds around it when it starts.
#[derive(Clone, Default)]
pub struct Host {
    extensions: Arc<BTreeMap<ComponentId, Arc<dyn Extension>>>,
    sockets: Sockets,
    service: Arc<ServiceInfo>,
    metrics: Metrics,
    tracer: Tracer,
    /// Whose host this is.
    component: Option<ComponentId>,
}

impl Host {
    /// Makes a host with these running extensions.
    pub fn new(extensions: BTreeMap<ComponentId, Arc<dyn Extension>>) -> Self {
        Self {
            extensions: Arc::new(extensions),
            sockets: Sockets::default(),
            service: Arc::default(),
            metrics: Metrics::default(),
            tracer: Tracer::default(),
            component: None,
        }
    }

    /// Returns the same for one component, by whose id what it opens is counted.
    #[must_use]
    pub fn of(&self, component: &ComponentId) -> Self {
        Self {
            component: Some(component.clone()),
            ..self.clone()
        }
    }

    /// Returns the component that this is given to, if the runtime gave it.
    pub const fn component(&self) -> Option<&ComponentId> {
        self.component.as_ref()
    }

    /// Puts the registry of own metrics in. Without one, what servers count themselves is not seen.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = metrics;
        self
    }

    /// Returns the registry of own metrics, for what servers count themselves.
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Puts the tracer in. Without one, servers and clients make no spans.
    #[must_use]
    pub fn with_tracer(mut self, tracer: Tracer) -> Self {
        self.tracer = tracer;
        self
    }

    /// Returns the tracer, for what servers and clients do.
    pub const fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// Adds the description of what runs.
    #[must_use]
    pub fn with_service(mut self, service: Arc<ServiceInfo>) -> Self {
        self.service = service;
        self
    }

    /// Returns what runs, for those who show it.
    pub const fn service(&self) -> &Arc<ServiceInfo> {
        &self.service
    }

    /// Puts the process's listening sockets in. Without them, servers open and close their own.
    #[must_use]
    pub fn with_sockets(mut self, sockets: Sockets) -> Self {
        self.sockets = sockets;
        self
    }

    /// Returns the process's listening sockets, for what serves.
    pub const fn sockets(&self) -> &Sockets {
        &self.sockets
    }

    /// Returns a running extension.
    pub fn extension(&self, id: &ComponentId) -> Option<&Arc<dyn Extension>> {
        self.extensions.get(id)
    }

    /// Opens the store that a storage extension keeps for a component, under the component's own place in the graph; see
    /// [`BuildContext::node`].
    ///
    /// # Errors
    ///
    /// There is no such extension, it keeps nothing, or the store cannot be opened.
    ///
    /// # Cancel safety
    ///
    /// That of [`Storage::open`](crate::Storage::open).
    pub async fn store(&self, storage: &ComponentId, owner: &NodeKey) -> Result<Arc<dyn Store>, StartError> {
        let extension = self.extension(storage).ok_or_else(|| {
            StartError::new(format!(
                "the storage `{storage}` is not running: list it in `service::extensions`"
            ))
        })?;
        let storage = extension
            .storage()
            .ok_or_else(|| StartError::new(format!("the extension `{storage}` is no storage")))?;
        let opened = storage.open(owner).await;
        opened.map_err(|error| StartError::new("cannot open the store").caused_by(error))
    }

    /// Returns what puts credentials on the requests of a client.
    ///
    /// # Errors
    ///
    /// There is no such extension, or it does not authenticate clients.
    pub fn client_auth(&self, id: &ComponentId) -> Result<Arc<dyn ClientAuth>, StartError> {
        let offer = |extension: &Arc<dyn Extension>| extension.client_auth();
        self.offered(id, offer, "authenticator", "client")
    }

    /// Returns what checks the requests to a server.
    ///
    /// # Errors
    ///
    /// There is no such extension, or it does not authenticate the clients of servers.
    pub fn server_auth(&self, id: &ComponentId) -> Result<Arc<dyn ServerAuth>, StartError> {
        let offer = |extension: &Arc<dyn Extension>| extension.server_auth();
        self.offered(id, offer, "authenticator", "server")
    }

    /// Returns what decides on the requests to a server before their bodies are read.
    ///
    /// # Errors
    ///
    /// There is no such extension, or it is no middleware for servers.
    pub fn server_middleware(&self, id: &ComponentId) -> Result<Arc<dyn ServerMiddleware>, StartError> {
        let offer = |extension: &Arc<dyn Extension>| extension.server_middleware();
        self.offered(id, offer, "middleware", "server")
    }

    fn offered<T>(
        &self,
        id: &ComponentId,
        offer: impl Fn(&Arc<dyn Extension>) -> Option<T>,
        role: &str,
        side: &str,
    ) -> Result<T, StartError> {
        let extension = self.extension(id).ok_or_else(|| {
            StartError::new(format!(
                "the {role} `{id}` is not running: list it in `service::extensions`"
            ))
        })?;
        offer(extension).ok_or_else(|| {
            StartError::new(format!(
                "the extension `{id}`, as it is configured, is no {role} for a {side}"
            ))
        })
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.extensions.keys()).finish()
    }
}

#[cfg(test)]
mod tests;
