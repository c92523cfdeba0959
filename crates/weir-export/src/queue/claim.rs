//! Batches taken out of the queue, until it is settled what became of them.

use std::sync::Arc;

use weir_component::{Batch, ConsumeError};

use super::Shared;

/// A merged batch and the places that it takes in the queue.
///
/// Settled once: by its answer, or by being dropped, which happens when a worker is ended at the deadline.
pub(super) struct Claim {
    shared: Arc<Shared>,
    batch: Option<Batch>,
    items: u64,
    requests: usize,
    settled: bool,
}

impl Claim {
    pub(super) fn new(shared: Arc<Shared>, batch: Batch, items: u64, requests: usize) -> Self {
        Self {
            shared,
            batch: Some(batch),
            items,
            requests,
            settled: false,
        }
    }

    /// Takes the batch; there is one until this is called.
    pub(super) fn batch(&mut self) -> Option<Batch> {
        self.batch.take()
    }

    /// Books what became of the items and frees their places.
    pub(super) fn settle(mut self, answer: &Result<(), ConsumeError>) {
        self.close(answer);
    }

    fn close(&mut self, answer: &Result<(), ConsumeError>) {
        if !std::mem::replace(&mut self.settled, true) {
            self.shared.settlement.of_taken(self.items, answer);
            self.shared.give_back(self.requests, self.items);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.close(&Err(ConsumeError::shutting_down()));
    }
}
