//! Bounded queues of records that are pushed many at a time: own spans and log records.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use weir_component::Signal;
use weir_config::telemetry::{Exporter, Processor};
use weir_pdata::Decoded;
use weir_telemetry::logs::QUIET;

use super::push::{Counts, Destination, Loss};

/// Longest time for a push of a processor that does not batch. Spec: OpenTelemetry SDK environment variables, "Batch Span Processor".
const SIMPLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Records that may wait for a processor that does not batch.
const SIMPLE_QUEUE: usize = 2048;

/// How records are gathered.
#[derive(Debug, Clone)]
pub(super) struct Gathering {
    /// How long records wait for others; none if each goes by itself.
    delay: Option<Duration>,
    timeout: Duration,
    most: usize,
    at_once: usize,
}

impl Gathering {
    /// Returns how a processor gathers, and where it pushes.
    pub(super) fn of(processor: &Processor) -> (Self, &Exporter) {
        match processor {
            Processor::Batch(batch) => {
                let gathering = Self {
                    delay: Some(batch.schedule_delay),
                    timeout: batch.export_timeout,
                    most: batch.max_queue_size,
                    at_once: batch.max_export_batch_size,
                };
                (gathering, &batch.exporter)
            }
            Processor::Simple(exporter) => {
                let gathering = Self {
                    delay: None,
                    timeout: SIMPLE_TIMEOUT,
                    most: SIMPLE_QUEUE,
                    at_once: 1,
                };
                (gathering, exporter)
            }
        }
    }
}

/// Records that wait to be pushed. Never makes those who have some wait: what there is no room for is dropped and counted.
pub(super) struct Queue<T> {
    waiting: Mutex<VecDeque<T>>,
    /// Rings when there is enough for a push.
    enough: Notify,
    gathering: Gathering,
    signal: Signal,
    counts: Arc<Counts>,
}

impl<T> Queue<T> {
    pub(super) fn new(gathering: Gathering, signal: Signal, counts: Arc<Counts>) -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::default(),
            enough: Notify::new(),
            gathering,
            signal,
            counts,
        })
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a record, or drops it.
    pub(super) fn put(&self, record: T) {
        let mut waiting = self.waiting();
        if waiting.len() >= self.gathering.most {
            drop(waiting);
            self.counts.lose(self.signal, Loss::QueueFull, 1);
            return;
        }
        waiting.push_back(record);
        let enough = waiting.len() >= self.gathering.at_once;
        drop(waiting);
        if enough {
            self.enough.notify_one();
        }
    }

    /// Pushes what comes until told to stop, and then what is left.
    pub(super) async fn work(
        self: Arc<Self>,
        destination: Destination,
        encode: impl Fn(Vec<T>) -> Decoded + Send,
        stop: CancellationToken,
    ) {
        // What is logged on the way is about pushing: see `QUIET`.
        let quiet = tracing::error_span!(target: QUIET, "push");
        loop {
            let stopping = tokio::select! {
                () = stop.cancelled() => true,
                () = self.enough.notified() => false,
                () = after(self.gathering.delay) => false,
            };
            // Of what there was; what comes meanwhile is left to the next turn, unless there is none.
            let mut left = self.waiting().len();
            while left > 0 {
                let records: Vec<T> = {
                    let mut waiting = self.waiting();
                    let count = waiting.len().min(self.gathering.at_once);
                    waiting.drain(..count).collect()
                };
                let count = records.len();
                let push = destination.push(encode(records), self.gathering.timeout);
                if !push.instrument(quiet.clone()).await {
                    self.counts.lose(self.signal, Loss::PushFailed, count as u64);
                }
                left = match stopping || stop.is_cancelled() {
                    true => self.waiting().len(),
                    false => left.saturating_sub(count),
                };
            }
            if stopping {
                return;
            }
        }
    }
}

/// Waits for a time, or for ever.
async fn after(delay: Option<Duration>) {
    match delay {
        Some(delay) => tokio::time::sleep(delay).await,
        None => std::future::pending().await,
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("gathering", &self.gathering)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use weir_component::Signal;

    use super::*;

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        let gathering = Gathering {
            delay: None,
            timeout: SIMPLE_TIMEOUT,
            most: 2,
            at_once: 1,
        };
        let counts = Arc::new(Counts::default());
        let queue = Queue::new(gathering, Signal::Logs, Arc::clone(&counts));
        (0..5).for_each(|record| queue.put(record));
        assert_eq!(queue.waiting().len(), 2);
        assert_eq!(counts.lost(Signal::Logs, Loss::QueueFull), 3);
    }
}
