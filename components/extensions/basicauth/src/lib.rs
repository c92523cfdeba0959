//! `basicauth` extension: user names and passwords on requests of clients, or a list of users for servers.
//!
//! Owns the `Basic` scheme, the htpasswd format and what checking passwords may cost. It does not know who uses it: HTTP and gRPC,
//! clients and servers find it by its id.
//!
//! Spec: RFC 7617.

mod client;
mod config;
mod credentials;
mod extension;
mod htpasswd;
mod server;
mod users;

pub use config::{ClientAuth, Config, Htpasswd};

use weir_component::{ExtensionFactory, Stability};

/// What a binary lists to offer this extension.
pub const FACTORY: ExtensionFactory =
    ExtensionFactory::of::<extension::BasicAuth>("basicauth", Stability::Beta);
