//! The processor, and the task that watches the resident set.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use metrics::Counter;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weir_component::{
    Batch, BuildContext, BuildError, Component, ConsumeError, Consumer, Host, Layer, MemoryBudget,
    ShutdownError, Signal, StartError, async_trait,
};
use weir_telemetry::{Def, memory};

use crate::Config;

const ACCEPTED: [Def; 3] = [
    Def::new(
        "otelcol_processor_memory_limiter_accepted_metric_points",
        "Data points that were within the limits.",
    ),
    Def::new(
        "otelcol_processor_memory_limiter_accepted_spans",
        "Spans that were within the limits.",
    ),
    Def::new(
        "otelcol_processor_memory_limiter_accepted_log_records",
        "Log records that were within the limits.",
    ),
];
const REFUSED: [Def; 3] = [
    Def::new(
        "otelcol_processor_memory_limiter_refused_metric_points",
        "Data points refused because memory was short.",
    ),
    Def::new(
        "otelcol_processor_memory_limiter_refused_spans",
        "Spans refused because memory was short.",
    ),
    Def::new(
        "otelcol_processor_memory_limiter_refused_log_records",
        "Log records refused because memory was short.",
    ),
];

/// Reads the resident set of this process in bytes; `None` where that is not known.
type ResidentBytes = Box<dyn Fn() -> Option<u64> + Send + Sync>;

/// The `memory_limiter` processor.
pub(crate) struct MemoryLimiter {
    next: Consumer,
    budget: MemoryBudget,
    soft_limit: u64,
    check_interval: Duration,
    resident_bytes: ResidentBytes,
    /// The resident set was above the soft limit when last looked at.
    short: AtomicBool,
    accepted: Counter,
    refused: Counter,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

#[async_trait]
impl Component for MemoryLimiter {
    async fn start(self: Arc<Self>, _host: &Host) -> Result<(), StartError> {
        let (limiter, stopping) = (Arc::clone(&self), self.stopping.clone());
        self.tasks
            .spawn(async move { stopping.run_until_cancelled(limiter.watch()).await });
        Ok(())
    }

    async fn shutdown(&self, _deadline: Instant) -> Result<(), ShutdownError> {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        Ok(())
    }
}

#[async_trait]
impl Layer for MemoryLimiter {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext, next: Consumer) -> Result<Self, BuildError> {
        Self::with_memory(
            config,
            context,
            next,
            memory::total_bytes(),
            Box::new(memory::resident_bytes),
        )
    }

    async fn consume(&self, batch: Batch) -> Result<(), ConsumeError> {
        let items = batch.items() as u64;
        match self.admit(batch) {
            Some(batch) => {
                self.accepted.increment(items);
                self.next.consume(batch).await
            }
            None => {
                self.refused.increment(items);
                Err(ConsumeError::overloaded(
                    "data refused: memory is short",
                    self.check_interval.max(Duration::from_secs(1)),
                ))
            }
        }
    }
}

impl MemoryLimiter {
    /// Makes the processor for a process that may use `total` bytes and says of itself how many it uses.
    fn with_memory(
        config: &Config,
        context: &BuildContext,
        next: Consumer,
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
        let id = context.id.to_string();
        let labels = [("processor", id.as_str())];
        let signal = context.signal.unwrap_or(Signal::Metrics) as usize;
        Ok(Self {
            next,
            budget: context.budget.clone(),
            soft_limit,
            check_interval: config.check_interval,
            resident_bytes,
            short: AtomicBool::new(false),
            accepted: context.metrics.counter(&ACCEPTED[signal], &labels),
            refused: context.metrics.counter(&REFUSED[signal], &labels),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })
    }

    /// Lets a batch pass unless memory is short; charges it to the budget if nobody has.
    fn admit(&self, batch: Batch) -> Option<Batch> {
        if self.short.load(Ordering::Relaxed) {
            return None;
        }
        if batch.has_permit() {
            return Some(batch);
        }
        let permit = self.budget.try_acquire(batch.bytes() as u64)?;
        Some(batch.with_permit(permit))
    }

    /// Compares the resident set with the soft limit, for ever.
    async fn watch(&self) {
        let mut ticks = tokio::time::interval(self.check_interval);
        loop {
            ticks.tick().await;
            let Some(resident) = (self.resident_bytes)() else {
                continue;
            };
            let short = resident >= self.soft_limit;
            if self.short.swap(short, Ordering::Relaxed) != short {
                let (resident_mib, soft_limit_mib) = (resident >> 20, self.soft_limit >> 20);
                if short {
                    tracing::warn!(
                        resident_mib,
                        soft_limit_mib,
                        "memory is above the soft limit: refusing data"
                    );
                } else {
                    tracing::info!(
                        resident_mib,
                        soft_limit_mib,
                        "memory is below the soft limit: taking data again"
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
