//! The file of accepted counts.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{Row, Verdict};

const HEADER: &str = "\
# Instructions per data point of each stage of the hot path. Written by `cargo xtask bench-gate --accept`,
# which also compares with it (without `--accept`). See benches/README.md.
";

/// What decides about the counts beside the code itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tools {
    /// First line of `rustc --version`.
    pub rustc: String,
    /// `valgrind --version`.
    pub valgrind: String,
    /// Architecture of the machine. valgrind hides most of what CPUs of one architecture differ in.
    pub machine: String,
}

impl Tools {
    /// Returns a sentence for each tool that is not the one of these counts; none if there are no counts.
    #[must_use]
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let pairs = [
            (&self.rustc, &now.rustc),
            (&self.valgrind, &now.valgrind),
            (&self.machine, &now.machine),
        ];
        pairs
            .into_iter()
            .filter(|(then, now)| !then.is_empty() && then != now)
            .map(|(then, now)| format!("the baseline was counted with {then}, this is {now}"))
            .collect()
    }
}

/// Accepted counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// What they were counted with.
    pub tools: Tools,
    /// Stage to instructions per data point.
    pub stages: BTreeMap<String, f64>,
}

impl Baseline {
    /// Reads the file; none if there is no such file yet.
    ///
    /// # Errors
    ///
    /// It cannot be read or understood.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        match fs::read_to_string(path) {
            Ok(text) => serde_yaml::from_str(&text)
                .map(Some)
                .with_context(|| format!("cannot understand {}", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_yaml::to_string(self).context("cannot write YAML")?;
        fs::write(path, format!("{HEADER}{text}")).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Takes over what was counted, and forgets stages that are gone.
    pub fn accept(&mut self, rows: &[Row], tools: Tools) {
        self.tools = tools;
        for row in rows {
            match (row.verdict(), row.now) {
                (Verdict::Gone, _) | (_, None) => drop(self.stages.remove(&row.stage)),
                (_, Some(now)) => drop(self.stages.insert(row.stage.clone(), (now * 10.0).round() / 10.0)),
            }
        }
    }
}
