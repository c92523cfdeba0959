//! What servers tell.

use std::time::Instant;

use http::{HeaderMap, Request, Response, Version, header};
use http_body::Body as _;
use weir_component::{Host, trace_at};
use weir_pdata::Trace;
use weir_telemetry::spans::{Parent, Span, SpanKind, Tracer};
use weir_telemetry::{Def, Labels, Level, Metrics};

use super::{Spoken, code_name, duration, method_name, size};
use crate::body::Body;
use crate::grpc::{Code, Status};

const HTTP_DURATION: Def = duration(
    "http.server.request.duration",
    "Time from the head of a request to that of its answer.",
);
const HTTP_REQUEST_SIZE: Def = size(
    "http.server.request.body.size",
    "Bytes of request bodies as they were sent, where the client says how many.",
);
const HTTP_RESPONSE_SIZE: Def = size("http.server.response.body.size", "Bytes of response bodies.");
const RPC_DURATION: Def = duration(
    "rpc.server.call.duration",
    "Time from the head of a call to its answer.",
);

/// Longest name of a span that a peer's path goes into.
const MAX_PATH: usize = 128;

/// Tells about the requests to a server.
#[derive(Debug)]
pub(crate) struct ServerWatch {
    tracer: Tracer,
    /// At the level `detailed` only.
    metrics: Option<Metrics>,
    spoken: Spoken,
    /// As configured, since peers may send any.
    address: String,
    port: String,
    scheme: &'static str,
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct Serving {
    span: Span,
    begun: Instant,
    method: &'static str,
    /// Path of a gRPC method, without the first slash.
    rpc_method: String,
    version: Version,
    /// Of the body, as announced.
    length: Option<u64>,
}

impl ServerWatch {
    /// Returns what watches a server at `endpoint`; none if nobody wants to know.
    pub(crate) fn new(host: &Host, spoken: Spoken, endpoint: &str, tls: bool) -> Option<Self> {
        let metrics = Some(host.metrics().clone()).filter(|metrics| metrics.level() >= Level::Detailed);
        if metrics.is_none() && !host.tracer().is_on() {
            return None;
        }
        let (address, port) = endpoint.rsplit_once(':').unwrap_or((endpoint, ""));
        Some(Self {
            tracer: host.tracer().clone(),
            metrics,
            spoken,
            address: address.trim_matches(['[', ']']).to_owned(),
            port: port.to_owned(),
            scheme: if tls { "https" } else { "http" },
        })
    }

    /// Begins a span, and tells the request's place in the trace to whoever answers it.
    pub(crate) fn begin<B>(&self, request: &mut Request<B>) -> Serving {
        let (method, path) = (method_name(request.method()), request.uri().path());
        let mut serving = Serving {
            span: Span::default(),
            begun: Instant::now(),
            method,
            rpc_method: match self.spoken {
                Spoken::Http => String::new(),
                Spoken::Grpc => path.trim_start_matches('/').chars().take(MAX_PATH).collect(),
            },
            version: request.version(),
            length: content_length(request.headers()),
        };
        if self.tracer.is_on() {
            let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
            let told = self.tracer.extract(header);
            let parent = Parent {
                position: told
                    .as_ref()
                    .map(|told| (told.traceparent.as_str(), told.tracestate.as_str())),
                is_remote: true,
                links: &[],
            };
            serving.span = self.tracer.span(SpanKind::Server, parent, || match self.spoken {
                Spoken::Grpc => serving.rpc_method.clone(),
                Spoken::Http => {
                    let path: String = path.chars().take(MAX_PATH).collect();
                    format!("{method} {path}")
                }
            });
            self.describe(&mut serving, request);
            if let Some(position) = serving.span.position() {
                let trace: Trace = trace_at(position);
                request.extensions_mut().insert(trace);
            }
        }
        serving
    }

