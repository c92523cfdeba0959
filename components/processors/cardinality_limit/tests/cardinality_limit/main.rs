//! The processor between two steps.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod contract;
mod downstream;
mod limits;
mod model;
mod overflow;
mod support;
