//! A list of named steps, all of them run even if one fails, with a table of outcomes at the end.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Outcomes so far.
#[derive(Debug, Default)]
pub struct Steps {
    done: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    name: &'static str,
    took: Duration,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

impl Steps {
    /// Runs one step and keeps its outcome. Returns whether it passed, for steps that build on it.
    pub fn run(&mut self, name: &'static str, step: impl FnOnce() -> Result<()>) -> bool {
        println!("\n==> {name}");
        let begin = Instant::now();
        let outcome = match step() {
            Ok(()) => Outcome::Passed,
            Err(error) => Outcome::Failed(format!("{error:#}")),
        };
        if let Outcome::Failed(reason) = &outcome {
            println!("{name} failed: {reason}");
        }
        let passed = matches!(outcome, Outcome::Passed);
        self.done.push(Step {
            name,
            took: begin.elapsed(),
            outcome,
        });
        passed
    }

    /// Records a step that cannot be run, and why.
    pub fn skip(&mut self, name: &'static str, reason: impl Into<String>) {
        self.done.push(Step {
            name,
            took: Duration::ZERO,
            outcome: Outcome::Skipped(reason.into()),
        });
    }

    /// Prints the table.
    ///
    /// # Errors
    ///
    /// At least one step failed.
    pub fn finish(self) -> Result<()> {
        println!("\nsummary");
        for Step { name, took, outcome } in &self.done {
            let (word, detail) = match outcome {
                Outcome::Passed => ("ok", ""),
                Outcome::Failed(reason) => ("FAILED", reason.lines().next().unwrap_or_default()),
                Outcome::Skipped(reason) => ("skipped", reason.as_str()),
            };
            println!("  {word:<8}{name:<24}{:>7.1} s  {detail}", took.as_secs_f64());
        }
        let failed = self
            .done
            .iter()
            .filter(|step| matches!(step.outcome, Outcome::Failed(_)))
            .count();
        if failed > 0 {
            bail!("{failed} of {} steps failed", self.done.len());
        }
        Ok(())
    }
}
