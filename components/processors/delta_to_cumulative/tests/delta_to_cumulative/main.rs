//! The processor between two steps.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod contract;
mod refusals;
mod reorder;
mod staleness;
mod storage;
mod support;
mod totals;
