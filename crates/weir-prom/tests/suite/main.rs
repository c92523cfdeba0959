//! Tests of the translation as a user of the crate sees it.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod model;
mod relabel;
mod rules;
mod support;
mod vectors;
