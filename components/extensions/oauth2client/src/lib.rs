//! `oauth2client` extension: puts tokens of an authorization server on the requests of clients.
//!
//! Owns the two grants, the request for a token and the reading of the answer. When to ask again is `weir-net`'s
//! [`Renewed`](weir_net::Renewed); what a token says it does not know.
//!
//! Spec: RFC 6749, "Client Credentials Grant"; RFC 7523, "Using JWTs as Authorization Grants"; RFC 6750.

mod answer;
mod assertion;
mod config;
mod endpoint;
mod extension;
mod params;

pub use config::{Config, GrantType, SignatureAlgorithm};
pub use params::EndpointParams;

use weir_component::{ExtensionFactory, Stability};

/// What a binary lists to offer this extension.
pub const FACTORY: ExtensionFactory =
    ExtensionFactory::of::<extension::Oauth2Client>("oauth2client", Stability::Beta);
