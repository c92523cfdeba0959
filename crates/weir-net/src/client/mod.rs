//! Clients: configuration, connections, requests.
//!
//! Owns the way to a server: names, proxies, TLS, the pool of connections and its limits, timeouts, compression, configured headers, credentials,
//! bounded answers. It does not know what a status means, nor when to try again.
//!
//! ```text
//! HttpClient (configuration) --build(host, proxies, user agent)--> Client --send(Outgoing)--> Reply
//! GrpcClient (configuration) --build(host, proxies, user agent)--> grpc::Client --unary(ClientCall)--> grpc::Reply
//! ```

mod config;
mod connect;
mod credentials;
mod grpc_config;
mod grpc_endpoint;
mod proxy;
mod request;
mod slots;
mod target;
#[cfg(test)]
mod tests;
mod transport;

pub use config::{ClientError, Compression, CompressionParams, Cookies, HttpClient};
pub(crate) use credentials::Credentials;
pub use grpc_config::{ClientKeepalive, GrpcClient, GrpcClientError};
pub use grpc_endpoint::{GrpcEndpoint, GrpcEndpointError};
pub use proxy::ProxyEnvironment;
pub(crate) use request::causes;
pub use request::{Client, DEFAULT_REPLY_BYTES, Outgoing, Reply, SendError};
pub use target::{Target, TargetError};
pub use transport::{Address, Transport, TransportSettings};
