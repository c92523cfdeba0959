//! `attributes` processor: changes the attributes of data points, spans and log records.
//!
//! Owns which data is changed and counts nothing: no item comes or goes. The actions themselves are those of `weir-edit`, the writing
//! is that of `weir_pdata::rewrite`.

mod config;
mod processor;

pub use config::Config;

use weir_component::{ProcessorFactory, Stability};

/// What a binary lists to offer this processor.
pub const FACTORY: ProcessorFactory =
    ProcessorFactory::of::<processor::Attributes>("attributes", Stability::Beta);
