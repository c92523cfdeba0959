//! `metrics_transform` processor: renames, relabels, scales, aggregates and combines metrics, batch by batch.
//!
//! Owns what a list of transforms makes of the metrics of a scope. How bytes are changed is the business of [`weir_pdata::rewrite`], how
//! histograms add up that of [`weir_streams`]. It keeps nothing from one batch to the next.
//!
//! What transforms mean for a metric is its course (`course`), worked out from its name. Metrics whose points change one by one are
//! edited on the wire. Others are decoded (`gather`), the transforms run over those of one scope (`scope`), and the batch is written with
//! what came out of it (`write`). What no transform matches is copied as it is.

mod combine;
mod config;
mod course;
mod gather;
mod include;
mod labels;
mod merge;
mod metrics;
mod operation;
mod points;
mod processor;
mod scope;
mod tally;
mod transform;
mod write;

pub use config::{
    Aggregation, Config, OperationAction, OperationConfig, SubmatchCase, TransformAction, TransformConfig,
    ValueAction,
};

use weir_component::{ProcessorFactory, Signal, Stability};

/// What a binary lists to offer this processor.
pub const FACTORY: ProcessorFactory =
    ProcessorFactory::of::<processor::MetricsTransform>("metrics_transform", Stability::Alpha)
        .aliases(&["metricstransform"])
        .signals(&[Signal::Metrics]);
