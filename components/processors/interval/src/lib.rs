//! `interval` processor: hands on the newest point of each stream once per interval, and everything that is no such stream at once.
//!
//! Owns which point of a stream is the newest and when it goes on. Who a stream is, is known to [`weir_streams`].
//!
//! A batch is gone through in one pass that takes points out (`taking`). Points are kept as the bytes that they came in, in a table of
//! streams (`newest`), and what they stood in once for all of them (`homes`). An `emission` puts them into requests again.

mod config;
mod emission;
mod homes;
mod metrics;
mod newest;
mod processor;
mod taking;

pub use config::{Config, PassThrough};

use weir_component::{ProcessorFactory, Signal, Stability};

/// What a binary lists to offer this processor.
pub const FACTORY: ProcessorFactory =
    ProcessorFactory::layer::<processor::Interval>("interval", Stability::Alpha).signals(&[Signal::Metrics]);
