//! Servers: configuration, listening, connections, and what an HTTP server does around its service.
//!
//! Owns sockets and their limits from bind to drained shutdown, and turns away requests that are not
//! authenticated or that a middleware refuses. It does not know paths, methods or media types: that is the service,
//! a tower service from `Request<Incoming>` to `Response<Body>`.
//!
//! ```text
//! HttpServer / GrpcServer (configuration)
//!   --bind(host)--> Server (a bound socket) --start(service)--> Running --shutdown(deadline)--> Drained
//! ```

mod accept;
mod body;
mod config;
mod connection;
mod context;
mod cors;
mod gather;
mod grpc_config;
mod guard;
mod layers;
mod listener;
mod middleware;
mod ping_guard;
mod shared;
#[cfg(test)]
mod tests;
mod write_timeout;

pub use accept::{Drained, Running, Server, ServerError};
pub use body::{Announced, BodyError, BodyPolicy};
pub use config::{AcceptedEncodings, Cors, DEFAULT_MAX_BODY_BYTES, HttpAuthentication, HttpServer};
pub use connection::{ConnectionInfo, PeerIdentity};
pub use context::context_of;
pub use grpc_config::{EnforcementPolicy, GrpcServer, Keepalive, ServerParameters};
pub use listener::{BindError, Endpoint, LocalAddress};

use std::convert::Infallible;

use http::{Request, Response};
use hyper::body::Incoming;
use tower::Service;

use crate::body::Body;

/// What a server serves. Implemented by every fitting tower service; errors become answers inside it.
pub trait HttpService:
    Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> HttpService for S where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}
