//! The place of a request in the queue, and the caller who may wait for its verdict.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use weir_component::ConsumeError;

use crate::settle::Settlement;

pub(super) type Verdict = Result<(), ConsumeError>;

/// A place in the queue. It is given back, and the caller is told, when the last part of the request is settled: tickets are shared
/// by parts, so that is when they are dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    settlement: Arc<Settlement>,
    place: Option<OwnedSemaphorePermit>,
    items: usize,
    /// None if the caller was told "safe" when the request got its place.
    caller: Option<Mutex<Caller>>,
}

/// A caller that waits.
#[derive(Debug)]
struct Caller {
    /// The caller holds the other end and gives up by dropping it. Taken to send the verdict.
    verdict: Option<oneshot::Sender<Verdict>>,
    /// Items whose delivery was answered.
    answered: usize,
    /// Of those, the items that are delivered, or dropped and booked.
    taken: usize,
    worst: Verdict,
}

impl Ticket {
    pub(super) fn new(
        settlement: Arc<Settlement>,
        place: OwnedSemaphorePermit,
        items: usize,
        verdict: Option<oneshot::Sender<Verdict>>,
    ) -> Self {
        let caller = verdict.map(|verdict| {
            Mutex::new(Caller {
                verdict: Some(verdict),
                answered: 0,
                taken: 0,
                worst: Ok(()),
            })
        });
        Self {
            settlement,
            place: Some(place),
            items,
            caller,
        }
    }

    /// Notes the answer to a delivery that `items` of the request were in.
    pub(super) fn answer(&self, items: usize, answer: &Verdict) {
        let Some(caller) = &self.caller else { return };
        let mut caller = caller.lock().unwrap_or_else(PoisonError::into_inner);
        caller.answered += items;
        if rank(answer) < REFUSED {
            caller.taken += items;
        }
        if rank(answer) > rank(&caller.worst) {
            caller.worst.clone_from(answer);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            let size = place.num_permits();
            drop(place);
            self.settlement.metrics.queue_size.decrement(size as f64);
        }
        let Some(caller) = &mut self.caller else { return };
        let caller = caller.get_mut().unwrap_or_else(PoisonError::into_inner);
        let answer = if caller.answered < self.items {
            Err(ConsumeError::shutting_down())
        } else {
            caller.worst.clone()
        };
        let refused = rank(&answer) >= REFUSED;
        let gone = caller
            .verdict
            .take()
            .is_some_and(|verdict| verdict.send(answer).is_err());
        if refused || gone {
            self.settlement.book.repeated(caller.taken as u64);
        }
    }
}

/// The lowest [`rank`] of an answer that refuses everything.
const REFUSED: u8 = 2;

/// Orders answers from good to bad; one that can be retried counts most, for then the caller can still save the data.
fn rank(answer: &Verdict) -> u8 {
    match answer {
        Ok(()) => 0,
        Err(error) if error.is_partial() => 1,
        Err(error) if !error.is_retryable() => REFUSED,
        Err(_) => REFUSED + 1,
    }
}
