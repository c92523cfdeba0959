//! A receiver at work, and clients of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::{HeaderMap, Method, Request, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::BodyExt;
use weir_component::{
    BuildContext, Component, ComponentKind, Host, MemoryBudget, Outputs, Receiver as _, Signal,
};
use weir_net::Body;
use weir_net::client::{ProxyEnvironment, Transport, TransportSettings};
use weir_net::grpc::{Client, ClientCall, Reply, Status};
use weir_net::server::LocalAddress;
use weir_testkit::{Sink, contract};

use crate::receiver::OtlpReceiver;
use crate::{Config, FACTORY};

pub(super) const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
pub(super) const JSON: (&str, &str) = ("content-type", "application/json");

/// Both protocols on free ports.
pub(super) const BOTH: &str =
    "{protocols: {grpc: {endpoint: '127.0.0.1:0'}, http: {endpoint: '127.0.0.1:0'}}}";

/// A receiver with pipelines for metrics and traces, but not for logs.
pub(super) struct Running {
    pub(super) receiver: Arc<OtlpReceiver>,
    pub(super) context: BuildContext,
    pub(super) sink: Sink,
    addresses: Vec<SocketAddr>,
}

/// An HTTP answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// Returns a header's value, or nothing.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// Builds a receiver without starting it.
pub(super) fn build(yaml: &str, context: &BuildContext, sink: &Sink) -> Arc<OtlpReceiver> {
    let parsed = contract::config(&FACTORY.meta, yaml);
    let config: &Config = parsed.downcast().expect("own configuration");
    let outputs = Outputs {
        metrics: Some(sink.consumer()),
        traces: Some(sink.consumer()),
        logs: None,
    };
    Arc::new(OtlpReceiver::build(config, context, outputs).unwrap())
}

pub(super) fn context() -> BuildContext {
    BuildContext::standalone("otlp".parse().unwrap(), ComponentKind::Receiver, None)
}

/// Starts a receiver.
pub(super) async fn start(yaml: &str) -> Running {
    start_with(yaml, MemoryBudget::unlimited()).await
}

/// Starts a receiver with a memory budget.
pub(super) async fn start_with(yaml: &str, budget: MemoryBudget) -> Running {
    let (sink, context) = (Sink::new(), BuildContext { budget, ..context() });
    let receiver = build(yaml, &context, &sink);
    Arc::clone(&receiver).start(&Host::default()).await.unwrap();
    let tcp = |address| match address {
        LocalAddress::Tcp(address) => address,
        LocalAddress::Unix(path) => panic!("unix socket {path}"),
    };
    let addresses = receiver.local_addresses().into_iter().map(tcp).collect();
    Running {
        receiver,
        context,
        sink,
        addresses,
    }
}

pub(super) fn transport(http2_only: bool) -> Transport {
    let settings = TransportSettings {
        http2_only,
        ..TransportSettings::default()
    };
    Transport::new(&settings, &ProxyEnvironment::default()).unwrap()
}

pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

impl Running {
    pub(super) fn grpc_address(&self) -> SocketAddr {
        self.addresses[0]
    }

    pub(super) fn http_address(&self) -> SocketAddr {
        *self.addresses.last().unwrap()
    }

    /// Sends an HTTP request.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Answer {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = format!("http://{}{path}", self.http_address()).parse().unwrap();
        for (name, value) in headers {
            let name: ::http::HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        let (head, body) = transport(false).send(request).await.unwrap().into_parts();
        Answer {
            status: head.status,
            headers: head.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    /// Sends a body by POST.
    pub(super) async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        self.send(Method::POST, path, headers, Body::from(body.into()))
            .await
    }

    /// Returns a gRPC client.
    pub(super) fn client(&self) -> Client {
        let origin: Uri = format!("http://{}", self.grpc_address()).parse().unwrap();
        Client::new(transport(true), origin, "test")
    }

    /// Makes a call to the service of a signal.
    pub(super) async fn export(&self, signal: Signal, message: impl Into<Bytes>) -> Result<Reply, Status> {
        self.client()
            .unary(ClientCall::new(method(signal), message))
            .await
    }

    /// Returns the sum of an own metric over all lines that hold all of `labels`.
    pub(super) fn own_metric(&self, name: &str, labels: &[&str]) -> f64 {
        let text = self.context.metrics.render();
        let wanted = |line: &&str| line.starts_with(name) && labels.iter().all(|label| line.contains(label));
        text.lines()
            .filter(wanted)
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// Stops the receiver; nothing may be left.
    pub(super) async fn stop(&self) {
        self.receiver.shutdown(soon()).await.unwrap();
    }
}

/// Returns the path of a signal's gRPC method.
pub(super) fn method(signal: Signal) -> ::http::uri::PathAndQuery {
    let path = match signal {
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    };
    ::http::uri::PathAndQuery::from_static(path)
}

/// Returns the protobuf of a batch.
pub(super) fn bytes(batch: &weir_component::Batch) -> Bytes {
    batch.to_wire().concat().into()
}
