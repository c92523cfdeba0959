//! Where `cargo xtask test` put the program, the servers and the SDKs.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// Root of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a member lies below the workspace")
        .to_owned()
}

/// The gateway: `WEIR_BIN`, or what `cargo build` leaves.
///
/// # Errors
///
/// There is no program at that path.
pub fn program() -> Result<PathBuf> {
    let path =
        std::env::var_os("WEIR_BIN").map_or_else(|| workspace().join("target/debug/weir"), PathBuf::from);
    existing(path, "`cargo build --package weir`, or set WEIR_BIN")
}

/// A file below `target/integration/`, such as `prometheus/usr/bin/prometheus`.
///
/// # Errors
///
/// The file is not there.
pub fn installed(path: &str) -> Result<PathBuf> {
    existing(
        workspace().join("target/integration").join(path),
        "`cargo xtask setup`",
    )
}

fn existing(path: PathBuf, remedy: &str) -> Result<PathBuf> {
    if !path.exists() {
        bail!("{} does not exist: run {remedy}", path.display());
    }
    Ok(path)
}
