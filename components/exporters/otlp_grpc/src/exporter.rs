//! The exporter: built from its options, started, stopped; and the call that it makes of a batch.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use http::HeaderMap;
use http::uri::PathAndQuery;
use tower::{ServiceBuilder, ServiceExt as _};
use weir_component::{
    Batch, BuildContext, BuildError, Component, ConsumeError, Consumer, Exporter, Host, ShutdownError,
    Signal, StartError, async_trait,
};
use weir_export::{Closing, CutoffLayer, Delivery, ExporterMetrics, RetryLayer, partial_success};
use weir_net::client::{GrpcClient, GrpcEndpoint, ProxyEnvironment};
use weir_net::grpc::{self, ClientCall};
use weir_pdata::PartialSuccess;

use crate::Config;

/// The `otlp_grpc` exporter.
pub struct OtlpGrpc {
    calls: Arc<Calls>,
    delivery: Delivery,
    client: GrpcClient,
    user_agent: String,
}

/// Makes calls of batches.
struct Calls {
    signal: Signal,
    path: PathAndQuery,
    /// Of one attempt.
    timeout: Option<Duration>,
    retry: RetryLayer,
    closing: Closing,
    /// Set when the exporter starts.
    client: OnceLock<grpc::Client>,
}

#[async_trait]
impl Exporter for OtlpGrpc {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        let signal = context
            .signal
            .ok_or_else(|| BuildError::new("an exporter needs a signal"))?;
        let endpoint = GrpcEndpoint::parse(&config.client.endpoint)
            .map_err(|error| BuildError::new("invalid endpoint").caused_by(error))?;
        let metrics = metrics_of(context, &endpoint);
        let closing = Closing::default();
        let calls = Arc::new(Calls {
            signal,
            path: PathAndQuery::from_static(export_method(signal)),
            timeout: Some(config.timeout).filter(|timeout| !timeout.is_zero()),
            retry: RetryLayer::new(config.retry_on_failure).counting(metrics.retries()),
            closing: closing.clone(),
            client: OnceLock::new(),
        });
        let delivering = Arc::clone(&calls);
        let deliver = Consumer::from_fn(move |batch| {
            let calls = Arc::clone(&delivering);
            async move { calls.deliver(batch).await }
        });
        let queue = config.sending_queue.as_ref().map(|queue| queue.rules());
        Ok(Self {
            calls,
            delivery: Delivery::new(context, metrics, closing, queue, deliver),
            client: config.client.clone(),
            user_agent: context.build_info.user_agent(),
        })
    }

    async fn export(&self, batch: Batch) -> Result<(), ConsumeError> {
        self.delivery.consume(batch).await
    }
}

#[async_trait]
impl Component for OtlpGrpc {
    async fn start(self: Arc<Self>, host: &Host) -> Result<(), StartError> {
        let client = self
            .client
            .build(host, &ProxyEnvironment::of_process(), &self.user_agent)
            .map_err(|error| StartError::new("cannot set up the client").caused_by(error))?;
        if self.calls.client.set(client).is_ok() {
            self.delivery.start();
        }
        Ok(())
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        self.delivery.shutdown(deadline).await
    }
}

impl Calls {
    /// Delivers a batch; see [`Delivery::new`] for what the answer says. The batch, and with it its share of the memory budget, lives
    /// until then.
    async fn deliver(&self, batch: Batch) -> Result<(), ConsumeError> {
        let client = self
            .client
            .get()
            .cloned()
            .ok_or_else(|| ConsumeError::unavailable("not started"))?;
        let call = ClientCall {
            path: self.path.clone(),
            message: batch.to_wire().into_vec(),
            metadata: HeaderMap::new(),
            timeout: self.timeout,
            context: batch.context().clone(),
        };
        let reply = ServiceBuilder::new()
            // Nothing below outlives the time to stop.
            .layer(CutoffLayer::new(self.closing.clone()))
            .layer(self.retry.clone())
            // The client bounds each attempt itself, since it also tells the server.
            .service_fn(move |call| {
                let client = client.clone();
                async move { client.unary(call).await.map_err(ConsumeError::from) }
            })
            .oneshot(call)
            .await?;
        match PartialSuccess::from_wire(self.signal, &reply.message) {
            Ok(PartialSuccess { rejected, message }) => partial_success(rejected, &message),
            Err(error) => {
                // The status says that the data was taken.
                tracing::warn!(%error, "server's response cannot be read; taken for a success");
                Ok(())
            }
        }
    }
}

/// Returns the path of the method that takes a signal.
const fn export_method(signal: Signal) -> &'static str {
    match signal {
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    }
}

fn metrics_of(context: &BuildContext, endpoint: &GrpcEndpoint) -> ExporterMetrics {
    let host = endpoint.host();
    let port = endpoint.port().map(|port| port.to_string());
    let mut labels = vec![("server.address", host.as_str())];
    labels.extend(port.as_deref().map(|port| ("server.port", port)));
    ExporterMetrics::of_endpoint(context, &labels)
}
