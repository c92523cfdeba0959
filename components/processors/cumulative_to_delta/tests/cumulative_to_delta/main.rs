//! The processor between two steps.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod contract;
mod deltas;
mod histograms;
mod model;
mod support;
