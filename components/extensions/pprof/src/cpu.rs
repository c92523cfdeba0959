//! CPU profiles: stacks of the threads that run, sampled a hundred times per second of CPU time.
//!
//! One at a time per process: the timer and its signal belong to the process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use http::StatusCode;
use pprof::{ProfilerGuard, ProfilerGuardBuilder, Report};

use crate::answer::Refusal;
use crate::profile::{Builder, Line};

/// Whether the binary has CPU profiles.
pub(crate) const OFFERED: bool = true;

/// Samples per second of CPU time, as in Go.
const FREQUENCY: i32 = 100;

/// Code that must not be unwound from a signal: it may hold locks that unwinding needs.
const BLOCKED: [&str; 4] = ["libc", "libgcc", "pthread", "vdso"];

/// A recording is under way somewhere in the process.
static BUSY: AtomicBool = AtomicBool::new(false);

/// A recording under way; dropping it ends it.
pub(crate) struct Recording {
    // Dropped in this order: the sampling ends before another may begin.
    guard: ProfilerGuard<'static>,
    _turn: Turn,
}

/// The right to record.
struct Turn;

impl Drop for Turn {
    fn drop(&mut self) {
        BUSY.store(false, Ordering::Release);
    }
}

impl Recording {
    /// Begins to sample.
    pub(crate) fn begin() -> Result<Self, Refusal> {
        if BUSY.swap(true, Ordering::Acquire) {
            return Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "another CPU profile is being taken: try again later",
            ));
        }
        let turn = Turn;
        let builder = ProfilerGuardBuilder::default()
            .frequency(FREQUENCY)
            .blocklist(&BLOCKED);
        let guard = builder.build().map_err(|error| failed(&error))?;
        Ok(Self { guard, _turn: turn })
    }

    /// Ends sampling and returns the profile, compressed. Looks symbols up: takes seconds of CPU, on a thread that may block.
    pub(crate) fn finish(self) -> Result<Vec<u8>, Refusal> {
        let report = self.guard.report().build().map_err(|error| failed(&error))?;
        drop(self);
        encode(&report).map_err(|error| failed(&error))
    }
}

fn failed(error: &dyn std::error::Error) -> Refusal {
    Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!("the CPU profile failed: {error}"),
    )
}

/// Writes a report in the format of pprof.
fn encode(report: &Report) -> std::io::Result<Vec<u8>> {
    let timing = &report.timing;
    let period = 1_000_000_000 / i64::from(timing.frequency.max(1));
    let mut builder = Builder::new(
        &[("samples", "count"), ("cpu", "nanoseconds")],
        ("cpu", "nanoseconds"),
        period,
    );
    let since_epoch = timing.start_time.duration_since(UNIX_EPOCH).unwrap_or_default();
    builder.times(since_epoch, timing.duration);
    // Threads and stacks that differ in nothing that is shown are one sample.
    let mut samples: HashMap<(Vec<u64>, String), i64> = HashMap::new();
    for (frames, count) in &report.data {
        let stack = frames.frames.iter().map(|inlined| {
            let lines: Vec<Line> = inlined
                .iter()
                .map(|symbol| {
                    let (name, system_name) = (symbol.name(), symbol.sys_name().into_owned());
                    builder.line(&name, &system_name, &symbol.filename(), symbol.lineno().into())
                })
                .collect();
            builder.location(0, 0, lines)
        });
        let stack: Vec<u64> = stack.collect();
        *samples.entry((stack, frames.thread_name.clone())).or_default() += *count as i64;
    }
    for ((stack, thread), count) in samples {
        builder.sample(
            stack,
            vec![count, count.saturating_mul(period)],
            &[("thread", &thread)],
        );
    }
    builder.finish()
}
