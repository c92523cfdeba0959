//! `cargo xtask test`: every test there is, from an empty target directory to a summary.

use anyhow::{Context, Result, bail};

use crate::codegen::codegen;
use crate::layers::layers;
use crate::process::{cargo, run, workspace_root};
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
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || workspace_root().join("target"),
        |folder| workspace_root().join(folder),
    );
    let path = target.join("debug/weir");
    if !path.is_file() {
        bail!("the build left no program at {}", path.display());
    }
    path.canonicalize()
        .with_context(|| format!("cannot resolve {}", path.display()))
}
