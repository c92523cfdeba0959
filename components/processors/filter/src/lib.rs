//! `filter` processor: drops metrics, spans and log records.
//!
//! Owns what is dropped and counts it. Which data a section matches is the business of `weir-edit`, leaving it out that of
//! `weir_pdata::rewrite`. Conditions in OTTL are not offered yet, and refused.

mod config;
mod processor;

pub use config::{
    Conditions, Config, ErrorMode, LogFilters, LogMatch, MetricFilters, MetricMatch, MetricMatchType,
    SpanFilters, TraceFilters,
};

use weir_component::{ProcessorFactory, Stability};

/// What a binary lists to offer this processor.
pub const FACTORY: ProcessorFactory = ProcessorFactory::of::<processor::Filter>("filter", Stability::Alpha);
