//! `resource` processor: changes the attributes of resources.
//!
//! Knows nothing of what belongs to a resource: that is copied as it is. The actions are those of `weir-edit`.

mod config;
mod processor;

pub use config::Config;

use weir_component::{ProcessorFactory, Stability};

/// What a binary lists to offer this processor.
pub const FACTORY: ProcessorFactory =
    ProcessorFactory::of::<processor::ResourceAttributes>("resource", Stability::Beta);
