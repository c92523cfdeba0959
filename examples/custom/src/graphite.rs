//! `graphite` exporter: writes metrics to a Graphite server, in its plaintext protocol over TCP.
//!
//! A line is `path;tag=value value seconds`. Attributes of a point become tags; a histogram or summary becomes two lines, `path.count`
//! and `path.sum`. Queue, retries and their options are those of Weir's own exporters.

mod lines;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower::{ServiceBuilder, ServiceExt as _};
use weir_component::config::{OnUnlessDisabled, duration};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{
    Batch, BuildContext, BuildError, Component, ConsumeError, Consumer, Exporter, ExporterFactory, Host,
    Refusal, ShutdownError, Signal, Stability, StartError, Validate, Violations, async_trait,
};
use weir_export::{
    Closing, CutoffLayer, Delivery, ExporterMetrics, RetryLayer, RetryOnFailure, SendingQueue, TimeoutLayer,
};

use lines::Lines;

/// Options of the `graphite` exporter.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Server as `host:port`. Required.
    pub endpoint: String,
    /// Longest time of one attempt; 0 is no limit. Default: 5s.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub timeout: Duration,
    /// The queue in memory. Default: on.
    pub sending_queue: OnUnlessDisabled<SendingQueue>,
    /// How a batch is sent again.
    pub retry_on_failure: RetryOnFailure,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            timeout: Duration::from_secs(5),
            sending_queue: OnUnlessDisabled::default(),
            retry_on_failure: RetryOnFailure::default(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        let has_port = self
            .endpoint
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        found.require(has_port, "endpoint", "must be `host:port`");
        found.nested("sending_queue", &self.sending_queue);
        found.nested("retry_on_failure", &self.retry_on_failure);
    }
}

/// What a binary lists to offer this exporter.
pub const FACTORY: ExporterFactory =
    ExporterFactory::of::<Graphite>("graphite", Stability::Alpha).signals(&[Signal::Metrics]);

/// The `graphite` exporter.
pub struct Graphite {
    delivery: Delivery,
}

impl Graphite {
    /// Returns the step that delivers one batch; what it answers decides what the books say.
    fn deliver(config: &Config, metrics: &ExporterMetrics, closing: &Closing) -> Consumer {
        let endpoint: Arc<str> = config.endpoint.as_str().into();
        let send = ServiceBuilder::new()
            // Nothing below outlives the time to stop.
            .layer(CutoffLayer::new(closing.clone()))
            .layer(RetryLayer::new(config.retry_on_failure).counting(metrics.retries()))
            // Each attempt has the time for itself.
            .layer(TimeoutLayer::new(config.timeout))
            .service_fn(move |lines: Arc<Lines>| send(Arc::clone(&endpoint), lines));
        Consumer::from_fn(move |batch: Batch| {
            let send = send.clone();
            async move {
                let lines = Arc::new(Lines::of(&batch));
                send.oneshot(Arc::clone(&lines)).await?;
                refused(lines.skipped)
            }
        })
    }
}

#[async_trait]
impl Exporter for Graphite {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        let (metrics, closing) = (ExporterMetrics::new(context), Closing::default());
        let deliver = Self::deliver(config, &metrics, &closing);
        let queue = config.sending_queue.as_ref().map(SendingQueue::rules);
        Ok(Self {
            delivery: Delivery::new(context, metrics, closing, queue, deliver),
        })
    }

    async fn export(&self, batch: Batch) -> Result<(), ConsumeError> {
        self.delivery.consume(batch).await
    }
}

#[async_trait]
impl Component for Graphite {
    async fn start(self: Arc<Self>, _host: &Host) -> Result<(), StartError> {
        self.delivery.start();
        Ok(())
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        self.delivery.shutdown(deadline).await
    }
}

/// Sends all lines over a connection of their own. Graphite answers nothing: that it closed its side in good order is the sign that it
/// has read everything.
async fn send(endpoint: Arc<str>, lines: Arc<Lines>) -> Result<(), ConsumeError> {
    let sent = async {
        let mut stream = TcpStream::connect(&*endpoint).await?;
        stream.write_all(lines.text.as_bytes()).await?;
        stream.shutdown().await?;
        stream.read(&mut [0]).await
    };
    sent.await
        .map(drop)
        .map_err(|error| ConsumeError::unavailable("cannot send to Graphite").caused_by(error))
}

/// Points that have no line are dropped, and said so.
fn refused(items: u64) -> Result<(), ConsumeError> {
    if items == 0 {
        return Ok(());
    }
    let reason = Refusal {
        reason: "no_value",
        items,
    };
    Err(ConsumeError::partial(
        vec![reason],
        format!("{items} points have no value"),
    ))
}
