//! Golden configurations: a file of YAML, and the report that it deserves in a file beside it.
//!
//! With `WEIR_REWRITE` set, reports are written anew instead of compared; they are reviewed like code.

use std::fs;
use std::path::{Path, PathBuf};

/// What a golden configuration says about its scene, in lines at its beginning:
///
/// - `#env NAME=value` sets a variable;
/// - `#set a.b=value` is a `--set` flag;
/// - `#config other.yaml` is a further `--config` flag, after the file itself;
/// - `#bare` leaves out the file itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scene {
    /// Environment variables.
    pub variables: Vec<(String, String)>,
    /// Values of `--config`, relative to the folder of the file.
    pub configs: Vec<String>,
    /// Values of `--set`.
    pub sets: Vec<String>,
}

impl Scene {
    /// Reads the scene of a file.
    ///
    /// # Panics
    ///
    /// The file cannot be read.
    pub fn of(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name in UTF-8");
        let mut scene = Self {
            configs: vec![name.to_owned()],
            ..Self::default()
        };
        for line in text.lines() {
            if let Some((name, value)) = line.strip_prefix("#env ").and_then(|set| set.split_once('=')) {
                scene.variables.push((name.to_owned(), value.to_owned()));
            } else if let Some(set) = line.strip_prefix("#set ") {
                scene.sets.push(set.to_owned());
            } else if let Some(config) = line.strip_prefix("#config ") {
                scene.configs.push(config.to_owned());
            } else if line == "#bare" {
                scene.configs.remove(0);
            } else {
                break;
            }
        }
        scene
    }
}

/// Returns the golden configurations of a folder, in order.
///
/// # Panics
///
/// The folder cannot be read.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

/// Compares a text with the golden file at `golden`; an empty text has none.
///
/// # Errors
///
/// Both texts, if they differ.
pub fn compare(golden: &Path, text: &str) -> Result<(), String> {
    let text = match text.trim_end() {
        "" => String::new(),
        text => format!("{text}\n"),
    };
    let present = fs::read_to_string(golden).unwrap_or_default();
    if present == text {
        return Ok(());
    }
    if std::env::var_os("WEIR_REWRITE").is_some() {
        let written = if text.is_empty() {
            fs::remove_file(golden)
        } else {
            fs::write(golden, &text)
        };
        return written.map_err(|error| error.to_string());
    }
    Err(format!(
        "=== {}\n--- expected\n{present}\n+++ found\n{text}",
        golden.display()
    ))
}
