//! The processor.

use std::sync::Arc;
use std::time::Instant;

use metrics::Counter;
use weir_component::{
    Batch, BuildContext, BuildError, Component, ConsumeError, Consumer, Host, Layer, ProcessorMetrics,
    ShutdownError, Signal, StartError, async_trait,
};
use weir_memory::{Config, Watch};
use weir_telemetry::Def;

const ACCEPTED: [Def; 3] = [
    Def::new(
        "otelcol_processor_memory_limiter_accepted_metric_points",
        "Data points that were within the limits.",
    )
    .of("{datapoints}"),
    Def::new(
        "otelcol_processor_memory_limiter_accepted_spans",
        "Spans that were within the limits.",
    )
    .of("{spans}"),
    Def::new(
        "otelcol_processor_memory_limiter_accepted_log_records",
        "Log records that were within the limits.",
    )
    .of("{records}"),
];
const REFUSED: [Def; 3] = [
    Def::new(
        "otelcol_processor_memory_limiter_refused_metric_points",
        "Data points refused because memory was short.",
    )
    .of("{datapoints}"),
    Def::new(
        "otelcol_processor_memory_limiter_refused_spans",
        "Spans refused because memory was short.",
    )
    .of("{spans}"),
    Def::new(
        "otelcol_processor_memory_limiter_refused_log_records",
        "Log records refused because memory was short.",
    )
    .of("{records}"),
];

/// The `memory_limiter` processor.
pub(crate) struct MemoryLimiter {
    next: Consumer,
    watch: Watch,
    accepted: Counter,
    refused: Counter,
    metrics: ProcessorMetrics,
}

#[async_trait]
impl Component for MemoryLimiter {
    async fn start(self: Arc<Self>, _host: &Host) -> Result<(), StartError> {
        self.watch.start();
        Ok(())
    }

    async fn shutdown(&self, _deadline: Instant) -> Result<(), ShutdownError> {
        self.watch.stop().await;
        Ok(())
    }
}

#[async_trait]
impl Layer for MemoryLimiter {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext, next: Consumer) -> Result<Self, BuildError> {
        Ok(Self::with_watch(Watch::new(config, context)?, context, next))
    }

    async fn consume(&self, batch: Batch) -> Result<(), ConsumeError> {
        let (items, processing) = (batch.items() as u64, self.metrics.begin());
        let admitted = self.admit(batch);
        let handed_on = if admitted.is_some() { items } else { 0 };
        self.metrics.end(processing, items, handed_on);
        match admitted {
            Some(batch) => {
                self.accepted.increment(items);
                self.next.consume(batch).await
            }
            None => {
                self.refused.increment(items);
                Err(ConsumeError::overloaded(
                    "data refused: memory is short",
                    self.watch.delay(),
                ))
            }
        }
    }
}

impl MemoryLimiter {
    fn with_watch(watch: Watch, context: &BuildContext, next: Consumer) -> Self {
        let id = context.id.to_string();
        let labels = [("processor", id.as_str())];
        let signal = context.signal.unwrap_or(Signal::Metrics) as usize;
        Self {
            next,
            watch,
            accepted: context.metrics.counter(&ACCEPTED[signal], &labels),
            refused: context.metrics.counter(&REFUSED[signal], &labels),
            metrics: ProcessorMetrics::new(context),
        }
    }

    /// Lets a batch pass unless memory is short; charges it to the budget if nobody has.
    fn admit(&self, batch: Batch) -> Option<Batch> {
        if self.watch.is_short() {
            return None;
        }
        if batch.has_permit() {
            return Some(batch);
        }
        let permit = self.watch.budget().try_acquire(batch.bytes() as u64)?;
        Some(batch.with_permit(permit))
    }
}

#[cfg(test)]
mod tests;
