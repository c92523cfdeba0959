//! Options of the second form: services that answer by the status of components.

use std::time::Duration;

use weir_component::config::schema;
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_net::config::Span;
use weir_net::server::{GrpcServer, HttpServer};

/// The service over HTTP: its own keys, and all keys of an HTTP server on the same level.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct HttpService {
    /// The server. Default endpoint `localhost:13133`.
    #[schemars(flatten)]
    pub server: HttpServer,
    /// The status of the service, its pipelines and their components. Default: on, at `/status`.
    pub status: StatusSection,
    /// The configuration as JSON, defaults filled in, without secrets. Default: off, at `/config`.
    pub config: ConfigSection,
}

weir_net::keys!(HttpService { status, config } flat { server: HttpServer });

impl Default for HttpService {
    fn default() -> Self {
        Self {
            server: HttpServer {
                endpoint: "localhost:13133".to_owned(),
                ..HttpServer::default()
            },
            status: StatusSection::default(),
            config: ConfigSection::default(),
        }
    }
}

impl HttpService {
    /// Returns the path of the status, if it is on.
    pub fn status_path(&self) -> Option<&str> {
        self.status.enabled.then_some(self.status.path.as_str())
    }

    /// Returns the path of the configuration, if it is on.
    pub fn config_path(&self) -> Option<&str> {
        self.config.enabled.then_some(self.config.path.as_str())
    }
}

impl Validate for HttpService {
    fn validate(&self, found: &mut Violations) {
        self.server.validate(found);
        for (key, path) in [
            ("status::path", self.status_path()),
            ("config::path", self.config_path()),
        ] {
            found.require(
                path.is_none_or(|path| path.starts_with('/')),
                key,
                "must begin with `/`",
            );
        }
        found.require(
            self.status_path().is_none() || self.status_path() != self.config_path(),
            "config::path",
            "is the path of the status as well",
        );
    }
}

/// Where the status is answered.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct StatusSection {
    /// Whether it is answered. Default: true.
    pub enabled: bool,
    /// The path, exact; begins with `/`. Default: `/status`.
    pub path: String,
}

weir_net::keys!(StatusSection { enabled, path });

impl Default for StatusSection {
    fn default() -> Self {
        Self {
            enabled: true,
            path: "/status".to_owned(),
        }
    }
}

/// Where the configuration is shown.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct ConfigSection {
    /// Whether it is shown. Default: false.
    pub enabled: bool,
    /// The path, exact; begins with `/`. Default: `/config`.
    pub path: String,
}

weir_net::keys!(ConfigSection { enabled, path });

impl Default for ConfigSection {
    fn default() -> Self {
        Self {
            enabled: false,
            path: "/config".to_owned(),
        }
    }
}

/// The service over gRPC (`grpc.health.v1.Health`): all keys of a gRPC server.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct GrpcService {
    /// The server. Default endpoint `localhost:13132`.
    #[schemars(flatten)]
    pub server: GrpcServer,
}

weir_net::keys!(GrpcService {} flat { server: GrpcServer });

impl Default for GrpcService {
    fn default() -> Self {
        Self {
            server: GrpcServer {
                endpoint: "localhost:13132".to_owned(),
                ..GrpcServer::default()
            },
        }
    }
}

impl Validate for GrpcService {
    fn validate(&self, found: &mut Violations) {
        self.server.validate(found);
    }
}

/// Which errors of components make the answer unhealthy. They are in the JSON in any case.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct ComponentHealth {
    /// Errors that a person must see to. Restarting does not help: take care with liveness probes. Default: false.
    pub include_permanent_errors: bool,
    /// Errors that may go away by themselves, when they last longer than `recovery_duration`. Default: false.
    pub include_recoverable_errors: bool,
    /// How long a recoverable error may last before it counts. Default: 5m.
    #[schemars(with = "Span")]
    pub recovery_duration: Duration,
}

weir_net::keys!(ComponentHealth {
    include_permanent_errors, include_recoverable_errors, recovery_duration as Span,
});

impl Default for ComponentHealth {
    fn default() -> Self {
        Self {
            include_permanent_errors: false,
            include_recoverable_errors: false,
            recovery_duration: Duration::from_secs(300),
        }
    }
}
