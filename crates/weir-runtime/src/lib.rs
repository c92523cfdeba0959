//! The runtime: builds the pipeline graph from a configuration, starts it downstream first, stops it upstream first,
//! and puts one in the place of another.
//!
//! The graph's steps are joined by [`Edge`]s, the only place where books are kept. The runtime knows no component by name: what it
//! builds, starts and stops are the factories that the configuration chose.

mod build;
mod describe;
mod edge;
mod error;
mod fan_out;
mod references;
mod running;
mod switch;

pub use build::{BuildFailure, Runtime, Settings};
pub use edge::{Crossing, Edge};
pub use error::GraphError;
pub use fan_out::fan_out;
pub use running::{Leftover, Running, ShutdownReport, StartFailure};
pub use switch::{Outcome, Plan, Switch, Switched};

#[cfg(test)]
mod tests;
