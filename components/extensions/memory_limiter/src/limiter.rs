//! The extension, and what it offers to servers.

use std::sync::Arc;
use std::time::Instant;

use metrics::Counter;
use weir_component::{
    BuildContext, BuildError, Code, Component, ConsumeError, Extension, Host, IncomingRequest,
    ServerMiddleware, ShutdownError, StartError, async_trait,
};
use weir_memory::{Config, Watch};
use weir_telemetry::Def;

const REFUSED: Def = Def::new(
    "weir_extension_memory_limiter_refused_requests_total",
    "Requests refused because memory was short.",
);

/// The `memory_limiter` extension.
pub(crate) struct MemoryLimiter {
    gate: Arc<Gate>,
}

/// Lets requests through unless memory is short.
struct Gate {
    watch: Watch,
    refused: Counter,
}

impl Extension for MemoryLimiter {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self::with_watch(Watch::new(config, context)?, context))
    }

    fn server_middleware(&self) -> Option<Arc<dyn ServerMiddleware>> {
        Some(self.gate.clone())
    }
}

impl MemoryLimiter {
    fn with_watch(watch: Watch, context: &BuildContext) -> Self {
        let id = context.id.to_string();
        let refused = context.metrics.counter(&REFUSED, &[("extension", id.as_str())]);
        Self {
            gate: Arc::new(Gate { watch, refused }),
        }
    }
}

#[async_trait]
impl Component for MemoryLimiter {
    async fn start(self: Arc<Self>, _: &Host) -> Result<(), StartError> {
        self.gate.watch.start();
        Ok(())
    }

    async fn shutdown(&self, _: Instant) -> Result<(), ShutdownError> {
        self.gate.watch.stop().await;
        Ok(())
    }
}

impl ServerMiddleware for Gate {
    fn admit(&self, _: &IncomingRequest<'_>) -> Result<(), ConsumeError> {
        let budget = self.watch.budget();
        if !self.watch.is_short() && budget.used() < budget.limit() {
            return Ok(());
        }
        self.refused.increment(1);
        let refusal = ConsumeError::new(Code::ResourceExhausted, "request refused: memory is short");
        Err(refusal.retry_after(self.watch.delay()))
    }
}

#[cfg(test)]
mod tests;
