//! `cargo xtask setup`: what the integration suite needs beside a Rust toolchain.
//!
//! Everything lands under `target/integration/` and is reused while its definition stays the same: server
//! programs unpacked from Debian packages, a Python environment and a JavaScript one with the official
//! OpenTelemetry SDKs. Nothing is installed into the system, with one exception: Debian's `python3-venv`, if
//! Python cannot make environments without it.

mod debian;
mod javascript;
mod python;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process::workspace_root;

/// Folder that holds the servers and environments.
#[must_use]
pub fn folder() -> PathBuf {
    workspace_root().join("target/integration")
}

/// Installs whatever is missing.
///
/// # Errors
///
/// A package cannot be had or does not run here; the error says which and what was tried.
pub fn setup() -> Result<()> {
    let folder = folder();
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    debian::servers(&folder)?;
    python::environment(&folder.join("python"))?;
    javascript::environment(&folder.join("javascript"))
}

/// Whether a folder was completed from exactly this definition; see [`complete`].
fn is_complete(folder: &Path, definition: &str) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|stamp| stamp == definition)
}

/// Marks a folder as completed from this definition. The last thing to be done to it.
fn complete(folder: &Path, definition: &str) -> Result<()> {
    fs::write(folder.join(STAMP), definition).with_context(|| format!("cannot write in {}", folder.display()))
}

/// Begins a folder anew.
fn begin(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))
}

const STAMP: &str = ".complete";
