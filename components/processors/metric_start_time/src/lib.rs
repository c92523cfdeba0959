//! `metric_start_time` processor: gives totals that come without a start time one.
//!
//! Owns when a stream is taken to have begun. Batches are rewritten in place; nothing is dropped or held.

mod config;
mod processor;
mod reading;
mod starts;

pub use config::{Config, Strategy};

use weir_component::{ProcessorFactory, Signal, Stability};

/// What a binary lists to offer this processor.
pub const FACTORY: ProcessorFactory =
    ProcessorFactory::of::<processor::MetricStartTime>("metric_start_time", Stability::Alpha)
        .aliases(&["metricstarttime"])
        .signals(&[Signal::Metrics]);
