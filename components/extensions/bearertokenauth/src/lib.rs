//! `bearertokenauth` extension: a token on requests of clients, and tokens that servers accept.
//!
//! Owns the header, its scheme and the comparison. What a token says, if it says anything, it does not know.
//!
//! Spec: RFC 6750, "Authorization Request Header Field".

mod config;
mod extension;
mod tokens;

pub use config::Config;

use weir_component::{ExtensionFactory, Stability};

/// What a binary lists to offer this extension.
pub const FACTORY: ExtensionFactory =
    ExtensionFactory::of::<extension::BearerTokenAuth>("bearertokenauth", Stability::Beta);
