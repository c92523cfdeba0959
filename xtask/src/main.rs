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
    /// Generate the message types of `weir-proto` from `proto/`.
    Codegen {
        /// Compare with what is checked in instead of writing.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().task {
        Task::Codegen { check } => xtask::codegen::codegen(check),
    }
}
