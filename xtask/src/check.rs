//! `cargo xtask check`: what must hold before a change is proposed. `cargo xtask test` runs the tests.

use anyhow::Result;

use crate::codegen::codegen;
use crate::layers::layers;
use crate::process::{cargo, on_path, run};
use crate::steps::Steps;

/// Runs all checks and prints a summary.
///
/// # Errors
///
/// At least one check failed.
pub fn check() -> Result<()> {
    let mut steps = Steps::default();
    steps.run("format", || run(cargo().args(["fmt", "--all", "--check"])));
    steps.run("generated code", || codegen(true));
    steps.run("layers", layers);
    steps.run("lints", || {
        run(cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]))
    });
    steps.run("documentation", || {
        run(cargo()
            .env("RUSTDOCFLAGS", "-D warnings")
            .args(["doc", "--workspace", "--no-deps", "--locked"]))
    });
    if on_path("cargo-deny") {
        steps.run("dependencies", || run(cargo().args(["deny", "check"])));
    } else {
        steps.skip("dependencies", "cargo-deny is not installed");
    }
    steps.finish()
}
