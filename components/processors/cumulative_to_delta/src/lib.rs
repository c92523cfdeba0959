//! `cumulative_to_delta` processor: sends what came since the point before, instead of totals.
//!
//! Owns what a stream's last total was and what a newer one says beyond it. Who a stream is, is known to [`weir_streams`]; which metrics
//! are meant, to [`weir_edit`].
//!
//! A batch is rewritten in one pass: the `converter` looks each total up, compares it with the `stream`'s last one and writes the
//! difference in its place. What the pass changed in the table it can take back, so that a batch that the next step refuses leaves
//! no gap.

mod config;
mod converter;
mod metrics;
mod processor;
mod stream;
mod tally;

pub use config::{Config, InitialValue, MetricMatch, MetricType};

use weir_component::{ProcessorFactory, Signal, Stability};

/// What a binary lists to offer this processor.
pub const FACTORY: ProcessorFactory =
    ProcessorFactory::layer::<processor::CumulativeToDelta>("cumulative_to_delta", Stability::Alpha)
        .aliases(&["cumulativetodelta"])
        .signals(&[Signal::Metrics]);
