//! An endpoint of own metrics, for Prometheus to scrape.

use std::convert::Infallible;
use std::sync::Arc;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use tower::service_fn;
use weir_component::{Host, Sockets};
use weir_config::telemetry::PrometheusReader;
use weir_net::Body;
use weir_net::server::{HttpServer, Running, ServerError};
use weir_telemetry::Exposition;

use super::Source;

/// Format of the answer. Spec: Prometheus exposition formats, "Text-based format".
const TEXT_FORMAT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Opens the endpoint of `reader`, which shows `source` in the way of `exposition`.
pub(super) async fn serve(
    reader: &PrometheusReader,
    exposition: Exposition,
    source: Arc<Source>,
    sockets: &Sockets,
) -> Result<Running, ServerError> {
    let server = HttpServer {
        endpoint: endpoint(reader),
        ..HttpServer::default()
    }
    // Own metrics have no authenticator, and are not measured themselves.
    .bind(&Host::default().with_sockets(sockets.clone()))
    .await?;
    tracing::info!(endpoint = %server.local_address(), "serving own metrics");
    let exposition = Arc::new(exposition);
    Ok(server.start(service_fn(move |request: Request<Incoming>| {
        let (source, exposition) = (Arc::clone(&source), Arc::clone(&exposition));
        async move { Ok::<_, Infallible>(answer(&request, source, exposition).await) }
    })))
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

async fn answer(
    request: &Request<Incoming>,
    source: Arc<Source>,
    exposition: Arc<Exposition>,
) -> Response<Body> {
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
    let Ok(text) = tokio::task::spawn_blocking(move || exposition.render(&source.snapshot())).await else {
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
