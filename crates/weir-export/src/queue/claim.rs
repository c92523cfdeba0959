//! Batches taken out of the queue, until it is settled what became of them.

use std::sync::Arc;

use weir_component::{Batch, ConsumeError};

use super::Shared;
use super::ticket::{Ticket, Verdict};
use super::waiting::{Size, Taken};

/// A merged batch and the places that it takes in the queue.
///
/// Settled once: by its answer, or by being dropped, which happens when a worker is ended at the deadline.
pub(super) struct Claim {
    shared: Arc<Shared>,
    batch: Option<Batch>,
    size: Size,
    tickets: Vec<(Arc<Ticket>, usize)>,
    settled: bool,
}

impl Claim {
    pub(super) fn new(shared: Arc<Shared>, taken: Taken) -> Self {
        Self {
            shared,
            batch: Some(taken.batch),
            size: taken.size,
            tickets: taken.tickets,
            settled: false,
        }
    }

    /// Takes the batch; there is one until this is called.
    pub(super) fn batch(&mut self) -> Option<Batch> {
        self.batch.take()
    }

    /// Books what became of the items and frees their places.
    pub(super) fn settle(mut self, answer: Verdict) {
        self.close(answer);
    }

    fn close(&mut self, answer: Verdict) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        let Shared {
            rules,
            settlement,
            pace,
            ..
        } = &*self.shared;
        pace.settled(self.size.bytes);
        let items = self.size.items as u64;
        let answer = if rules.wait_for_result {
            settlement.of_call(items, answer)
        } else {
            let answer = settlement.of_taken(items, answer);
            settlement.book.release(items);
            answer
        };
        let answer = if self.tickets.len() > 1 {
            shared_answer(answer)
        } else {
            answer
        };
        for (ticket, items) in self.tickets.drain(..) {
            ticket.answer(items, &answer);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.close(Err(ConsumeError::shutting_down()));
    }
}

/// Returns the answer for callers that share a delivery: which of them the refused items belong to is not known, so each gets the
/// message without a number.
fn shared_answer(answer: Verdict) -> Verdict {
    match answer {
        Err(error) if error.is_partial() => Err(ConsumeError::partial(
            Vec::new(),
            format!("of a merged batch: {error}"),
        )),
        other => other,
    }
}
