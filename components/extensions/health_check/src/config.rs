//! Options of the `health_check` extension.

use std::time::Duration;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use weir_component::config::{OffUnlessSet, schema};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_net::config::Span;
use weir_net::server::HttpServer;

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
    /// The Collector's second form of this extension: cannot be enabled.
    pub use_v2: bool,
    /// Of the second form only.
    pub http: V2Only,
    /// Of the second form only.
    pub grpc: V2Only,
    /// Of the second form only.
    pub component_health: V2Only,
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
            http: V2Only::default(),
            grpc: V2Only::default(),
            component_health: V2Only::default(),
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

/// A section of the second form: read as a whole, to say that it is not supported. Null counts as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(with = "()")]
pub struct V2Only {
    present: bool,
}

impl Serialize for V2Only {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_none()
    }
}

impl<'de> Deserialize<'de> for V2Only {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let section = Option::<IgnoredAny>::deserialize(deserializer)?;
        Ok(Self {
            present: section.is_some(),
        })
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        found.require(self.path.starts_with('/'), "path", "must begin with `/`");
        let sections = [
            ("use_v2", self.use_v2),
            ("http", self.http.present),
            ("grpc", self.grpc.present),
            ("component_health", self.component_health.present),
        ];
        for (key, set) in sections {
            found.require(
                !set,
                key,
                "not supported yet: the second form (v2) of health checks; use `endpoint` and `path`",
            );
        }
        found.require(
            !self.check_collector_pipeline.enabled,
            "check_collector_pipeline::enabled",
            "not supported: exporter failures are in own metrics (`otelcol_exporter_send_failed_*`); remove the section",
        );
        self.server.validate(found);
    }
}
