//! `debug` exporter: prints what reaches it, for people who look at a pipeline.
//!
//! Owns the printed form, which follows the Collector's but is no interface: it may change. Printing decodes batches and is slow;
//! sampling bounds how often it happens.

mod config;
mod exporter;
mod output;
mod sampling;
mod text;

pub use config::{Config, Verbosity};

use weir_component::{ExporterFactory, Stability};

/// What a binary lists to offer this exporter.
pub const FACTORY: ExporterFactory = ExporterFactory::of::<exporter::Debug>("debug", Stability::Alpha);
