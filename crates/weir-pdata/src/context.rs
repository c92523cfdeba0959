//! What is known about a batch beside its data.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// Request metadata (HTTP headers, gRPC metadata) that the receiver was told to keep: lower-case names to their values in order.
pub type Metadata = BTreeMap<String, Vec<String>>;

/// Who sent a batch, as an authenticator established it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Identity {
    /// The authenticated subject, for example a user name.
    pub subject: String,
    /// Further claims by name.
    pub attributes: BTreeMap<String, String>,
}

/// The fields of a [`Context`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ContextParts {
    /// Address of the peer that sent the data.
    pub peer: Option<SocketAddr>,
    /// Authenticated identity of the sender.
    pub identity: Option<Identity>,
    /// Tenant that the data belongs to.
    pub tenant: Option<String>,
    /// Request metadata that the receiver included.
    pub metadata: Metadata,
    /// When the sender stops waiting for an answer.
    pub deadline: Option<Instant>,
    /// W3C `traceparent` of the sender's request.
    pub traceparent: Option<String>,
}

/// What is known about a batch beside its data: cheap to clone, never changed in place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Context(Arc<ContextParts>);

impl Context {
    /// Wraps the parts.
    pub fn new(parts: ContextParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Default for Context {
    fn default() -> Self {
        static EMPTY: OnceLock<Context> = OnceLock::new();
        EMPTY
            .get_or_init(|| Self(Arc::new(ContextParts::default())))
            .clone()
    }
}

impl std::ops::Deref for Context {
    type Target = ContextParts;

    fn deref(&self) -> &ContextParts {
        &self.0
    }
}
