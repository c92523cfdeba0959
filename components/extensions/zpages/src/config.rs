//! Options of the `zpages` extension.

use weir_component::config::schema;
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_net::server::HttpServer;

/// Options of the `zpages` extension: its own, and all keys of an HTTP server on the same level.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct Config {
    /// The server. Default endpoint `localhost:55679`: whoever reaches the pages may read them, unless `auth` is set.
    #[schemars(flatten)]
    pub server: HttpServer,
    /// The page of variables that Go programs publish: cannot be enabled.
    pub expvar: Expvar,
}

weir_net::keys!(Config { expvar } flat { server: HttpServer });

/// The page of variables that Go programs publish.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct Expvar {
    /// Must be false, which is the default.
    pub enabled: bool,
}

weir_net::keys!(Expvar { enabled });

impl Default for Config {
    fn default() -> Self {
        Self {
            server: HttpServer {
                endpoint: "localhost:55679".to_owned(),
                ..HttpServer::default()
            },
            expvar: Expvar::default(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        found.require(
            !self.expvar.enabled,
            "expvar::enabled",
            "not supported: it publishes variables of the Go runtime; own metrics have memory and CPU of the process",
        );
        self.server.validate(found);
    }
}