    fn describe<B>(&self, serving: &mut Serving, request: &Request<B>) {
        if !serving.span.is_recording() {
            return;
        }
        let span = &mut serving.span;
        span.set("server.address", self.address.clone());
        if let Ok(port) = self.port.parse::<i64>() {
            span.set("server.port", port);
        }
        let info = request
            .extensions()
            .get::<std::sync::Arc<crate::server::ConnectionInfo>>();
        if let Some(peer) = info.and_then(|info| info.peer) {
            span.set("network.peer.address", peer.ip().to_string());
            span.set("network.peer.port", i64::from(peer.port()));
        }
        match self.spoken {
            Spoken::Grpc => {
                span.set("rpc.system.name", "grpc");
                span.set("rpc.method", serving.rpc_method.clone());
            }
            Spoken::Http => {
                span.set("http.request.method", serving.method);
                span.set("url.path", request.uri().path().to_owned());
                span.set("url.scheme", self.scheme);
                span.set("network.protocol.version", version(serving.version));
                let agent = request.headers().get(header::USER_AGENT);
                if let Some(agent) = agent.and_then(|agent| agent.to_str().ok()) {
                    span.set("user_agent.original", agent.to_owned());
                }
            }
        }
    }

    /// Ends the span and measures.
    pub(crate) fn end(&self, mut serving: Serving, response: &Response<Body>) {
        let seconds = serving.begun.elapsed().as_secs_f64();
        match self.spoken {
            Spoken::Http => self.end_http(&mut serving, response, seconds),
            Spoken::Grpc => self.end_grpc(&mut serving, response, seconds),
        }
    }

    fn end_http(&self, serving: &mut Serving, response: &Response<Body>, seconds: f64) {
        let status = response.status();
        serving
            .span
            .set("http.response.status_code", i64::from(status.as_u16()));
        // Spec: semantic conventions, "HTTP spans", "Status": what the client did wrong is no error of the server.
        if status.is_server_error() {
            serving.span.set("error.type", status.as_str().to_owned());
            serving.span.fail(&status);
        }
        let Some(metrics) = &self.metrics else { return };
        let labels: Labels<'_> = &[
            ("http.request.method", serving.method),
            ("http.response.status_code", status.as_str()),
            ("network.protocol.name", "http"),
            ("network.protocol.version", version(serving.version)),
            ("server.address", self.address.as_str()),
            ("server.port", self.port.as_str()),
            ("url.scheme", self.scheme),
        ];
        metrics.histogram(&HTTP_DURATION, labels).record(seconds);
        if let Some(length) = serving.length {
            metrics
                .histogram(&HTTP_REQUEST_SIZE, labels)
                .record(length as f64);
        }
        if let Some(length) = response.body().size_hint().exact() {
            metrics
                .histogram(&HTTP_RESPONSE_SIZE, labels)
                .record(length as f64);
        }
    }

    fn end_grpc(&self, serving: &mut Serving, response: &Response<Body>, seconds: f64) {
        // An answer with a message has its status at the end, and it is OK.
        let code = Status::read(response.headers())
            .and_then(Result::err)
            .map(|status| status.code);
        let name = code_name(code);
        serving.span.set("rpc.response.status_code", name);
        // Spec: semantic conventions, "gRPC": the other codes are the caller's.
        let failed = matches!(
            code,
            Some(
                Code::Unknown
                    | Code::DeadlineExceeded
                    | Code::Unimplemented
                    | Code::Internal
                    | Code::Unavailable
                    | Code::DataLoss
            )
        );
        if failed {
            serving.span.set("error.type", name);
            serving.span.fail(&name);
        }
        let Some(metrics) = &self.metrics else { return };
        let labels: Labels<'_> = &[
            ("rpc.system.name", "grpc"),
            // Paths that are not served may be any.
            (
                "rpc.method",
                match code {
                    Some(Code::Unimplemented) => "_OTHER",
                    _ => serving.rpc_method.as_str(),
                },
            ),
            ("rpc.response.status_code", name),
            ("error.type", if failed { name } else { "" }),
        ];
        let shown = if failed { labels } else { &labels[..3] };
        metrics.histogram(&RPC_DURATION, shown).record(seconds);
    }
}

/// Returns the version of HTTP as the conventions write it.
fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
