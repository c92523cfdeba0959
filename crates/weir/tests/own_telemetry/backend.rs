//! A server that own telemetry is pushed to, by gRPC and by HTTP: it takes everything and remembers.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tower::service_fn;
use weir_component::{Host, Signal};
use weir_net::Body;
use weir_net::grpc::{self, Call, Limits, MessageSize, Status, Unary};
use weir_net::server::{GrpcServer, HttpServer, LocalAddress, Running};
use weir_pdata::Decoded;
use weir_proto::otlp::common::v1::KeyValue;
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::logs::v1::LogRecord;
use weir_proto::otlp::metrics::v1::Metric;
use weir_proto::otlp::trace::v1::Span;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// How it came: `grpc` or `http`.
    pub(crate) by: &'static str,
    pub(crate) headers: HeaderMap,
    pub(crate) request: Decoded,
}

type Memory = Arc<Mutex<Vec<Taken>>>;

pub(crate) struct Backend {
    taken: Memory,
    /// What HTTP requests are answered with.
    status: Arc<Mutex<StatusCode>>,
    grpc: Running,
    http: Running,
}

/// Takes calls.
struct Export<'a>(&'a Memory);

impl Unary for Export<'_> {
    type Permit = ();

    async fn admit(&self, _: MessageSize) -> Result<(), Status> {
        Ok(())
    }

    async fn call(&self, call: Call, (): ()) -> Result<Bytes, Status> {
        remember(
            self.0,
            "grpc",
            call.head.uri.path(),
            call.head.headers,
            call.message,
        );
        Ok(Bytes::new())
    }
}

fn remember(memory: &Memory, by: &'static str, path: &str, headers: HeaderMap, body: Bytes) {
    let signal = match path {
        path if path.contains("etrics") => Signal::Metrics,
        path if path.contains("race") => Signal::Traces,
        _ => Signal::Logs,
    };
    let request = Decoded::from_bytes(signal, body).expect("OTLP");
    memory
        .lock()
        .expect("memory")
        .push(Taken { by, headers, request });
}

impl Backend {
    pub(crate) async fn start() -> Self {
        let (taken, status) = (Memory::default(), Arc::new(Mutex::new(StatusCode::OK)));
        let grpc = GrpcServer {
            endpoint: "127.0.0.1:0".to_owned(),
            ..GrpcServer::default()
        };
        let grpc = grpc.bind(&Host::default()).await.expect("bound");
        let memory = Arc::clone(&taken);
        let grpc = grpc.start(service_fn(move |request: Request<Incoming>| {
            let memory = Arc::clone(&memory);
            async move { Ok::<_, Infallible>(grpc::serve(&Export(&memory), Limits::default(), request).await) }
        }));
        let http = HttpServer {
            endpoint: "127.0.0.1:0".to_owned(),
            ..HttpServer::default()
        };
        let http = http.bind(&Host::default()).await.expect("bound");
        let (memory, answer) = (Arc::clone(&taken), Arc::clone(&status));
        let http = http.start(service_fn(move |request: Request<Incoming>| {
            let (memory, answer) = (Arc::clone(&memory), Arc::clone(&answer));
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.expect("a body").to_bytes();
                let status = *answer.lock().expect("status");
                if status == StatusCode::OK {
                    remember(&memory, "http", head.uri.path(), head.headers, body);
                }
                let mut response = Response::new(Body::from(Bytes::new()));
                *response.status_mut() = status;
                Ok::<_, Infallible>(response)
            }
        }));
        Self {
            taken,
            status,
            grpc,
            http,
        }
    }

    pub(crate) fn grpc(&self) -> String {
        format!("http://{}", address(self.grpc.local_address()))
    }

    pub(crate) fn http(&self) -> String {
        format!("http://{}", address(self.http.local_address()))
    }

    /// Answers HTTP requests with a status; those that are refused are not remembered.
    pub(crate) fn answer(&self, status: StatusCode) {
        *self.status.lock().expect("status") = status;
    }

    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.taken.lock().expect("memory").clone()
    }

    pub(crate) async fn stop(&self) {
        let soon = Instant::now() + Duration::from_secs(5);
        self.grpc.shutdown(soon).await;
        self.http.shutdown(soon).await;
    }

    /// Returns the last state of own metrics that came in one way.
    pub(crate) fn metrics(&self, by: &str) -> Vec<Metric> {
        let taken = self.taken();
        let last = taken.iter().rev().find_map(|taken| match &taken.request {
            // Those of the pipeline have other scopes.
            Decoded::Metrics(request) if taken.by == by && has_scopes(request) => Some(request),
            _ => None,
        });
        let resources = last.into_iter().flat_map(|request| &request.resource_metrics);
        let scopes = resources.flat_map(|resource| &resource.scope_metrics);
        scopes.flat_map(|scope| scope.metrics.clone()).collect()
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for taken in self.taken() {
            if let Decoded::Traces(request) = taken.request {
                let resources = request.resource_spans.into_iter();
                let scopes = resources.flat_map(|resource| resource.scope_spans);
                spans.extend(scopes.flat_map(|scope| scope.spans));
            }
        }
        spans
    }

    pub(crate) fn logs(&self) -> Vec<LogRecord> {
        let mut logs = Vec::new();
        for taken in self.taken() {
            if let Decoded::Logs(request) = taken.request {
                let resources = request.resource_logs.into_iter();
                let scopes = resources.flat_map(|resource| resource.scope_logs);
                logs.extend(scopes.flat_map(|scope| scope.log_records));
            }
        }
        logs
    }
}

fn has_scopes(request: &weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest) -> bool {
    let mut scopes = request
        .resource_metrics
        .iter()
        .flat_map(|resource| &resource.scope_metrics);
    scopes.any(|scope| scope.scope.as_ref().is_some_and(|scope| scope.name == "weir"))
}

pub(crate) fn address(address: &LocalAddress) -> std::net::SocketAddr {
    match address {
        LocalAddress::Tcp(address) => *address,
        LocalAddress::Unix(path) => panic!("unix socket {path}"),
    }
}

/// Returns an attribute as text.
pub(crate) fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.key == key)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(value) => Some(value.to_string()),
        other => Some(format!("{other:?}")),
    }
}
