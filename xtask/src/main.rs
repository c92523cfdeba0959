//! Entry point of `cargo xtask`.

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Development tasks of Weir.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Count the instructions of the hot path's stages under valgrind and compare them with `benches/gate.yaml`.
    BenchGate {
        /// Only stages whose name contains this.
        filter: Option<String>,
        /// Make what is counted the baseline.
        #[arg(long)]
        accept: bool,
    },
    /// Run what must hold before a change is proposed: format, lints, generated code, layers, dependencies.
    Check,
    /// Generate the message types of `weir-proto` from `proto/`.
    Codegen {
        /// Compare with what is checked in instead of writing.
        #[arg(long)]
        check: bool,
    },
    /// Hold the dependencies between the crates against the layer table.
    Layers,
    /// Install the servers and SDKs of the integration suite into `target/integration/`.
    Setup,
    /// Run every test: unit, documentation and integration.
    Test {
        /// Only tests whose name contains this.
        filter: Option<String>,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().task {
        Task::BenchGate { filter, accept } => xtask::bench_gate::bench_gate(filter.as_deref(), accept),
        Task::Check => xtask::check::check(),
        Task::Codegen { check } => xtask::codegen::codegen(check),
        Task::Layers => xtask::layers::layers(),
        Task::Setup => xtask::setup::setup(),
        Task::Test { filter } => xtask::suite::test(filter.as_deref()),
    }
}
