//! `file_storage` extension: keeps the state of other components in files.
//!
//! Owns the options and what they mean for [`weir_storage`]. What the state is, the components know.

mod compaction;
mod config;
mod extension;

pub use compaction::Compaction;
pub use config::Config;

use weir_component::{ExtensionFactory, Stability};

/// What a binary lists to offer this extension.
pub const FACTORY: ExtensionFactory =
    ExtensionFactory::of::<extension::FileStorageExtension>("file_storage", Stability::Beta);
