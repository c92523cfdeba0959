//! The watch over the resident set.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weir_component::{BuildContext, BuildError, MemoryBudget, StatusReporter};
use weir_telemetry::memory;

use crate::Config;

/// Reads the resident set of this process in bytes; `None` where that is not known.
pub type ResidentBytes = Box<dyn Fn() -> Option<u64> + Send + Sync>;

/// Limits the budget of bytes in flight, and compares the resident set with the soft limit from time to time.
///
/// While memory is short, the component that owns the watch is in a recoverable error.
pub struct Watch {
    looking: Arc<Looking>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

struct Looking {
    budget: MemoryBudget,
    status: StatusReporter,
    soft_limit: u64,
    interval: Duration,
    resident_bytes: ResidentBytes,
    /// The resident set was above the soft limit when last looked at.
    short: AtomicBool,
}

impl Watch {
    /// Sets the limit of the process's budget, for a component with these options.
    ///
    /// # Errors
    ///
    /// The limit is a percentage of memory whose size is not known.
    pub fn new(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        Self::with_memory(
            config,
            context,
            memory::total_bytes(),
            Box::new(memory::resident_bytes),
        )
    }

    /// The same for a process that may use `total` bytes and says of itself how many it uses.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_memory(
        config: &Config,
        context: &BuildContext,
        total: Option<u64>,
        resident_bytes: ResidentBytes,
    ) -> Result<Self, BuildError> {
        if total.is_none() && config.limit_mib == 0 {
            return Err(BuildError::new(
                "cannot tell how much memory there is: use `limit_mib` instead of `limit_percentage`",
            ));
        }
        let soft_limit = config.soft_limit(total.unwrap_or(0));
        // Several limiters in one process: the tightest counts.
        context.budget.set_limit(soft_limit.min(context.budget.limit()));
        Ok(Self {
            looking: Arc::new(Looking {
                budget: context.budget.clone(),
                status: context.status.clone(),
                soft_limit,
                interval: config.check_interval,
                resident_bytes,
                short: AtomicBool::new(false),
            }),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })
    }

    /// Begins to look, at once and then every `check_interval`. Must be called within a tokio runtime.
    pub fn start(&self) {
        let (looking, stopping) = (Arc::clone(&self.looking), self.stopping.clone());
        self.tasks
            .spawn(async move { stopping.run_until_cancelled(looking.look()).await });
    }

    /// Ends the watch.
    ///
    /// # Cancel safety
    ///
    /// The watch ends all the same.
    pub async fn stop(&self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Returns true if the resident set was above the soft limit when last looked at.
    pub fn is_short(&self) -> bool {
        self.looking.short.load(Ordering::Relaxed)
    }

    /// Returns the process's budget.
    pub fn budget(&self) -> &MemoryBudget {
        &self.looking.budget
    }

    /// Returns the soft limit in bytes.
    pub fn soft_limit(&self) -> u64 {
        self.looking.soft_limit
    }

    /// Returns when those who are refused may come again: after the next look, at least a second.
    pub fn delay(&self) -> Duration {
        self.looking.interval.max(Duration::from_secs(1))
    }
}

impl Looking {
    /// Compares the resident set with the soft limit, for ever.
    async fn look(&self) {
        let mut ticks = tokio::time::interval(self.interval);
        loop {
            ticks.tick().await;
            if let Some(resident) = (self.resident_bytes)() {
                self.judge(resident);
            }
        }
    }

    fn judge(&self, resident: u64) {
        let short = resident >= self.soft_limit;
        if self.short.swap(short, Ordering::Relaxed) == short {
            return;
        }
        let (resident_mib, soft_limit_mib) = (resident >> 20, self.soft_limit >> 20);
        if short {
            self.status
                .recoverable("memory is above the soft limit: refusing data");
            tracing::warn!(
                resident_mib,
                soft_limit_mib,
                "memory is above the soft limit: refusing data"
            );
        } else {
            self.status.ok();
            tracing::info!(
                resident_mib,
                soft_limit_mib,
                "memory is below the soft limit: taking data again"
            );
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("soft_limit", &self.looking.soft_limit)
            .field("short", &self.is_short())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use weir_component::{ComponentKind, ComponentStatus};

    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn config(limit_mib: u32) -> Config {
        Config {
            check_interval: Duration::from_secs(1),
            limit_mib,
            ..Config::default()
        }
    }

    fn context() -> BuildContext {
        let id = "memory_limiter".parse().expect("id");
        let context = BuildContext::standalone(id, ComponentKind::Extension, None);
        context.status.stage(ComponentStatus::Starting);
        context.status.ok();
        context
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_short_from_the_soft_limit_on() {
        let (context, resident) = (context(), Arc::new(AtomicU64::new(9 * MIB)));
        let read = Arc::clone(&resident);
        let resident_bytes = Box::new(move || Some(read.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0));
        let watch = Watch::with_memory(&config(10), &context, None, resident_bytes).expect("built");
        watch.start();
        for (bytes, short) in [
            (9 * MIB, true),
            (8 * MIB - 1, false),
            (8 * MIB, true),
            // What cannot be read is what it was.
            (0, true),
            (MIB, false),
        ] {
            resident.store(bytes, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(1_001)).await;
            assert_eq!(watch.is_short(), short, "{bytes}");
            let expected = if short {
                ComponentStatus::RecoverableError
            } else {
                ComponentStatus::Ok
            };
            assert_eq!(context.status.event().status, expected);
        }
        watch.stop().await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_look_comes_at_once() {
        let watch = Watch::with_memory(&config(10), &context(), None, Box::new(|| Some(9 * MIB)));
        let watch = watch.expect("built");
        watch.start();
        tokio::task::yield_now().await;
        assert!(watch.is_short());
    }

    #[test]
    fn of_several_limiters_the_tightest_counts() {
        let context = context();
        for limit in [100, 10, 50] {
            Watch::with_memory(&config(limit), &context, None, Box::new(|| None)).expect("built");
        }
        assert_eq!(context.budget.limit(), 8 * MIB);
    }

    #[test]
    fn a_percentage_needs_to_know_the_whole() {
        let percent = Config {
            limit_percentage: 50,
            limit_mib: 0,
            ..config(0)
        };
        let build = |total| {
            Watch::with_memory(&percent, &context(), total, Box::new(|| None)).map(|watch| watch.soft_limit())
        };
        assert_eq!(build(Some(1_000)).expect("built"), 400);
        let error = build(None).expect_err("unknown").to_string();
        assert!(error.contains("limit_mib"), "{error}");
    }
}
