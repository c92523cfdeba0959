//! The JavaScript environment with the official OpenTelemetry SDK.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{on_path, run, workspace_root};

/// Makes the environment, unless it is there for the same lock file.
pub(super) fn environment(folder: &Path) -> Result<()> {
    let source = workspace_root().join("integration/apps/javascript");
    let read = |name: &str| {
        let path = source.join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let (package, lock) = (read("package.json")?, read("package-lock.json")?);
    let definition = format!("{package}{lock}");
    if super::is_complete(folder, &definition) {
        println!("setup: javascript environment is up to date");
        return Ok(());
    }
    for program in ["node", "npm"] {
        if !on_path(program) {
            bail!("`{program}` is not on the search path; install Node.js 18.19 or later with npm");
        }
    }
    super::begin(folder)?;
    fs::write(folder.join("package.json"), package)?;
    fs::write(folder.join("package-lock.json"), lock)?;
    run(Command::new("npm")
        .args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ])
        .current_dir(folder))
    .context("cannot install the OpenTelemetry SDK for JavaScript")?;
    println!("setup: javascript environment is ready");
    super::complete(folder, &definition)
}
