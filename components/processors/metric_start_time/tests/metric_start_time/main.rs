//! The processor between two steps.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod contract;
mod starting;
mod subtracting;
mod support;
