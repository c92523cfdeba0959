//! `relabel` processor: changes and drops points as Prometheus relabels series.
//!
//! Owns which labels a point has, and what becomes of the point when rules have changed them. The rules themselves are those of
//! `weir-relabel`, the writing is that of `weir_pdata::rewrite`.

mod config;
mod outcome;
mod processor;
mod run;

pub use config::Config;

use weir_component::{ProcessorFactory, Signal, Stability};

/// What a binary lists to offer this processor.
pub const FACTORY: ProcessorFactory =
    ProcessorFactory::of::<processor::Relabel>("relabel", Stability::Alpha).signals(&[Signal::Metrics]);
