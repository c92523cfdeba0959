//! `cargo xtask bench-gate`: instructions per data point of each stage of the hot path, held against what was accepted.
//!
//! Times drift with whoever else uses a machine; instructions do not. Owns the counting under valgrind, the baseline in
//! `benches/gate.yaml` and the comparison. What a stage is, `weir-stages` (`benches/stages`) says.

mod baseline;
mod compare;
mod count;

use anyhow::{Context, Result, bail};

use crate::process::{capture, cargo, on_path, run, target, workspace_root};
pub use baseline::{Baseline, Tools};
pub use compare::{Row, TOLERANCE, Verdict};
pub use count::collected;

/// Counts every stage, or those whose name contains `filter`, prints a table, and judges or (with `accept`) renews the
/// baseline.
///
/// # Errors
///
/// valgrind is missing, a stage cannot be counted, or one takes more than the baseline allows.
pub fn bench_gate(filter: Option<&str>, accept: bool) -> Result<()> {
    if !on_path("valgrind") {
        bail!("`valgrind` is not on the search path; in Debian and Ubuntu it is in the package `valgrind`");
    }
    run(cargo().args(["build", "--release", "--package", "weir-stages", "--locked"]))?;
    let program = target().join("release/weir-stages");
    let tools = count::tools()?;
    let path = workspace_root().join("benches/gate.yaml");
    let mut baseline = Baseline::read(&path)?.unwrap_or_default();
    let differences = baseline.tools.differences(&tools);
    for difference in &differences {
        println!("{difference}: expect other counts");
    }

    let list = capture(std::process::Command::new(&program).arg("list"))?;
    let stages = count::stages(&list)?;
    let chosen: Vec<_> = stages
        .iter()
        .filter(|stage| filter.is_none_or(|filter| stage.name.contains(filter)))
        .collect();
    if chosen.is_empty() {
        bail!("no stage has `{}` in its name", filter.unwrap_or_default());
    }
    if accept && chosen.len() < stages.len() && !differences.is_empty() {
        bail!("the baseline was counted with other tools; accept all stages at once");
    }

    let width = chosen
        .iter()
        .map(|stage| stage.name.len())
        .max()
        .unwrap_or_default();
    println!("\n{}", Row::header(width));
    let mut rows = Vec::new();
    for stage in chosen {
        let now = count::instructions_per_point(&program, stage)
            .with_context(|| format!("cannot count `{}`", stage.name))?;
        let row = Row::new(&stage.name, baseline.stages.get(&stage.name).copied(), now);
        println!("{}", row.line(width));
        rows.push(row);
    }
    if filter.is_none() {
        let counted = |name: &&String| stages.iter().any(|stage| stage.name == **name);
        let gone = baseline.stages.iter().filter(|(name, _)| !counted(name));
        let gone: Vec<Row> = gone.map(|(name, count)| Row::gone(name, *count)).collect();
        for row in &gone {
            println!("{}", row.line(width));
        }
        rows.extend(gone);
    }

    if accept {
        baseline.accept(&rows, tools);
        baseline.write(&path)?;
        println!("\naccepted: {}", path.display());
        return Ok(());
    }
    compare::judge(&rows).inspect(|note| println!("\n{note}"))?;
    Ok(())
}
