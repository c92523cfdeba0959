//! TLS of servers and clients: configuration, files, reload.
//!
//! Owns everything that touches rustls. The crypto provider (aws-lc-rs) is named on every builder, so that no process-wide default
//! is needed. It does not know HTTP beyond the protocol names that are negotiated.
//!
//! Differences from the Collector: TLS 1.2 is the oldest version, suites without forward secrecy or authenticated encryption do not
//! exist, keys in a TPM are not supported (each is a configuration error), and a failed reload keeps the previous certificate
//! instead of failing the handshake.

mod client;
mod config;
mod error;
mod live;
mod material;
mod provider;
mod server;
#[cfg(test)]
mod tests;

pub use client::ClientTls;
pub use config::{TlsClient, TlsFiles, TlsServer, Tpm};
pub use error::TlsError;
pub use server::ServerTls;

/// Protocol names for ALPN (RFC 7301): HTTP/2.
pub const ALPN_H2: &[u8] = b"h2";
/// Protocol names for ALPN: HTTP/1.1.
pub const ALPN_HTTP1: &[u8] = b"http/1.1";
