//! `debug` exporter: prints what arrives, for people who look into a pipeline.
//!
//! [`text`] turns decoded messages into lines, [`output`] knows where lines go, [`sampler`] which batches are printed at all. The
//! layout of the text is for people and may change.

mod config;
mod exporter;
mod output;
mod sampler;
mod text;

use weir_component::{ExporterFactory, Stability};

pub use config::{Config, SendingQueue, Verbosity};
pub use exporter::Debug;

/// What a binary lists to offer this exporter.
pub const FACTORY: ExporterFactory = ExporterFactory::of::<Debug>("debug", Stability::Alpha);
