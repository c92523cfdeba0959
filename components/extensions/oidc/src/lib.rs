//! `oidc` extension: checks tokens of OpenID Connect providers for servers.
//!
//! Owns the keys of providers, the check of a token and what its claims say about the sender. When keys are fetched again is
//! `weir-net`'s [`Renewed`](weir_net::Renewed).
//!
//! Spec: OpenID Connect Discovery 1.0; RFC 7517 (JWK); RFC 7519 (JWT); RFC 8725 (JWT best current practices).

mod claims;
mod config;
mod discovery;
mod extension;
mod keys;
mod provider;

pub use config::{Config, Provider};

use weir_component::{ExtensionFactory, Stability};

/// What a binary lists to offer this extension.
pub const FACTORY: ExtensionFactory = ExtensionFactory::of::<extension::Oidc>("oidc", Stability::Beta);
