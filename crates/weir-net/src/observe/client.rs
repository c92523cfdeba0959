//! What clients tell.

use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, HeaderValue, Method, Uri};
use weir_component::{Context, Host, parent_of};
use weir_telemetry::spans::{Span, SpanKind, Tracer};
use weir_telemetry::{Def, Labels, Level, Metrics};

use super::{code_name, duration, method_name, size};
use crate::client::{Reply, SendError};
use crate::grpc::Status;

const HTTP_DURATION: Def = duration(
    "http.client.request.duration",
    "Time from a request to the end of its answer.",
);
const HTTP_REQUEST_SIZE: Def = size(
    "http.client.request.body.size",
    "Bytes of request bodies, before compression by the client.",
);
const RPC_DURATION: Def = duration("rpc.client.call.duration", "Time from a call to its answer.");

/// Tells about the requests of a client.
#[derive(Debug)]
pub(crate) struct ClientWatch {
    tracer: Tracer,
    /// At the level `detailed` only.
    metrics: Option<Metrics>,
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct Asking {
    span: Span,
    begun: Instant,
    /// Of HTTP, or path of a gRPC method without the first slash.
    method: String,
    address: String,
    port: String,
    length: usize,
}

impl ClientWatch {
    /// Returns what watches a client; none if nobody wants to know.
    pub(crate) fn new(host: &Host) -> Option<Arc<Self>> {
        let metrics = Some(host.metrics().clone()).filter(|metrics| metrics.level() >= Level::Detailed);
        let wanted = metrics.is_some() || host.tracer().is_on();
        wanted.then(|| {
            Arc::new(Self {
                tracer: host.tracer().clone(),
                metrics,
            })
        })
    }

    /// Begins a span within what the data went through before, and tells the server about it.
    pub(crate) fn begin_http(
        &self,
        method: &Method,
        uri: &Uri,
        context: &Context,
        length: usize,
        headers: &mut HeaderMap,
    ) -> Asking {
        let method = method_name(method);
        let mut asking = self.begin(uri, context, length, headers, || format!("HTTP {method}"));
        asking.method = method.to_owned();
        if asking.span.is_recording() {
            asking.span.set("http.request.method", method);
            // Queries may hold secrets.
            let (scheme, path) = (uri.scheme_str().unwrap_or_default(), uri.path());
            let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
            asking
                .span
                .set("url.full", format!("{scheme}://{authority}{path}"));
        }
        asking
    }

    /// The same for a call.
    pub(crate) fn begin_grpc(
        &self,
        origin: &Uri,
        path: &str,
        context: &Context,
        headers: &mut HeaderMap,
    ) -> Asking {
        let method = path.trim_start_matches('/');
        let mut asking = self.begin(origin, context, 0, headers, || method.to_owned());
        asking.method = method.to_owned();
        asking.span.set("rpc.system.name", "grpc");
        asking.span.set("rpc.method", asking.method.clone());
        asking
    }

    fn begin(
        &self,
        uri: &Uri,
        context: &Context,
        length: usize,
        headers: &mut HeaderMap,
        name: impl FnOnce() -> String,
    ) -> Asking {
        let mut span = self.tracer.span(SpanKind::Client, parent_of(context), name);
        span.inject(&self.tracer, |name, value| {
            // Ids and lists of ids are valid values.
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        });
        let default = if uri.scheme_str() == Some("http") { 80 } else { 443 };
        let address = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = uri.port_u16().unwrap_or(default);
        span.set("server.address", address.clone());
        span.set("server.port", i64::from(port));
        Asking {
            span,
            begun: Instant::now(),
            method: String::new(),
            address,
            port: port.to_string(),
            length,
        }
    }

    /// Ends the span and measures.
    pub(crate) fn end_http(&self, mut asking: Asking, answer: &Result<Reply, SendError>) {
        let (status, error) = match answer {
            Ok(reply) => {
                let code = reply.status.as_str().to_owned();
                asking
                    .span
                    .set("http.response.status_code", i64::from(reply.status.as_u16()));
                let failed = reply.status.is_client_error() || reply.status.is_server_error();
                if failed {
                    asking.span.fail(&reply.status);
                }
                (code.clone(), failed.then_some(code))
            }
            Err(error) => {
                asking.span.fail(error);
                (String::new(), Some(kind(error).to_owned()))
            }
        };
        if let Some(error) = &error {
            asking.span.set("error.type", error.clone());
        }
        let Some(metrics) = &self.metrics else { return };
        let labels: Labels<'_> = &[
            ("http.request.method", asking.method.as_str()),
            ("server.address", asking.address.as_str()),
            ("server.port", asking.port.as_str()),
            ("http.response.status_code", status.as_str()),
            ("error.type", error.as_deref().unwrap_or_default()),
        ];
        let labels: Vec<_> = labels
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .copied()
            .collect();
        let seconds = asking.begun.elapsed().as_secs_f64();
        metrics.histogram(&HTTP_DURATION, &labels).record(seconds);
        metrics
            .histogram(&HTTP_REQUEST_SIZE, &labels)
            .record(asking.length as f64);
    }

    /// The same for a call.
    pub(crate) fn end_grpc<T>(&self, mut asking: Asking, answer: &Result<T, Status>) {
        let code = answer.as_ref().err().map(|status| status.code);
        let name = code_name(code);
        asking.span.set("rpc.response.status_code", name);
        if let Err(status) = answer {
            asking.span.set("error.type", name);
            asking.span.fail(status);
        }
        let Some(metrics) = &self.metrics else { return };
        let labels: Labels<'_> = &[
            ("rpc.system.name", "grpc"),
            ("rpc.method", asking.method.as_str()),
            ("server.address", asking.address.as_str()),
            ("server.port", asking.port.as_str()),
            ("rpc.response.status_code", name),
            ("error.type", name),
        ];
        let shown = if answer.is_err() { labels } else { &labels[..5] };
        let seconds = asking.begun.elapsed().as_secs_f64();
        metrics.histogram(&RPC_DURATION, shown).record(seconds);
    }
}

/// Returns what went wrong, in a word.
const fn kind(error: &SendError) -> &'static str {
    match error {
        SendError::Timeout(_) => "timeout",
        SendError::Connect { .. } => "connect",
        SendError::Request { .. } => "request",
        SendError::Encode(_) => "encode",
        SendError::Auth(_) => "auth",
    }
}
