//! HTTP and gRPC clients and servers of components.
//!
//! Owns what lies between a component and the network: listening and connecting, TLS, HTTP/1 and HTTP/2, unary gRPC, content codings
//! with caps, timeouts, authentication by extensions, graceful shutdown, the shared configuration blocks for all that, and values that
//! follow their files or are renewed ahead of their expiry. It does not know what the bytes mean, nor which paths, methods and media
//! types a component serves.

mod aside;
mod body;
pub mod client;
mod collect;
pub mod compression;
pub mod config;
mod frames;
pub mod grpc;
mod io;
mod observe;
mod renewed;
pub mod server;
pub mod status;
#[cfg(test)]
mod testing;
pub mod tls;
mod watched;

pub use aside::aside;
pub use body::{Body, Feed, Gone};
pub use renewed::{Lease, RenewalMetrics, Renewed, Source};
pub use watched::{Watched, WatchedError};
