//! The exporter: built from its options, started, stopped; and the requests that it makes of a batch.

use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use tower::{ServiceBuilder, ServiceExt as _};
use weir_component::{
    Batch, BuildContext, BuildError, Component, ConsumeError, Consumer, Context, Exporter, Host,
    ShutdownError, Signal, StartError, async_trait,
};
use weir_export::{Closing, CutoffLayer, Delivery, ExporterMetrics, RetryLayer, TimeoutLayer};
use weir_net::client::{Client, HttpClient, Outgoing, ProxyEnvironment, Target};

use crate::{Config, Format, answer};

/// The `otlp_http` exporter.
pub struct OtlpHttp {
    requests: Arc<Requests>,
    delivery: Delivery,
    transport: HttpClient,
    user_agent: String,
}

/// Makes requests of batches.
struct Requests {
    signal: Signal,
    target: Target,
    format: Format,
    retry: RetryLayer,
    /// Of one attempt.
    timeout: TimeoutLayer,
    closing: Closing,
    /// Set when the exporter starts.
    client: OnceLock<Client>,
}

#[async_trait]
impl Exporter for OtlpHttp {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        let signal = context
            .signal
            .ok_or_else(|| BuildError::new("an exporter needs a signal"))?;
        let target = config
            .target(signal)
            .map_err(|error| BuildError::new("invalid endpoint").caused_by(error))?
            .ok_or_else(|| {
                BuildError::new(format!(
                    "no endpoint for {signal}: set `endpoint` or `{signal}_endpoint`"
                ))
            })?;
        let metrics = metrics_of(context, &target);
        let closing = Closing::default();
        let requests = Arc::new(Requests {
            signal,
            target,
            format: config.encoding,
            retry: RetryLayer::new(config.retry_on_failure).counting(metrics.retries()),
            timeout: TimeoutLayer::new(config.client.timeout),
            closing: closing.clone(),
            client: OnceLock::new(),
        });
        let delivering = Arc::clone(&requests);
        let deliver = Consumer::from_fn(move |batch| {
            let requests = Arc::clone(&delivering);
            async move { requests.deliver(batch).await }
        });
        let queue = config.sending_queue.as_ref().map(|queue| queue.rules());
        Ok(Self {
            requests,
            delivery: Delivery::new(context, metrics, closing, queue, deliver),
            transport: config.transport(),
            user_agent: context.build_info.user_agent(),
        })
    }

    async fn export(&self, batch: Batch) -> Result<(), ConsumeError> {
        self.delivery.consume(batch).await
    }
}

#[async_trait]
impl Component for OtlpHttp {
    async fn start(self: Arc<Self>, host: &Host) -> Result<(), StartError> {
        let client = self
            .transport
            .build(host, &ProxyEnvironment::of_process(), &self.user_agent)
            .map_err(|error| StartError::new("cannot set up the client").caused_by(error))?;
        if self.requests.client.set(client).is_ok() {
            self.delivery.start();
        }
        Ok(())
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        self.delivery.shutdown(deadline).await
    }
}

impl Requests {
    /// Delivers a batch; see [`Delivery::new`] for what the answer says. The batch, and with it its share of the memory budget, lives
    /// until then.
    async fn deliver(self: &Arc<Self>, batch: Batch) -> Result<(), ConsumeError> {
        let body = self.format.body(&batch).await?;
        let (requests, context) = (Arc::clone(self), batch.context().clone());
        ServiceBuilder::new()
            // Nothing below outlives the time to stop.
            .layer(CutoffLayer::new(self.closing.clone()))
            .layer(self.retry.clone())
            // Each attempt has the time for itself.
            .layer(self.timeout)
            .service_fn(move |body| {
                let (requests, context) = (Arc::clone(&requests), context.clone());
                async move { requests.send(body, context).await }
            })
            .oneshot(body)
            .await
    }

    /// Sends a request once.
    async fn send(&self, body: Bytes, context: Context) -> Result<(), ConsumeError> {
        let client = self
            .client
            .get()
            .ok_or_else(|| ConsumeError::unavailable("not started"))?;
        let mut request = Outgoing::post(&self.target, self.format.media_type(), body);
        request.context = context;
        let reply = client.send(request).await?;
        answer::verdict(&reply, self.signal, SystemTime::now())
    }
}

fn metrics_of(context: &BuildContext, target: &Target) -> ExporterMetrics {
    let uri = target.uri();
    let default = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    let port = uri.port_u16().unwrap_or(default).to_string();
    let labels = [
        (
            "server.address",
            uri.host().unwrap_or_default().trim_matches(['[', ']']),
        ),
        ("server.port", port.as_str()),
        ("url.path", uri.path()),
    ];
    ExporterMetrics::of_endpoint(context, &labels)
}
