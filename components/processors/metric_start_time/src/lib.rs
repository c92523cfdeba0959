//! `metric_start_time` processor: gives totals that come without a start time one.
//!
//! Owns when a stream is taken to have begun. Batches are rewritten in place: by start times that are remembered (`starts`), or, with
//! `subtract_initial_point`, by what first points said (`initials`), which are dropped.

mod config;
mod initials;
mod processor;
mod reading;
mod starting;
mod starts;
mod subtracting;

pub use config::{Config, Strategy};

use weir_component::{ProcessorFactory, Signal, Stability};

/// What a binary lists to offer this processor.
pub const FACTORY: ProcessorFactory =
    ProcessorFactory::of::<processor::MetricStartTime>("metric_start_time", Stability::Alpha)
        .aliases(&["metricstarttime"])
        .signals(&[Signal::Metrics]);
