//! Weir's own metrics and logs.
//!
//! A metric is declared once, as a [`Def`] with name, help, unit and the level from which it is kept; handles come from a
//! [`Metrics`] registry that is passed in, never from a process-wide one. This crate knows no other Weir crate: what is counted, and
//! when, is up to those who hold the handles.

mod metrics;

pub use metrics::{BYTE_BUCKETS, COUNT_BUCKETS, Def, Labels, Level, Metrics, UnknownLevel};
