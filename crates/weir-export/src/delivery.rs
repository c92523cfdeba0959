//! The upper half of the stack, put together.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tokio::task::JoinSet;
use tower::ServiceBuilder;
use weir_component::{Batch, Book, BuildContext, ConsumeError, Consumer, ShutdownError};

use crate::direct::Direct;
use crate::queue::Queue;
use crate::settle::{Settlement, reason};
use crate::traced::traced;
use crate::{AdmissionLayer, Closing, ExporterMetrics, QueueRules};

/// Admission, queue, workers and books around an exporter's own delivery of a batch.
///
/// An exporter owns one and passes its calls on: `start`, `consume`, `shutdown`.
#[derive(Debug)]
pub struct Delivery {
    entry: Consumer,
    /// The queue and what its workers deliver to; none if the queue is off.
    queue: Option<(Queue, Consumer)>,
    /// The workers, from `start` to `shutdown`.
    workers: Mutex<JoinSet<()>>,
    closing: Closing,
    book: Book,
}

impl Delivery {
    /// Puts the stack around `deliver`.
    ///
    /// `deliver` answers for a whole batch: `Ok` if all of it is delivered, a partial refusal if part of it is given up, any other
    /// error if nothing of it is delivered. It counts nothing in the books itself. It must end when `closing` expires
    /// ([`CutoffLayer`](crate::CutoffLayer) sees to that); if it does not, it is dropped at the deadline.
    pub fn new(
        context: &BuildContext,
        metrics: ExporterMetrics,
        closing: Closing,
        queue: Option<impl Into<QueueRules>>,
        deliver: Consumer,
    ) -> Self {
        let deliver = traced(context, deliver);
        let settlement = Settlement {
            book: context.book.clone(),
            metrics,
            closing: closing.clone(),
        };
        let admission = ServiceBuilder::new().layer(AdmissionLayer::new(closing.clone()));
        let (entry, queue) = match queue {
            Some(rules) => {
                let queue = Queue::new(rules.into(), settlement);
                (
                    Consumer::new(admission.service(queue.clone())),
                    Some((queue, deliver)),
                )
            }
            None => (
                Consumer::new(admission.service(Direct { deliver, settlement })),
                None,
            ),
        };
        Self {
            entry,
            queue,
            workers: Mutex::default(),
            closing,
            book: context.book.clone(),
        }
    }

    /// Starts the workers. Must be called within a tokio runtime.
    pub fn start(&self) {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((queue, deliver)) = &self.queue {
            for _ in 0..queue.workers() {
                workers.spawn(queue.clone().work(deliver.clone()));
            }
        }
    }

    /// Takes a batch; returns when it is safe.
    ///
    /// # Errors
    ///
    /// Without a queue, those of the delivery. With one, a retryable error if the queue is full or closed, a final one if it could
    /// never hold the batch, and those of the delivery if callers wait for it.
    ///
    /// # Cancel safety
    ///
    /// With a queue the batch is in it or not. Without one, or when callers wait for the delivery, what was sent may have arrived.
    pub async fn consume(&self, batch: Batch) -> Result<(), ConsumeError> {
        self.entry.consume(batch).await
    }

    /// Stops: takes nothing more, delivers what is in the queue, retries included, until shortly before `deadline`, and drops the
    /// rest with the reason `shutdown`.
    ///
    /// # Errors
    ///
    /// [`ShutdownError`] if something was dropped.
    ///
    /// # Cancel safety
    ///
    /// Cancelling ends the workers; what they were delivering is counted as dropped, what was waiting is not.
    pub async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        let dropped = |book: &Book| {
            book.dropped_by_reason()
                .get(reason::SHUTDOWN)
                .copied()
                .unwrap_or(0)
        };
        let before = dropped(&self.book);
        self.closing.begin(deadline);
        let mut workers = std::mem::take(&mut *self.workers.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = async { while workers.join_next().await.is_some() {} };
        if tokio::time::timeout_at(deadline.into(), ended).await.is_err() {
            workers.shutdown().await;
        }
        if let Some((queue, _)) = &self.queue {
            queue.abandon();
        }
        match dropped(&self.book) - before {
            0 => Ok(()),
            items => Err(ShutdownError::new(format!(
                "{items} items could not be delivered in time and were dropped"
            ))),
        }
    }
}

#[cfg(test)]
mod tests;
