//! The Python environment with the official OpenTelemetry SDK.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{capture, run, workspace_root};

/// Makes the environment, unless it is there for the same requirements.
pub(super) fn environment(folder: &Path) -> Result<()> {
    let requirements = workspace_root().join("integration/apps/python/requirements.txt");
    let definition = fs::read_to_string(&requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    if super::is_complete(folder, &definition) {
        println!("setup: python environment is up to date");
        return Ok(());
    }
    super::begin(folder)?;
    create(folder)?;
    let pip = folder.join("bin/pip");
    let install = [
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
    ];
    run(Command::new(pip).args(install).arg(&requirements))
        .context("cannot install the OpenTelemetry SDK for Python")?;
    println!("setup: python environment is ready");
    super::complete(folder, &definition)
}

/// Debian keeps the module that fills an environment in a package of its own; a fresh machine may lack it.
fn create(folder: &Path) -> Result<()> {
    let venv = || {
        capture(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(folder),
        )
    };
    let Err(error) = venv() else { return Ok(()) };
    println!("setup: python3 cannot make an environment, trying again with Debian's python3-venv");
    let apt = |arguments: &[&str]| capture(Command::new("apt-get").arg("--quiet").args(arguments));
    apt(&["update"])
        .and_then(|_| apt(&["install", "--yes", "--no-install-recommends", "python3-venv"]))
        .with_context(|| format!("python3 cannot make an environment: {error:#}"))?;
    venv()
        .map(drop)
        .context("python3 cannot make an environment, although python3-venv is installed")
}
