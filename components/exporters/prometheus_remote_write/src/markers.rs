//! Sends stale markers for series that have fallen silent.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use weir_component::{Book, Components, ConsumeError, Extent};
use weir_prom::Protocol;
use weir_streams::Ended;

use crate::delivery::{Load, RemoteWrite};
use crate::sender::Push;
use crate::tally::reason;

/// Time between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// Markers in the books: whatever of them is not settled when this goes is dropped because of the stop.
struct Booked<'b> {
    book: &'b Book,
    open: u64,
}

impl<'b> Booked<'b> {
    fn new(book: &'b Book, markers: u64) -> Self {
        book.added(markers);
        book.hold(markers);
        Self { book, open: markers }
    }

    /// Closes the books by the answer to all of them. Returns how many were delivered.
    fn settle(mut self, answer: &Result<(), ConsumeError>) -> u64 {
        let all = std::mem::take(&mut self.open);
        self.book.release(all);
        let mut lost = 0;
        match answer {
            Ok(()) => {}
            Err(error) => match error.extent() {
                Extent::All => {
                    self.book.dropped(reason::RETRIES_EXHAUSTED, all);
                    lost = all;
                }
                Extent::Part(refusals) => {
                    for refusal in refusals {
                        self.book.dropped(refusal.reason, refusal.items);
                        lost += refusal.items;
                    }
                }
            },
        }
        let delivered = all.saturating_sub(lost);
        self.book.delivered(delivered);
        delivered
    }
}

impl Drop for Booked<'_> {
    fn drop(&mut self) {
        self.book.release(self.open);
        self.book.dropped(reason::SHUTDOWN, self.open);
    }
}

impl RemoteWrite {
    /// Ends silent series until it is dropped, or the graph is stopped; without `marks` it forgets them.
    pub(crate) async fn tend_series(&self, marks: bool, components: &Components) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            // From now on whoever is silent may be so because nobody listens.
            if components.are_stopping() {
                return;
            }
            self.end_silent(marks).await;
        }
    }

    /// Sends markers for the series that have fallen silent.
    async fn end_silent(&self, marks: bool) {
        let Some(lookout) = &self.lookout else { return };
        // With a queue there is one delivery at a time: after it it is our turn. Without one, callers must not wait for each other.
        let turn = match self.caller_keeps {
            false => Some(lookout.alone().await),
            true => lookout.try_alone(),
        };
        let Some(_turn) = turn else { return };
        let mut ended = lookout.judge();
        if marks && !ended.is_empty() {
            let booked = Booked::new(&self.book, ended.len() as u64);
            let answer = match self.settle(&mut Load::Markers(&mut ended)).await {
                Ok(tally) => tally.answer(false, self.failure()),
                Err(error) => Err(error),
            };
            if let Err(error) = &answer {
                tracing::error!(%error, "stale markers were not delivered");
            }
            lookout.markers.increment(booked.settle(&answer));
        }
        lookout.release(ended);
    }

    /// Makes requests of markers.
    pub(crate) fn pack_markers(&self, ended: &mut [Ended], protocol: Protocol) -> VecDeque<Push> {
        let Some(lookout) = &self.lookout else {
            return VecDeque::new();
        };
        let (max_series, max_bytes) = self.encoder.limits();
        let written = lookout.write(ended, protocol, max_series, max_bytes);
        let pushes = written.into_iter().flat_map(|(context, requests)| {
            requests
                .into_iter()
                .map(move |request| Push::new(request, context.clone()))
        });
        pushes.collect()
    }
}

#[cfg(test)]
mod tests;
