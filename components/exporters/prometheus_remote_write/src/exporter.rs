//! The exporter: built from its options, started, stopped.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use tokio::task::JoinSet;
use weir_component::{
    Batch, BuildContext, BuildError, Component, ConsumeError, Consumer, Exporter, Host, ShutdownError,
    StartError, async_trait,
};
use weir_export::{Closing, Delivery, ExporterMetrics, RetryLayer, TimeoutLayer};
use weir_net::client::{HttpClient, ProxyEnvironment, Target};

use crate::Config;
use crate::delivery::RemoteWrite;
use crate::encoder::Encoder;
use crate::lookout::Lookout;
use crate::metrics::RemoteWriteMetrics;
use crate::negotiation::Negotiation;
use crate::sender::{HttpSender, Sender};

/// The `prometheus_remote_write` exporter.
pub struct PrometheusRemoteWrite {
    remote_write: Arc<RemoteWrite>,
    delivery: Delivery,
    transport: HttpClient,
    target: Arc<Target>,
    user_agent: String,
    retry_429: bool,
    /// Whether silent series end.
    marks: bool,
    /// What ends silent series, from start to shutdown.
    tending: Mutex<JoinSet<()>>,
}

#[async_trait]
impl Exporter for PrometheusRemoteWrite {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        for warning in config.warnings() {
            tracing::warn!(exporter = %context.id, "{warning}");
        }
        let target = Target::parse(config.endpoint())
            .map_err(|error| BuildError::new("invalid endpoint").caused_by(error))?;
        let (protocol, parallelism, queue) = (config.protocol(), config.parallelism(), config.queue());
        let encoder = Encoder::new(config.translation(), protocol, parallelism)
            .map_err(|error| BuildError::new("invalid translation settings").caused_by(error))?;
        let endpoint = target.to_string();
        let lookout = config
            .watching()
            .map(|rules| Arc::new(Lookout::new(rules, config.max_watch_bytes, context, &endpoint)));
        let encoder = encoder.seen_by(lookout.clone());
        let fallback = config.protobuf_message_fallback && encoder.can_fall_back();
        let (closing, metrics) = (Closing::default(), ExporterMetrics::new(context));
        let remote_write = Arc::new(RemoteWrite {
            encoder,
            negotiation: Negotiation::new(protocol, fallback),
            retry: RetryLayer::new(config.retry_on_failure.resolved()).counting(metrics.retries()),
            timeout: TimeoutLayer::new(config.timeout()),
            closing: closing.clone(),
            caller_keeps: queue.is_none(),
            metrics: Arc::new(RemoteWriteMetrics::new(context, &endpoint, parallelism.get())),
            lookout,
            book: context.book.clone(),
            sender: OnceLock::new(),
        });
        let delivering = Arc::clone(&remote_write);
        let deliver = Consumer::from_fn(move |batch| {
            let remote_write = Arc::clone(&delivering);
            async move { remote_write.deliver(batch).await }
        });
        Ok(Self {
            remote_write,
            delivery: Delivery::new(context, metrics, closing, queue, deliver),
            transport: config.transport(),
            target: Arc::new(target),
            user_agent: context.build_info.user_agent(),
            retry_429: config.retry_on_http_429,
            marks: config.staleness.enabled,
            tending: Mutex::default(),
        })
    }

    async fn export(&self, batch: Batch) -> Result<(), ConsumeError> {
        self.delivery.consume(batch).await
    }
}

#[async_trait]
impl Component for PrometheusRemoteWrite {
    async fn start(self: Arc<Self>, host: &Host) -> Result<(), StartError> {
        let client = self
            .transport
            .build(host, &ProxyEnvironment::of_process(), &self.user_agent)
            .map_err(|error| StartError::new("cannot set up the client").caused_by(error))?;
        let sender = HttpSender {
            client,
            target: Arc::clone(&self.target),
            metrics: Arc::clone(&self.remote_write.metrics),
            retry_429: self.retry_429,
        };
        self.begin(Sender::new(sender), host);
        Ok(())
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        // What is silent now may be so because Weir stops.
        let mut tending = std::mem::take(&mut *self.tending());
        tending.shutdown().await;
        self.delivery.shutdown(deadline).await
    }
}

impl PrometheusRemoteWrite {
    /// Begins to deliver through `sender`.
    pub(crate) fn begin(&self, sender: Sender, host: &Host) {
        if self.remote_write.sender.set(sender).is_ok() {
            self.delivery.start();
            if self.remote_write.lookout.is_some() {
                let remote_write = Arc::clone(&self.remote_write);
                let (marks, components) = (self.marks, host.service().components.clone());
                self.tending()
                    .spawn(async move { remote_write.tend_series(marks, &components).await });
            }
        }
    }

    fn tending(&self) -> std::sync::MutexGuard<'_, JoinSet<()>> {
        self.tending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
