//! `cargo xtask test`: every test there is, from an empty target directory to a summary.

use anyhow::{Context, Result, bail};

use crate::codegen::codegen;
use crate::layers::layers;
use crate::process::{cargo, run, target, workspace_root};
use crate::setup::setup;
use crate::steps::Steps;

/// Runs every test, or those whose name contains `filter`, and prints a summary.
///
/// A failing step does not stop the others, except that nothing can be tested against servers or a program that
/// are not there; such steps are listed as skipped beside the failure.
///
/// # Errors
///
/// At least one step failed.
pub fn test(filter: Option<&str>) -> Result<()> {
    let mut steps = Steps::default();
    if filter.is_none() {
        steps.run("generated code", || codegen(true));
        steps.run("layers", layers);
    }
    let servers = steps.run("servers and SDKs", setup);
    steps.run("unit and doc tests", || {
        run(cargo()
            .args([
                "test",
                "--workspace",
                "--exclude",
                "weir-integration",
                "--locked",
                "--no-fail-fast",
            ])
            .args(filter))
    });
    if filter.is_none() {
        steps.run("example of a distribution", example);
    }
    let program = steps.run("build of the program", build);
    if servers && program {
        steps.run("integration tests", || {
            run(cargo()
                .args([
                    "test",
                    "--package",
                    "weir-integration",
                    "--locked",
                    "--no-fail-fast",
                ])
                .args(filter)
                .env("WEIR_BIN", program_path()?)
                // A failing test says what it waited for; where in the suite is of no interest.
                .env("RUST_LIB_BACKTRACE", "0"))
        });
    } else {
        steps.skip("integration tests", "needs the servers and the program");
    }
    steps.finish()
}

/// Builds and tests the crate that shows how others build on Weir. It is no member of the workspace, so it has a lock file of its own: the
/// versions in it are those of the workspace.
fn example() -> Result<()> {
    let root = workspace_root();
    let folder = root.join("examples/custom");
    std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))
        .context("cannot give the example the workspace's lock file")?;
    run(cargo()
        .args(["test", "--no-fail-fast", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        // What both need is built once.
        .env("CARGO_TARGET_DIR", target()))
}

/// Builds what the integration suite runs: the gateway and the load generator.
fn build() -> Result<()> {
    run(cargo().args([
        "build",
        "--package",
        "weir",
        "--package",
        "weir-loadgen",
        "--bins",
        "--locked",
    ]))
}

/// Path of the gateway that [`build`] made.
fn program_path() -> Result<std::path::PathBuf> {
    let path = target().join("debug/weir");
    if !path.is_file() {
        bail!("the build left no program at {}", path.display());
    }
    path.canonicalize()
        .with_context(|| format!("cannot resolve {}", path.display()))
}
