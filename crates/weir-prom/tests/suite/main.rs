//! Tests of the translation as a user of the crate sees it.

mod support;
mod vectors;
