//! From a request's bytes to a verdict of the pipelines; the same for both transports.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use metrics::Counter;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use weir_component::{
    Batch, BuildContext, ConsumeError, Context, MemoryBudget, Outputs, Permit, ReceiverMetrics, Signal,
};
use weir_net::compression::Encoding;
use weir_net::server::context_of;
use weir_telemetry::Def;

use crate::under_way::UnderWay;

const REFUSED_REQUESTS: Def = Def::new(
    "weir_receiver_refused_requests_total",
    "Requests refused before their items could be counted, by reason (memory, malformed, or over HTTP too_large).",
);

/// How long a client should wait when the memory budget is used up.
const OVERLOAD_DELAY: Duration = Duration::from_secs(1);

/// A compressed body is expected to decode to this many times its size, until its true size is known.
const EXPECTED_RATIO: usize = 4;

/// One transport's way into the pipelines.
pub(crate) struct Ingest {
    outputs: Outputs,
    budget: MemoryBudget,
    metrics: Arc<ReceiverMetrics>,
    out_of_memory: Counter,
    malformed: Counter,
    too_large: Counter,
    include_metadata: bool,
    /// Batches on their way through the pipelines: a client that goes away does not tear its batch apart.
    under_way: TaskTracker,
}

impl Ingest {
    pub(crate) fn new(
        context: &BuildContext,
        outputs: Outputs,
        transport: &str,
        include_metadata: bool,
    ) -> Arc<Self> {
        let id = context.id.to_string();
        let refused = |reason| {
            context.metrics.counter(
                &REFUSED_REQUESTS,
                &[("receiver", &id), ("transport", transport), ("reason", reason)],
            )
        };
        Arc::new(Self {
            outputs,
            budget: context.budget.clone(),
            metrics: Arc::new(ReceiverMetrics::of(context, transport)),
            out_of_memory: refused("memory"),
            malformed: refused("malformed"),
            too_large: refused("too_large"),
            include_metadata,
            under_way: TaskTracker::new(),
        })
    }

    /// Returns true if a signal has pipelines.
    pub(crate) fn serves(&self, signal: Signal) -> bool {
        self.outputs.of(signal).is_some()
    }

    /// Takes a share of the memory budget for a body that is not read yet: `wire` bytes in the given coding, at most `limit` when
    /// decoded.
    ///
    /// # Errors
    ///
    /// The budget is used up; the client should come back.
    pub(crate) fn admit(
        &self,
        wire: usize,
        encoding: Encoding,
        limit: usize,
    ) -> Result<Permit, ConsumeError> {
        let expected = match encoding {
            Encoding::Identity => wire,
            _ => wire.saturating_mul(EXPECTED_RATIO).min(limit),
        };
        self.budget
            .try_acquire(expected as u64)
            .ok_or_else(|| self.refuse_memory())
    }

    /// Hands over a request of OTLP protobuf.
    ///
    /// # Errors
    ///
    /// The request is malformed, memory is short, or what the pipelines say.
    pub(crate) async fn protobuf(
        &self,
        signal: Signal,
        body: Bytes,
        permit: Permit,
        context: Context,
    ) -> Result<(), ConsumeError> {
        let batch = Batch::from_wire(signal, body).map_err(|error| {
            self.malformed.increment(1);
            ConsumeError::malformed(format!("request is not OTLP protobuf: {error}")).caused_by(error)
        })?;
        let items = batch.items() as u64;
        // Spec: OTLP, "Full Success": an empty request is a success.
        let Some(consumer) = self.outputs.of(signal).filter(|_| items > 0) else {
            return Ok(());
        };
        if !permit.resize(batch.bytes() as u64) {
            return Err(self.refuse_memory());
        }
        let batch = batch.with_context(context).with_permit(permit);
        UnderWay::begin(self.metrics.deliver(consumer, batch), &self.under_way).await
    }

    /// Counts a request that could not be decoded.
    pub(crate) fn count_malformed(&self) {
        self.malformed.increment(1);
    }

    /// Counts a request that is larger than allowed.
    pub(crate) fn count_too_large(&self) {
        self.too_large.increment(1);
    }

    fn refuse_memory(&self) -> ConsumeError {
        self.out_of_memory.increment(1);
        ConsumeError::overloaded("data refused: the memory budget is used up", OVERLOAD_DELAY)
    }

    /// Returns what is known about a request beside its data.
    pub(crate) fn context(&self, head: &::http::request::Parts, deadline: Option<Instant>) -> Context {
        context_of(head, self.include_metadata, deadline)
    }

    /// Waits until the batches under way have reached their end, or for the deadline. Returns how many have not.
    pub(crate) async fn finish(&self, deadline: std::time::Instant) -> usize {
        self.under_way.close();
        match tokio::time::timeout_at(deadline.into(), self.under_way.wait()).await {
            Ok(()) => 0,
            Err(_) => self.under_way.len(),
        }
    }
}
