//! Counting under valgrind's `callgrind`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Tools;
use crate::process::capture;

/// The function of `weir-stages` that is counted, so that preparation, start and end are not.
const MEASURED: &str = "--toggle-collect=weir_stages::measured*";

/// A stage, as `weir-stages list` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stage {
    pub(super) name: String,
    /// Data points that are measured.
    points: u64,
}

/// Reads `weir-stages list`.
pub(super) fn stages(list: &str) -> Result<Vec<Stage>> {
    let stage = |line: &str| {
        let (name, points) = line.split_once(' ')?;
        let points = points.parse().ok().filter(|points| *points > 0)?;
        Some(Stage {
            name: name.to_owned(),
            points,
        })
    };
    list.lines()
        .map(|line| stage(line).with_context(|| format!("`{line}` is no stage and its points")))
        .collect()
}

/// Counts one stage.
pub(super) fn instructions_per_point(program: &Path, stage: &Stage) -> Result<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", MEASURED])
        .arg(program)
        .args(["run", &stage.name])
        .output()
        .context("cannot start valgrind")?;
    let report = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("valgrind failed: {}\n{}", output.status, report.trim_end());
    }
    let instructions = collected(&report).filter(|instructions| *instructions > 0);
    let instructions = instructions.with_context(|| format!("callgrind has counted nothing:\n{report}"))?;
    Ok(instructions as f64 / stage.points as f64)
}

/// Reads the instructions that callgrind reports at its end.
#[must_use]
pub fn collected(report: &str) -> Option<u64> {
    let (_, collected) = report.rsplit_once("Collected :")?;
    collected.split_whitespace().next()?.parse().ok()
}

/// Asks the tools who they are.
pub(super) fn tools() -> Result<Tools> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version =
        |command: &mut Command| capture(command.arg("--version")).map(|text| text.trim().to_owned());
    Ok(Tools {
        rustc: version(&mut Command::new(rustc))?,
        valgrind: version(&mut Command::new("valgrind"))?,
        machine: std::env::consts::ARCH.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read_out_of_a_report() {
        let report = "==7== Callgrind, a call-graph generating cache profiler\n\
                      ==7== Events    : Ir\n\
                      ==7== Collected : 123456789\n\
                      ==7== \n\
                      ==7== I   refs:      123,456,789\n";
        assert_eq!(collected(report), Some(123_456_789));
        assert_eq!(collected("==7== Collected : many"), None);
        assert_eq!(collected("valgrind: cannot execute"), None);
    }

    #[test]
    fn a_list_is_names_and_points() {
        let stages = stages("door/mixed6 8000\nrw1/mixed6 4000\n").unwrap();
        assert_eq!(
            stages[1],
            Stage {
                name: "rw1/mixed6".into(),
                points: 4000
            }
        );
        for wrong in ["door", "door many", "door 0"] {
            assert!(super::stages(wrong).is_err(), "{wrong}");
        }
    }
}
