//! `headers_setter` extension: headers of requests from what is known about the data in them, such as its tenant.
//!
//! Owns where values come from and what happens to headers that are there already. It does not know what the headers mean.

mod config;
mod extension;
mod setter;

pub use config::{Action, Config, Header};

use weir_component::{ExtensionFactory, Stability};

/// Name of this type of extension.
const TYPE: &str = "headers_setter";

/// What a binary lists to offer this extension.
pub const FACTORY: ExtensionFactory =
    ExtensionFactory::of::<extension::HeadersSetter>(TYPE, Stability::Alpha);
