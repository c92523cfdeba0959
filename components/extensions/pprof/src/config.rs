//! Options of the `pprof` extension.

use weir_component::config::schema;
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_net::server::HttpServer;

use crate::cpu;

/// Options of the `pprof` extension: its own, and all keys of an HTTP server on the same level.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct Config {
    /// The server. Default endpoint `localhost:1777`.
    #[schemars(flatten)]
    pub server: HttpServer,
    /// Of the Go runtime: must not be more than 0, which is the default.
    pub block_profile_fraction: i64,
    /// Of the Go runtime: must not be more than 0, which is the default.
    pub mutex_profile_fraction: i64,
    /// File for a CPU profile from start to shutdown. Needs a binary that is built with CPU profiles; profiles on request are refused
    /// meanwhile. Default: none.
    pub save_to_file: String,
}

weir_net::keys!(Config {
    block_profile_fraction, mutex_profile_fraction, save_to_file,
} flat { server: HttpServer });

impl Default for Config {
    fn default() -> Self {
        Self {
            server: HttpServer {
                endpoint: "localhost:1777".to_owned(),
                ..HttpServer::default()
            },
            block_profile_fraction: 0,
            mutex_profile_fraction: 0,
            save_to_file: String::new(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        let fractions = [
            ("block_profile_fraction", self.block_profile_fraction),
            ("mutex_profile_fraction", self.mutex_profile_fraction),
        ];
        for (key, fraction) in fractions {
            found.require(
                fraction <= 0,
                key,
                "not supported: it samples events of the Go runtime, which is not here; remove it",
            );
        }
        found.require(
            self.save_to_file.is_empty() || cpu::OFFERED,
            "save_to_file",
            "this binary is built without CPU profiles: build it with `--features profiling`",
        );
        self.server.validate(found);
    }
}
