//! Weir's own metrics, logs and spans.
//!
//! A metric is declared once, as a [`Def`] with name, help, unit and the level from which it is kept; handles come from a
//! [`Metrics`] registry that is passed in, never from a process-wide one. Logs are `tracing` events, which
//! [`logs::install`] writes in the Collector's two forms. Spans are those of the OpenTelemetry SDK, behind a [`Tracer`] that costs a
//! comparison when it is off. This crate knows no other Weir crate: what is counted or said,
//! and when, is up to others.

pub mod logs;
pub mod memory;
mod metrics;
mod process;
pub mod spans;

pub use metrics::{
    Aggregation, BYTE_BUCKETS, COUNT_BUCKETS, Def, Distribution, Exposition, InstrumentKind, Kind, Labels,
    Level, Metric, Metrics, OWN_SCOPE, Selection, Series, Snapshot, Unit, UnknownLevel, Value, View,
    ViewSelector, matches,
};
pub use process::{Heap, Process};
pub use spans::Tracer;
