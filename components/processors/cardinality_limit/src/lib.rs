//! `cardinality_limit` processor: keeps the number of series, and of values of attributes, within limits.
//!
//! Owns which series and values there are, whose limit each counts against, and what becomes of points beyond a limit. A batch within
//! the limits goes on as it came, byte for byte. Nothing is held: what is added up is added up within one batch.

mod config;
mod groups;
mod guard;
mod ids;
mod judging;
mod limit;
mod merging;
mod metrics;
mod offenders;
mod processor;
mod reading;
mod state;
mod tenants;
mod writing;

pub use config::{Action, Config, SeriesLimits, TenantSource, ValueLimits};

use weir_component::{ProcessorFactory, Signal, Stability};

/// What a binary lists to offer this processor.
pub const FACTORY: ProcessorFactory =
    ProcessorFactory::layer::<processor::CardinalityLimit>("cardinality_limit", Stability::Alpha)
        .signals(&[Signal::Metrics]);
