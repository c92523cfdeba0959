//! `group_by_attrs` processor: moves attributes of data points, spans and log records to their resources, and merges what is equal.
//!
//! Owns which attributes move, and counts. What is equal and how requests are put together anew is `weir_pdata::regroup`'s business.

mod config;
mod metrics;
mod processor;

pub use config::Config;

use weir_component::{ProcessorFactory, Stability};

/// What a binary lists to offer this processor.
pub const FACTORY: ProcessorFactory =
    ProcessorFactory::of::<processor::GroupByAttrs>("group_by_attrs", Stability::Beta)
        .aliases(&["groupbyattrs"]);
