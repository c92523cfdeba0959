//! Development tasks, run as `cargo xtask <task>`.
//!
//! Owns everything a developer or CI does around `cargo`: generated code, the layer rules, the servers and
//! client applications of the integration suite, the order in which all tests run, and the gate on instruction counts. Nothing here is part of
//! the product, and no crate of the product depends on it.

#![expect(clippy::print_stdout, reason = "a command-line tool reports to its terminal")]

pub mod bench_gate;
pub mod check;
pub mod codegen;
pub mod layers;
pub mod process;
pub mod setup;
pub mod steps;
pub mod suite;
