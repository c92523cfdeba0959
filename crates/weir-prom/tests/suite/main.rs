//! Tests of the translation as a user of the crate sees it.

mod model;
mod rules;
mod support;
mod vectors;
