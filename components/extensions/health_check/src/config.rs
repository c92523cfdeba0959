//! Options of the `health_check` extension.

mod v2;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_component::config::{OffUnlessNamed, OffUnlessSet, schema};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_net::config::Span;
use weir_net::server::HttpServer;

pub use v2::{ComponentHealth, ConfigSection, GrpcService, HttpService, StatusSection};

/// Options of the `health_check` extension: its own, and all keys of an HTTP server on the same level.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct Config {
    /// The server. Default endpoint `localhost:13133`.
    #[schemars(flatten)]
    pub server: HttpServer,
    /// Path to answer; begins with `/`. A path that ends in `/` answers all paths below it as well. Default `/`.
    pub path: String,
    /// Text of the answers in place of the usual JSON. Default: off.
    pub response_body: OffUnlessSet<ResponseBody>,
    /// The Collector's check of exporter failures, which its documentation calls broken: cannot be enabled.
    pub check_collector_pipeline: CheckCollectorPipeline,
    /// Chooses the second form: `http`, `grpc` and `component_health` in place of the keys above. Default: false.
    pub use_v2: bool,
    /// Second form: the service over HTTP. Default: off.
    pub http: OffUnlessNamed<HttpService>,
    /// Second form: the service over gRPC. Default: off.
    pub grpc: OffUnlessNamed<GrpcService>,
    /// Second form: which errors of components count. Default: none.
    pub component_health: OffUnlessNamed<ComponentHealth>,
}

weir_net::keys!(Config {
    path, response_body, check_collector_pipeline, use_v2, http, grpc, component_health,
} flat { server: HttpServer });

impl Default for Config {
    fn default() -> Self {
        Self {
            server: HttpServer {
                endpoint: "localhost:13133".to_owned(),
                ..HttpServer::default()
            },
            path: "/".to_owned(),
            response_body: OffUnlessSet::off(),
            check_collector_pipeline: CheckCollectorPipeline::default(),
            use_v2: false,
            http: OffUnlessNamed::off(),
            grpc: OffUnlessNamed::off(),
            component_health: OffUnlessNamed::off(),
        }
    }
}

/// Text of the answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResponseBody {
    /// While all pipelines run. Default: empty.
    pub healthy: String,
    /// Before and after. Default: empty.
    pub unhealthy: String,
}

impl Validate for ResponseBody {}

/// The Collector's check of exporter failures. Read so that configurations which name it switched off keep working.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct CheckCollectorPipeline {
    /// Must be false, which is the default.
    pub enabled: bool,
    /// Without effect while the check is off. Default 5m.
    #[schemars(with = "Span")]
    pub interval: Duration,
    /// Without effect while the check is off. Default 5.
    pub exporter_failure_threshold: u32,
}

weir_net::keys!(CheckCollectorPipeline { enabled, interval as Span, exporter_failure_threshold });

impl Default for CheckCollectorPipeline {
    fn default() -> Self {
        Self {
            enabled: false,
            interval: Duration::from_secs(300),
            exporter_failure_threshold: 5,
        }
    }
}

impl Config {
    /// Reports keys of the second form without it, and checks those of the first.
    fn validate_first(&self, found: &mut Violations) {
        found.require(self.path.starts_with('/'), "path", "must begin with `/`");
        let sections = [
            ("http", self.http.is_on()),
            ("grpc", self.grpc.is_on()),
            ("component_health", self.component_health.is_on()),
        ];
        for (key, set) in sections {
            found.require(
                !set,
                key,
                "belongs to the second form of health checks: add `use_v2: true`",
            );
        }
        self.server.validate(found);
    }

    /// Reports keys of the first form beside the second, and checks those of the second.
    fn validate_second(&self, found: &mut Violations) {
        let first = Self::default();
        let keys = [
            ("endpoint", self.server.endpoint != first.server.endpoint),
            ("path", self.path != first.path),
            ("response_body", self.response_body.is_on()),
        ];
        for (key, set) in keys {
            found.require(
                !set,
                key,
                "belongs to the first form of health checks: with `use_v2: true` use `http` or `grpc`",
            );
        }
        let rest = HttpServer {
            endpoint: first.server.endpoint.clone(),
            ..self.server.clone()
        };
        found.require(
            rest == first.server,
            "",
            "keys of a server on this level belong to the first form of health checks: with `use_v2: true` move them into `http`",
        );
        found.require(
            self.http.is_on() || self.grpc.is_on(),
            "use_v2",
            "needs a service: name `http`, `grpc` or both",
        );
        found.nested("http", &self.http);
        found.nested("grpc", &self.grpc);
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        match self.use_v2 {
            false => self.validate_first(found),
            true => self.validate_second(found),
        }
        found.require(
            !self.check_collector_pipeline.enabled,
            "check_collector_pipeline::enabled",
            "not supported: exporter failures are in own metrics (`otelcol_exporter_send_failed_*`) and in the second form \
             (`use_v2: true`, `component_health`); remove the section",
        );
    }
}
