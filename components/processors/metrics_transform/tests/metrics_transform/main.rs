//! The processor between two steps.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod aggregate;
mod books;
mod combine;
mod config;
mod edit;
mod group;
mod insert;
mod properties;
mod scale;
mod support;
