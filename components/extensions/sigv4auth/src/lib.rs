//! `sigv4auth` extension: signs the requests of clients to AWS, such as Amazon Managed Service for Prometheus.
//!
//! Owns the signature, the search for credentials and the exchange of roles. When credentials are looked for again is `weir-net`'s
//! [`Renewed`](weir_net::Renewed). What a request means it does not know: the body that it signs is the one that is sent.
//!
//! The signature is our own because it is short, fixed and has published vectors, while the vendor's crates bring a runtime, a second
//! implementation of SHA-2 and about twenty more packages.
//!
//! Spec: AWS Signature Version 4 for API requests.

mod canonical;
mod config;
mod credentials;
mod environment;
mod extension;
mod host;
mod sign;

pub use config::{AssumeRole, Config};

use weir_component::{ExtensionFactory, Stability};

/// What a binary lists to offer this extension.
pub const FACTORY: ExtensionFactory =
    ExtensionFactory::of::<extension::SigV4Auth>("sigv4auth", Stability::Beta);
