//! A queue in memory: says "safe" once a batch has a place, or waits for the verdict if it is told to.
//!
//! Bounded by [`QueueRules::size`], and in bytes by the process's memory budget, whose permits travel with the batches. A full queue
//! refuses with a retryable error, or lets callers wait; callers of a queue in order wait a little while much is on its way ([`pace`]). A place is taken until the delivery is settled.
//!
//! Workers take batches out: in order and at once, or batched by size and time, kept apart by what must not mix. A request that is
//! larger than a batch may be is cut when it arrives; its parts share one [`Ticket`](ticket::Ticket).

mod claim;
mod pace;
mod rules;
mod ticket;
mod waiting;
mod worker;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;
use tower::Service;
use weir_component::{Batch, Code, ConsumeError, Fault, Retry};

use crate::Answer;
use crate::settle::Settlement;

use claim::Claim;
use pace::Pace;
pub use rules::{Assembly, Batching, QueueRules, QueueSettings, Sizer};
use ticket::Ticket;
use waiting::{Entry, Size, Waiting};

/// What the refused are asked to wait: about the time in which a slow destination makes room again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The queue. Clones are the same queue.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    rules: QueueRules,
    settlement: Arc<Settlement>,
    /// What is free of [`QueueRules::size`]. Callers that wait for it are served in order.
    places: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
    pace: Pace,
    /// Wakes one worker per batch that arrives or is left behind.
    arrived: Notify,
}

impl Queue {
    pub(crate) fn new(rules: QueueRules, settlement: Settlement) -> Self {
        let size = rules.size.get().min(Semaphore::MAX_PERMITS);
        settlement.metrics.queue_capacity.set(size as f64);
        settlement.metrics.queue_size.set(0.0);
        let waiting = Mutex::new(Waiting::new(rules.assembly.clone()));
        Self {
            shared: Arc::new(Shared {
                rules,
                settlement: Arc::new(settlement),
                places: Arc::new(Semaphore::new(size)),
                waiting,
                pace: Pace::default(),
                arrived: Notify::new(),
            }),
        }
    }

    pub(crate) fn workers(&self) -> usize {
        self.shared.rules.workers.get()
    }

    /// Takes a batch: returns when it has a place, or what became of it if callers are to know.
    async fn offer(self, batch: Batch) -> Result<(), ConsumeError> {
        let metrics = &self.shared.settlement.metrics;
        let size = Size::of(&batch);
        metrics.enqueue_size.record(size.items as f64);
        metrics.enqueue_size_bytes.record(size.bytes as f64);
        if matches!(self.shared.rules.assembly, Assembly::InOrder(_)) {
            self.shared.pace.keep().await;
        }
        let verdict = match self.place(size).await {
            Ok(place) => self.enqueue(batch, size, place),
            Err(error) => Err(error),
        };
        match verdict {
            Ok(None) => Ok(()),
            // The ticket answers when it is dropped, so there is always an answer to come.
            Ok(Some(verdict)) => verdict
                .await
                .unwrap_or_else(|_| Err(ConsumeError::shutting_down())),
            Err(error) => {
                metrics.enqueue_failed.increment(size.items as u64);
                Err(error)
            }
        }
    }

    /// Finds a place of the batch's size.
    async fn place(&self, size: Size) -> Result<OwnedSemaphorePermit, ConsumeError> {
        let Shared {
            rules,
            settlement,
            places,
            ..
        } = &*self.shared;
        let needed = rules.sizer.of(size);
        let permits = u32::try_from(needed)
            .ok()
            .filter(|_| needed <= rules.size.get())
            .ok_or_else(|| too_large(needed, rules))?;
        let places = Arc::clone(places);
        let place = if rules.block_on_overflow {
            tokio::select! {
                biased;
                _ = settlement.closing.begun() => return Err(ConsumeError::shutting_down()),
                place = places.acquire_many_owned(permits) => place.ok(),
            }
        } else {
            places.try_acquire_many_owned(permits).ok()
        };
        place.ok_or_else(|| ConsumeError::overloaded("sending queue is full", RETRY_AFTER))
    }

    /// Puts a batch that has a place behind the others. Returns where its verdict will come from if the caller is to have it.
    fn enqueue(
        &self,
        batch: Batch,
        size: Size,
        place: OwnedSemaphorePermit,
    ) -> Result<Option<oneshot::Receiver<ticket::Verdict>>, ConsumeError> {
        let shared = &self.shared;
        let Settlement {
            book,
            metrics,
            closing,
        } = &*shared.settlement;
        let (sender, verdict) = if shared.rules.wait_for_result {
            let (sender, verdict) = oneshot::channel();
            (Some(sender), Some(verdict))
        } else {
            (None, None)
        };
        metrics.queue_size.increment(place.num_permits() as f64);
        let ticket = Arc::new(Ticket::new(
            Arc::clone(&shared.settlement),
            place,
            size.items,
            sender,
        ));
        let entries: Vec<Entry> = shared
            .rules
            .assembly
            .cut(batch)
            .into_iter()
            .map(|batch| Entry {
                size: Size::of(&batch),
                batch,
                ticket: Arc::clone(&ticket),
            })
            .collect();
        let now = Instant::now();
        let mut waiting = shared.waiting();
        // Under the lock, as in `claim`: a worker that has seen the queue empty and closing has seen its last batch.
        if closing.has_begun() {
            return Err(ConsumeError::shutting_down());
        }
        for entry in entries {
            waiting.push(entry, now);
        }
        if verdict.is_none() {
            book.hold(size.items as u64);
        }
        shared.pace.added(size.bytes);
        drop(waiting);
        shared.arrived.notify_one();
        Ok(verdict)
    }

    /// Drops what is still waiting. Callers that wait for a verdict learn that the component stops and keep their data.
    pub(crate) fn abandon(&self) {
        let entries: Vec<Entry> = self.shared.waiting().drain().collect();
        let items = entries.iter().map(|entry| entry.size.items as u64).sum();
        if items > 0 && !self.shared.rules.wait_for_result {
            self.shared.settlement.of_abandoned(items);
        }
    }
}

/// The error for a request that no queue of this size will ever hold.
fn too_large(needed: usize, rules: &QueueRules) -> ConsumeError {
    let message = format!(
        "request of {needed} {} is larger than the sending queue, which holds {}",
        match rules.sizer {
            Sizer::Requests => "requests",
            Sizer::Items => "items",
            Sizer::Bytes => "bytes",
        },
        rules.size
    );
    ConsumeError::new(Code::ResourceExhausted, message)
        .of(Fault::Weir)
        .with_retry(Retry::Never)
}

impl Service<Batch> for Queue {
    type Response = ();
    type Error = ConsumeError;
    type Future = Answer<()>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConsumeError>> {
        // Whether there is room depends on the batch, so it is for the call to say.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, batch: Batch) -> Answer<()> {
        Box::pin(self.clone().offer(batch))
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
