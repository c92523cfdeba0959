//! The endpoint of own metrics.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::service_fn;
use weir_component::{Host, Ledger, Sockets};
use weir_config::telemetry::PrometheusReader;
use weir_net::Body;
use weir_net::server::{HttpServer, LocalAddress, Running, ServerError};
use weir_telemetry::{Metrics, Process};

/// Format of the answer. Spec: Prometheus exposition formats, "Text-based format".
const TEXT_FORMAT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// How often histogram samples are moved to their buckets; in between they are kept one by one.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// What is shown.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) metrics: Metrics,
    pub(crate) ledger: Ledger,
    pub(crate) process: Process,
}

impl Source {
    fn render(&self) -> String {
        self.ledger.publish(&self.metrics);
        self.process.publish(&self.metrics);
        self.metrics.render()
    }
}

/// Own metrics in service: their upkeep, and the endpoint if there is one.
#[derive(Debug)]
pub(crate) struct OwnMetrics {
    server: Option<Running>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl OwnMetrics {
    /// Opens the endpoint of `reader`, if there is one, and keeps the metrics up.
    pub(crate) async fn start(
        reader: Option<&PrometheusReader>,
        source: Source,
        sockets: &Sockets,
    ) -> Result<Self, ServerError> {
        let source = Arc::new(source);
        let server = match reader {
            Some(reader) => {
                let server = HttpServer {
                    endpoint: endpoint(reader),
                    ..HttpServer::default()
                }
                // Own metrics have no authenticator.
                .bind(&Host::default().with_sockets(sockets.clone()))
                .await?;
                tracing::info!(endpoint = %server.local_address(), "serving own metrics");
                Some(serve(server, Arc::clone(&source)))
            }
            None => None,
        };
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(upkeep(source, stop.clone()));
        tasks.close();
        Ok(Self { server, tasks, stop })
    }

    /// Returns the address of the endpoint.
    pub(crate) fn address(&self) -> Option<&LocalAddress> {
        self.server.as_ref().map(Running::local_address)
    }

    /// Closes the endpoint.
    pub(crate) async fn shutdown(&self, deadline: Instant) {
        self.stop.cancel();
        self.tasks.wait().await;
        if let Some(server) = &self.server {
            server.shutdown(deadline).await;
        }
    }
}

/// Returns `host:port`, with brackets around addresses of IPv6.
fn endpoint(reader: &PrometheusReader) -> String {
    let PrometheusReader { host, port, .. } = reader;
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

fn serve(server: weir_net::server::Server, source: Arc<Source>) -> Running {
    server.start(service_fn(move |request: Request<Incoming>| {
        let source = Arc::clone(&source);
        async move { Ok::<_, Infallible>(answer(&request, source).await) }
    }))
}

async fn answer(request: &Request<Incoming>, source: Arc<Source>) -> Response<Body> {
    if request.uri().path() != "/metrics" {
        return status(StatusCode::NOT_FOUND);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = status(StatusCode::METHOD_NOT_ALLOWED);
        refusal
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    // Many series take longer to write than a thread of the runtime should be held.
    let Ok(text) = tokio::task::spawn_blocking(move || source.render()).await else {
        return status(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, TEXT_FORMAT);
    response
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from(status.canonical_reason().unwrap_or_default()));
    *response.status_mut() = status;
    response
}

async fn upkeep(source: Arc<Source>, stop: CancellationToken) {
    let mut ticks = interval(UPKEEP_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => source.metrics.run_upkeep(),
        }
    }
}
