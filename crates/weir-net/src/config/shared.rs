//! Small blocks that servers and clients share.

use std::time::Duration;

use weir_component::config::{Role, Violations};

use super::Span;
use weir_component::config::schema;
use weir_component::schemars::{self, JsonSchema};

/// The `dialer` section of a network address.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct Dialer {
    /// Longest time to connect. 0: no limit.
    #[schemars(with = "Span")]
    pub timeout: Duration,
}

crate::keys!(Dialer { timeout as Span });

/// An entry of `middlewares`.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct Middleware {
    /// Id of the extension, which must be listed in `service::extensions`. Required.
    pub id: String,
}

crate::keys!(Middleware { id });

/// Notes the extensions that a server's `middlewares` name.
pub(crate) fn validate_middlewares(middlewares: &[Middleware], found: &mut Violations) {
    for (index, middleware) in middlewares.iter().enumerate() {
        let key = format!("middlewares::{index}::id");
        found.names_extension(&key, &middleware.id, Role::ServerMiddleware);
    }
}

/// Refuses the `middlewares` of a client.
pub(crate) fn validate_client_middlewares(middlewares: &[Middleware], found: &mut Violations) {
    found.require(
        middlewares.is_empty(),
        "middlewares",
        "no extension is a middleware for clients: remove the key",
    );
}
