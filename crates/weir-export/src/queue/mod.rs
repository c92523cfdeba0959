//! A queue in memory: says "safe" once a batch has a place.
//!
//! Bounded in requests by [`QueueSettings::requests`], and in bytes by the process's memory budget, whose permits travel with the
//! batches. A full queue refuses with a retryable error. A place is taken until the delivery is settled.

mod claim;
mod worker;

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::Notify;
use tower::Service;
use weir_component::{Batch, ConsumeError};

use crate::settle::{Settlement, reason};
use crate::{MergeLimits, merge};

use claim::Claim;

/// What the refused are asked to wait: about the time in which a slow destination makes room again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Size and use of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueSettings {
    /// Most requests in the queue, those being delivered included.
    pub requests: NonZeroUsize,
    /// Deliveries at the same time. With 1, batches are delivered strictly in order.
    pub workers: NonZeroUsize,
    /// How much may be merged into one delivery.
    pub merge: MergeLimits,
}

/// The queue. Clones are the same queue.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: QueueSettings,
    settlement: Settlement,
    places: Mutex<Places>,
    /// Wakes one worker per batch that arrives.
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Places {
    waiting: VecDeque<Entry>,
    /// Requests waiting or being delivered.
    taken: usize,
}

/// A batch with its size, which may be a walk to find out.
#[derive(Debug)]
struct Entry {
    batch: Batch,
    items: usize,
    bytes: usize,
}

impl Queue {
    pub(crate) fn new(settings: QueueSettings, settlement: Settlement) -> Self {
        settlement
            .metrics
            .queue_capacity
            .set(settings.requests.get() as f64);
        settlement.metrics.queue_size.set(0.0);
        Self {
            shared: Arc::new(Shared {
                settings,
                settlement,
                places: Mutex::default(),
                arrived: Notify::new(),
            }),
        }
    }

    pub(crate) fn workers(&self) -> usize {
        self.shared.settings.workers.get()
    }

    /// Takes a batch if there is a place.
    fn offer(&self, batch: Batch) -> Result<(), ConsumeError> {
        let shared = &self.shared;
        let entry = Entry {
            items: batch.items(),
            bytes: batch.bytes(),
            batch,
        };
        let metrics = &shared.settlement.metrics;
        metrics.enqueue_size.record(entry.items as f64);
        metrics.enqueue_size_bytes.record(entry.bytes as f64);
        let items = entry.items as u64;
        let mut places = shared.lock();
        // Under the lock, as in `claim`: a worker that has seen the queue empty and closing has seen its last batch.
        let refusal = if shared.settlement.closing.has_begun() {
            Some(ConsumeError::shutting_down())
        } else if places.taken >= shared.settings.requests.get() {
            Some(ConsumeError::overloaded("sending queue is full", RETRY_AFTER))
        } else {
            None
        };
        if let Some(error) = refusal {
            metrics.enqueue_failed.increment(items);
            return Err(error);
        }
        places.taken += 1;
        places.waiting.push_back(entry);
        metrics.queue_size.set(places.taken as f64);
        shared.settlement.book.hold(items);
        drop(places);
        shared.arrived.notify_one();
        Ok(())
    }

    /// Takes the oldest batch and those behind it that may be merged with it; none if the queue is empty.
    fn claim(&self) -> Option<Claim> {
        let limits = self.shared.settings.merge;
        let mut places = self.shared.lock();
        let mut merged = places.waiting.pop_front()?;
        let mut requests = 1;
        while let Some(next) = places.waiting.front() {
            let fits = merged.items + next.items <= limits.items.get()
                && merged.bytes + next.bytes <= limits.bytes.get();
            if !fits
                || merged.batch.signal() != next.batch.signal()
                || !merge::mix(merged.batch.context(), next.batch.context())
            {
                break;
            }
            let Some(next) = places.waiting.pop_front() else {
                break;
            };
            merged.batch.append(next.batch).expect("signals compared above");
            merged.items += next.items;
            merged.bytes += next.bytes;
            requests += 1;
        }
        drop(places);
        let metrics = &self.shared.settlement.metrics;
        metrics.send_size.record(merged.items as f64);
        metrics.send_size_bytes.record(merged.bytes as f64);
        Some(Claim::new(
            Arc::clone(&self.shared),
            merged.batch,
            merged.items as u64,
            requests,
        ))
    }

    /// Drops what is still waiting and returns how many items that were.
    pub(crate) fn abandon(&self) -> u64 {
        let waiting = std::mem::take(&mut self.shared.lock().waiting);
        let items = waiting.iter().map(|entry| entry.items as u64).sum();
        if items > 0 {
            self.shared.settlement.book.dropped(reason::SHUTDOWN, items);
            self.shared.settlement.metrics.send_failed.increment(items);
            self.shared.give_back(waiting.len(), items);
        }
        items
    }
}

impl Service<Batch> for Queue {
    type Response = ();
    type Error = ConsumeError;
    type Future = std::future::Ready<Result<(), ConsumeError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConsumeError>> {
        // A full queue refuses at once instead of letting callers wait: they hold memory and a client that may time out.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, batch: Batch) -> Self::Future {
        std::future::ready(self.offer(batch))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees places and ends the holding of items.
    fn give_back(&self, requests: usize, items: u64) {
        let mut places = self.lock();
        places.taken -= requests;
        self.settlement.metrics.queue_size.set(places.taken as f64);
        drop(places);
        self.settlement.book.release(items);
    }
}
