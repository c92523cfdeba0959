//! `batch` processor: merges small batches into larger ones.
//!
//! Owns when and what to merge. What is sent onwards, and what becomes of it, is the next step's business; its verdict on the merged
//! batch is passed back to every caller whose data was in it.

mod batcher;
mod config;
mod metrics;
mod shard;

pub use config::Config;

use weir_component::{ProcessorFactory, Stability};

/// What a binary lists to offer this processor.
pub const FACTORY: ProcessorFactory = ProcessorFactory::layer::<batcher::Batcher>("batch", Stability::Beta);
