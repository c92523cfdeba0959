//! Stages of the hot path, each by itself: what `cargo xtask bench-gate` runs under valgrind.
//!
//! `weir-stages list` prints a line per stage: its name and the data points of one round. `weir-stages run STAGE ROUNDS`
//! does its work that many times in one thread, after a preparation that is the same whatever the number of rounds: the
//! difference between two runs is the stage alone. Prints nothing and measures nothing itself.

#![expect(clippy::print_stdout, reason = "the list is for the terminal")]

mod load;
mod stages;

use anyhow::{Context, Result, bail};
use stages::STAGES;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["list"] => {
            for stage in STAGES {
                println!("{} {}", stage.name, load::POINTS_PER_ROUND);
            }
            Ok(())
        }
        ["run", name, rounds] => {
            let stage = STAGES.iter().find(|stage| stage.name == name);
            let stage = stage.with_context(|| format!("there is no stage `{name}`"))?;
            let rounds = rounds
                .parse()
                .ok()
                .filter(|rounds| (1..=load::MAX_ROUNDS).contains(rounds))
                .with_context(|| format!("rounds must be 1 to {}", load::MAX_ROUNDS))?;
            (stage.run)(rounds)
        }
        _ => bail!("usage: weir-stages list | weir-stages run STAGE ROUNDS"),
    }
}
