//! What components implement.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use weir_pdata::{Batch, Signal};

use crate::storage::Storage;
use crate::{
    BuildContext, BuildError, ClientAuth, ComponentConfig, ConsumeError, Consumer, Host, PipelineId,
    ServerAuth, ServerMiddleware, ShutdownError, StartError,
};

/// What the runtime starts and stops.
///
/// Start and stop come once each, in this order. Everything else may happen at the same time.
#[async_trait]
pub trait Component: Send + Sync + 'static {
    /// Opens what the component needs: sockets, files, tasks. Steps that come after this one are already started.
    ///
    /// # Errors
    ///
    /// [`StartError`] stops the whole process before it takes any data.
    async fn start(self: Arc<Self>, host: &Host) -> Result<(), StartError> {
        let _ = host;
        Ok(())
    }

    /// Stops: takes nothing more, finishes what it holds by `deadline`, closes what it opened. Steps before this one are
    /// already stopped, steps after it still run.
    ///
    /// # Errors
    ///
    /// [`ShutdownError`] says what was left behind.
    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        let _ = deadline;
        Ok(())
    }
}

/// Brings data in: tasks that own the consumers of the pipelines they feed.
pub trait Receiver: Component + Sized {
    /// Options of the receiver.
    type Config: ComponentConfig;

    /// Makes the receiver without opening anything. One receiver serves all signals that have pipelines.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for what validation cannot see.
    fn build(config: &Self::Config, context: &BuildContext, outputs: Outputs) -> Result<Self, BuildError>;
}

/// The consumers that a receiver feeds, one per signal that has pipelines.
#[derive(Debug, Clone, Default)]
pub struct Outputs {
    /// Takes metrics.
    pub metrics: Option<Consumer>,
    /// Takes traces.
    pub traces: Option<Consumer>,
    /// Takes logs.
    pub logs: Option<Consumer>,
}

impl Outputs {
    /// Returns the consumer of a signal.
    pub const fn of(&self, signal: Signal) -> Option<&Consumer> {
        match signal {
            Signal::Metrics => self.metrics.as_ref(),
            Signal::Traces => self.traces.as_ref(),
            Signal::Logs => self.logs.as_ref(),
        }
    }

    /// Sets the consumer of a signal.
    pub fn set(&mut self, signal: Signal, consumer: Consumer) {
        *match signal {
            Signal::Metrics => &mut self.metrics,
            Signal::Traces => &mut self.traces,
            Signal::Logs => &mut self.logs,
        } = Some(consumer);
    }
}

/// A step that looks at one batch at a time and does not wait. The runtime makes a consumer of it.
pub trait Processor: Send + Sync + Sized + 'static {
    /// Options of the processor.
    type Config: ComponentConfig;

    /// Makes the processor.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for what validation cannot see.
    fn build(config: &Self::Config, context: &BuildContext) -> Result<Self, BuildError>;

    /// Looks at or changes a batch. Batches may come from several threads at once.
    ///
    /// Items that the processor takes away, and those that it adds, it counts in its [`Book`](crate::Book).
    ///
    /// # Errors
    ///
    /// [`ConsumeError`] refuses the batch: the caller keeps it.
    fn process(&self, batch: &mut Batch) -> Result<Verdict, ConsumeError>;
}

/// What becomes of a batch after a [`Processor`] saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on to the next step.
    Forward,
    /// Nothing of it is left; what was dropped is in the books.
    Drop,
}

/// A step that waits, holds timers or keeps batches: it owns the next consumer.
#[async_trait]
pub trait Layer: Component + Sized {
    /// Options of the processor.
    type Config: ComponentConfig;

    /// Makes the step in front of `next`.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for what validation cannot see.
    fn build(config: &Self::Config, context: &BuildContext, next: Consumer) -> Result<Self, BuildError>;

    /// Takes a batch; returns when it is safe.
    ///
    /// # Errors
    ///
    /// [`ConsumeError`] unless all of the batch was taken.
    async fn consume(&self, batch: Batch) -> Result<(), ConsumeError>;
}

/// Takes data out.
#[async_trait]
pub trait Exporter: Component + Sized {
    /// Options of the exporter.
    type Config: ComponentConfig;

    /// Makes the exporter without opening anything.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for what validation cannot see.
    fn build(config: &Self::Config, context: &BuildContext) -> Result<Self, BuildError>;

    /// Takes a batch; returns when it is safe. What is delivered, held and dropped the exporter counts in its
    /// [`Book`](crate::Book).
    ///
    /// # Errors
    ///
    /// [`ConsumeError`] unless all of the batch was taken.
    async fn export(&self, batch: Batch) -> Result<(), ConsumeError>;
}

/// Ends pipelines and begins others.
#[async_trait]
pub trait Connector: Component + Sized {
    /// Options of the connector.
    type Config: ComponentConfig;

    /// Makes the connector between pipelines of one signal and the given pipelines of another (or the same) signal.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for what validation cannot see.
    fn build(
        config: &Self::Config,
        context: &BuildContext,
        outputs: BTreeMap<PipelineId, Consumer>,
    ) -> Result<Self, BuildError>;

    /// Takes a batch; returns when it is safe.
    ///
    /// # Errors
    ///
    /// [`ConsumeError`] unless all of the batch was taken.
    async fn consume(&self, batch: Batch) -> Result<(), ConsumeError>;
}

/// Serves beside the pipelines.
#[async_trait]
pub trait Extension: Component {
    /// Options of the extension.
    type Config: ComponentConfig
    where
        Self: Sized;

    /// Makes the extension without opening anything.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for what validation cannot see.
    fn build(config: &Self::Config, context: &BuildContext) -> Result<Self, BuildError>
    where
        Self: Sized;

    /// Learns that all pipelines have started (`true`), or that they are about to stop (`false`).
    fn pipelines_ready(&self, ready: bool) {
        let _ = ready;
    }

    /// Returns what puts credentials on the requests of clients that name this extension as their authenticator, if it can. May be
    /// called before the extension has started.
    fn client_auth(&self) -> Option<Arc<dyn ClientAuth>> {
        None
    }

    /// Returns what checks the requests to servers that name this extension as their authenticator, if it can. May be called before
    /// the extension has started.
    fn server_auth(&self) -> Option<Arc<dyn ServerAuth>> {
        None
    }

    /// Returns what keeps the state of components that name this extension as their `storage`, if it can. May be called before the
    /// extension has started.
    fn storage(&self) -> Option<Arc<dyn Storage>> {
        None
    }

    /// Returns what decides on the requests to servers that name this extension in `middlewares`, if it can. May be called before the
    /// extension has started.
    fn server_middleware(&self) -> Option<Arc<dyn ServerMiddleware>> {
        None
    }
}
