//! Who came in first goes out first.
//!
//! Batches leave in the order in which their points were added up, though each waits for its own commit: totals of one stream must not
//! overtake each other on their way to the next step.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// Lets the holders of numbers pass in the order of the numbers. Every number must be taken by [`Turnstile::turn`].
#[derive(Debug, Default)]
pub(crate) struct Turnstile {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The number whose turn it is.
    serving: u64,
    /// Numbers beyond that whose holders have gone.
    gone: BTreeSet<u64>,
    waiting: BTreeMap<u64, Waker>,
}

impl Turnstile {
    /// Begins with a number. Called before any turn is taken.
    pub(crate) fn begin(&self, number: u64) {
        self.lock().serving = number;
    }

    /// Takes the turn of a number.
    pub(crate) fn turn(self: &Arc<Self>, number: u64) -> Turn {
        Turn {
            turnstile: Arc::clone(self),
            number,
            passed: false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the row. Dropping it lets the next one pass.
#[derive(Debug)]
pub(crate) struct Turn {
    turnstile: Arc<Turnstile>,
    number: u64,
    passed: bool,
}

impl Turn {
    /// Waits for the turn, polls a future once, lets the next one pass, and goes on with the future.
    ///
    /// # Cancel safety
    ///
    /// Dropping it gives the turn up, and the future wherever it is.
    pub(crate) async fn begin<F: Future>(&mut self, future: F) -> F::Output {
        self.reached().await;
        let mut future = pin!(future);
        poll_fn(|cx| {
            let polled = future.as_mut().poll(cx);
            self.pass();
            polled
        })
        .await
    }

    async fn reached(&self) {
        poll_fn(|cx| {
            let mut state = self.turnstile.lock();
            if state.serving >= self.number {
                return Poll::Ready(());
            }
            state.waiting.insert(self.number, cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn pass(&mut self) {
        if std::mem::replace(&mut self.passed, true) {
            return;
        }
        let mut state = self.turnstile.lock();
        state.waiting.remove(&self.number);
        state.gone.insert(self.number);
        loop {
            let serving = state.serving;
            if !state.gone.remove(&serving) {
                break;
            }
            state.serving += 1;
        }
        let serving = state.serving;
        let next = state.waiting.remove(&serving);
        drop(state);
        if let Some(next) = next {
            next.wake();
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.pass();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn turns_come_in_the_order_of_numbers() {
        let turnstile = Arc::new(Turnstile::default());
        turnstile.begin(5);
        let order = Mutex::new(Vec::new());
        let mut turns: Vec<Turn> = (5..10).map(|number| turnstile.turn(number)).collect();
        // One gives up before its turn.
        turns.remove(2);
        {
            let mut calls: Vec<_> = turns
                .iter_mut()
                .map(|turn| {
                    let number = turn.number;
                    let order = &order;
                    Box::pin(turn.begin(async move { order.lock().unwrap().push(number) }))
                })
                .collect();
            for round in 0..4 {
                for call in calls.iter_mut().rev() {
                    if order.lock().unwrap().len() <= round {
                        let _ = call.now_or_never();
                    }
                }
            }
        }
        assert_eq!(*order.lock().unwrap(), [5, 6, 8, 9]);
    }

    #[test]
    fn the_next_one_passes_when_the_first_has_begun() {
        let turnstile = Arc::new(Turnstile::default());
        let (mut first, mut second) = (turnstile.turn(0), turnstile.turn(1));
        let mut slow = Box::pin(first.begin(std::future::pending::<()>()));
        let mut fast = Box::pin(second.begin(async { 7 }));
        assert_eq!((&mut fast).now_or_never(), None);
        assert_eq!((&mut slow).now_or_never(), None);
        assert_eq!(fast.now_or_never(), Some(7));
    }
}
