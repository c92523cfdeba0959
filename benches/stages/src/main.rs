//! Stages of the hot path, each by itself: what `cargo xtask bench-gate` runs under valgrind.
//!
//! `weir-stages list` prints a line per stage: its name and the data points that are measured. `weir-stages run STAGE`
//! prepares, works some rounds so that tables are filled, and works some more within [`measured`], the function that
//! callgrind is told to look at. Everything happens in one thread. Prints nothing and measures nothing itself.

#![expect(clippy::print_stdout, reason = "the list is for the terminal")]

mod load;
mod stages;

use anyhow::{Context, Result, bail};
use load::{MEASURED, POINTS_PER_ROUND};
use stages::STAGES;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["list"] => {
            for stage in STAGES {
                println!("{} {}", stage.name, POINTS_PER_ROUND * MEASURED.len());
            }
            Ok(())
        }
        ["run", name] => {
            let stage = STAGES.iter().find(|stage| stage.name == name);
            let stage = stage.with_context(|| format!("there is no stage `{name}`"))?;
            let mut work = (stage.prepare)()?;
            (0..MEASURED.start).try_for_each(&mut *work)?;
            measured(&mut *work)
        }
        _ => bail!("usage: weir-stages list | weir-stages run STAGE"),
    }
}

/// The rounds that count. xtask knows this function by its name.
#[inline(never)]
fn measured(work: &mut dyn FnMut(usize) -> Result<()>) -> Result<()> {
    MEASURED.into_iter().try_for_each(work)
}
