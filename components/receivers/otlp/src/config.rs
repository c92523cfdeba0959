//! Options of the `otlp` receiver.

use serde::{Deserialize, Serialize};
use weir_component::config::{OffUnlessNamed, schema};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Signal, Validate, Violations};
use weir_net::server::{GrpcServer, HttpServer};

/// Options of the `otlp` receiver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The protocols to serve; at least one.
    pub protocols: Protocols,
}

/// The protocols to serve. Naming one turns it on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Protocols {
    /// OTLP/gRPC.
    pub grpc: OffUnlessNamed<GrpcProtocol>,
    /// OTLP/HTTP with protobuf or JSON.
    pub http: OffUnlessNamed<HttpProtocol>,
}

/// OTLP/gRPC: all keys of a gRPC server.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct GrpcProtocol {
    /// The server. Default endpoint `localhost:4317`, `read_buffer_size` 512 KiB.
    #[schemars(flatten)]
    pub server: GrpcServer,
}

weir_net::keys!(GrpcProtocol {} flat { server: GrpcServer });

impl Default for GrpcProtocol {
    fn default() -> Self {
        let server = GrpcServer {
            endpoint: "localhost:4317".to_owned(),
            read_buffer_size: 512 * 1024,
            ..GrpcServer::default()
        };
        Self { server }
    }
}

impl Validate for GrpcProtocol {
    fn validate(&self, found: &mut Violations) {
        self.server.validate(found);
    }
}

/// OTLP/HTTP: all keys of an HTTP server, and the paths.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct HttpProtocol {
    /// The server. Default endpoint `localhost:4318`; no time-outs.
    #[schemars(flatten)]
    pub server: HttpServer,
    /// Path of trace requests. Default `/v1/traces`.
    pub traces_url_path: String,
    /// Path of metric requests. Default `/v1/metrics`.
    pub metrics_url_path: String,
    /// Path of log requests. Default `/v1/logs`.
    pub logs_url_path: String,
}

weir_net::keys!(HttpProtocol { traces_url_path, metrics_url_path, logs_url_path } flat { server: HttpServer });

impl Default for HttpProtocol {
    fn default() -> Self {
        let server = HttpServer {
            endpoint: "localhost:4318".to_owned(),
            write_timeout: std::time::Duration::ZERO,
            read_header_timeout: std::time::Duration::ZERO,
            idle_timeout: std::time::Duration::ZERO,
            ..HttpServer::default()
        };
        Self {
            server,
            traces_url_path: "/v1/traces".to_owned(),
            metrics_url_path: "/v1/metrics".to_owned(),
            logs_url_path: "/v1/logs".to_owned(),
        }
    }
}

impl HttpProtocol {
    /// Returns the signal that is served under a path; paths match exactly.
    pub(crate) fn signal_of(&self, path: &str) -> Option<Signal> {
        let paths = [
            (&self.metrics_url_path, Signal::Metrics),
            (&self.traces_url_path, Signal::Traces),
            (&self.logs_url_path, Signal::Logs),
        ];
        // A configured path may lack the leading slash.
        let matches = |configured: &str| path == configured || path.strip_prefix('/') == Some(configured);
        paths
            .into_iter()
            .find(|(configured, _)| matches(configured))
            .map(|(_, signal)| signal)
    }
}

impl Validate for HttpProtocol {
    fn validate(&self, found: &mut Violations) {
        self.server.validate(found);
        let paths = [
            ("traces_url_path", &self.traces_url_path),
            ("metrics_url_path", &self.metrics_url_path),
            ("logs_url_path", &self.logs_url_path),
        ];
        for (index, (key, path)) in paths.iter().enumerate() {
            let is_path = !path.is_empty() && !path.contains(['?', '#', ' ']) && !path.contains("://");
            found.require(
                is_path,
                key,
                format!("`{path}` is not the path of a URL, such as `/v1/metrics`"),
            );
            let twice = paths[..index]
                .iter()
                .any(|(_, other)| other.trim_start_matches('/') == path.trim_start_matches('/'));
            found.require(
                !twice,
                key,
                format!("`{path}` is the path of another signal already"),
            );
        }
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        let (grpc, http) = (&self.protocols.grpc, &self.protocols.http);
        found.require(
            grpc.is_on() || http.is_on(),
            "protocols",
            "needs at least one protocol: `grpc:` or `http:`",
        );
        found.nested("protocols::grpc", grpc);
        found.nested("protocols::http", http);
        if let (Some(grpc), Some(http)) = (grpc.as_ref(), http.as_ref()) {
            let same = grpc.server.endpoint == http.server.endpoint && !grpc.server.endpoint.ends_with(":0");
            found.require(
                !same,
                "protocols::http::endpoint",
                "is the endpoint of `grpc` already",
            );
        }
    }
}
