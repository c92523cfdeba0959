//! `delta_to_cumulative` processor: adds up deltas to totals, and keeps the totals over restarts.
//!
//! Owns what a stream's total is, which points count towards it and when a total is safe. Who a stream is, and how histograms add up,
//! is [`weir_streams`]; how state gets onto a disk is for the storage extension to know.
//!
//! A batch goes through four steps: it is read into a list of points (`reading`); a walk over the shards of the table (`accumulator`)
//! decides on each point; the decisions are journaled if there is a storage (`journal`); and the batch is rewritten with them
//! (`writing`). Points that wait for older ones (`waiting`) come out of a later step. Beside them a `vigil` is kept over streams that
//! fall silent or have several writers, if options want it.

mod accumulator;
mod checkpoint;
mod config;
mod decision;
mod encoding;
mod ending;
mod frame;
mod journal;
mod metrics;
mod naming;
mod processor;
mod reading;
mod restore;
mod shelf;
mod stream;
mod tend;
mod turnstile;
mod vigil;
mod waiting;
mod wire;
mod writing;

pub use config::{Config, Conflicts, Staleness, Summaries};

use weir_component::{ProcessorFactory, Signal, Stability};

/// What a binary lists to offer this processor.
pub const FACTORY: ProcessorFactory =
    ProcessorFactory::layer::<processor::DeltaToCumulative>("delta_to_cumulative", Stability::Alpha)
        .aliases(&["deltatocumulative"])
        .signals(&[Signal::Metrics]);
