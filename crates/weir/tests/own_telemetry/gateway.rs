//! A whole gateway in this process, and a client of it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use weir_cli::{App, BuildInfo, Config, Gateway, Sources};
use weir_component::{Batch, Host, Signal};
use weir_net::client::{GrpcClient, HttpClient, Outgoing, ProxyEnvironment, Target};
use weir_net::grpc::ClientCall;
use weir_net::tls::TlsClient;
use weir_testkit::batches;

/// Where the gateway takes calls: a socket of its own, so that no port has to be found.
pub(crate) struct Place {
    _folder: tempfile::TempDir,
    pub(crate) socket: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let socket = folder.path().join("otlp.sock");
        Self {
            _folder: folder,
            socket,
        }
    }

    /// Returns the section of a receiver here.
    pub(crate) fn receiver(&self) -> String {
        let socket = self.socket.display();
        format!("{{protocols: {{grpc: {{endpoint: '{socket}', transport: unix}}}}}}")
    }

    fn client(&self) -> weir_net::grpc::Client {
        let client = GrpcClient {
            endpoint: format!("unix://{}", self.socket.display()),
            tls: TlsClient {
                insecure: true,
                ..TlsClient::default()
            },
            ..GrpcClient::default()
        };
        client
            .build(&Host::default(), &ProxyEnvironment::default(), "test/1")
            .expect("a client")
    }

    /// Sends one data point.
    pub(crate) async fn send(&self, traceparent: Option<&str>) {
        self.call(batches::gauge("load", 1), traceparent).await;
    }

    /// Sends one item of each signal.
    pub(crate) async fn send_all(&self) {
        for batch in batches::one_of_each() {
            self.call(batch, None).await;
        }
    }

    async fn call(&self, batch: Batch, traceparent: Option<&str>) {
        let service = match batch.signal() {
            Signal::Metrics => "metrics.v1.MetricsService",
            Signal::Traces => "trace.v1.TraceService",
            Signal::Logs => "logs.v1.LogsService",
        };
        let path = format!("/opentelemetry.proto.collector.{service}/Export");
        let mut call = ClientCall::new(path.parse().expect("a path"), batch.to_wire().concat());
        if let Some(traceparent) = traceparent {
            call.metadata
                .insert("traceparent", traceparent.parse().expect("a header"));
        }
        call.timeout = Some(Duration::from_secs(20));
        self.client().unary(call).await.expect("taken");
    }
}

pub(crate) fn app() -> App {
    App::new(weir::components(), BuildInfo::default())
}

pub(crate) fn config(app: &App, yaml: &str) -> Config {
    let sources = Sources {
        configs: vec![format!("yaml:{yaml}")],
        ..Sources::default()
    };
    let (config, _) = weir_cli::read(&sources, app.catalog()).unwrap_or_else(|report| panic!("{report}"));
    config
}

pub(crate) async fn stop(gateway: Gateway) {
    let report = gateway.shutdown(Instant::now() + Duration::from_secs(20)).await;
    assert!(report.is_clean(), "{report:?}");
}

/// Asks an endpoint of own metrics.
pub(crate) async fn scrape(address: std::net::SocketAddr) -> String {
    let client = HttpClient::default();
    let client = client
        .build(&Host::default(), &ProxyEnvironment::default(), "test/1")
        .expect("a client");
    let target = Target::parse(&format!("http://{address}/metrics")).expect("a target");
    let mut request = Outgoing::post(&target, "text/plain", Bytes::new());
    request.method = http::Method::GET;
    request.max_reply_bytes = 8 << 20;
    let reply = client.send(request).await.expect("an answer");
    assert_eq!(reply.status, http::StatusCode::OK);
    String::from_utf8(reply.body.to_vec()).expect("UTF-8")
}
