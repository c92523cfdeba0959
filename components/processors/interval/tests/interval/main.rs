//! The processor between two steps.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod books;
mod contract;
mod emission;
mod model;
mod support;
