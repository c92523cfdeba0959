//! Slows callers down while much is waiting.
//!
//! A source that is faster than the destination would fill the queue to its last place, and the memory with it, although nothing is wrong.
//! So a caller waits while more than [`HIGH_WATER`] is queued or on its way, and gets its answer a little later. It does not wait for
//! longer than [`PATIENCE`]: in an outage it is the queue that must fill, not the connections of the callers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// Bytes of OTLP protobuf, not yet delivered, above which callers wait: some deliveries' worth, so that workers do not run dry. At a
/// round trip of 100 ms they are 100 MB/s.
const HIGH_WATER: usize = 10 << 20;

/// Longest time that a caller waits: well below the time-outs of clients.
const PATIENCE: Duration = Duration::from_secs(1);

/// Counts the bytes that a queue has and that its workers deliver.
#[derive(Debug, Default)]
pub(super) struct Pace {
    bytes: AtomicUsize,
    less: Notify,
}

impl Pace {
    /// Counts bytes that were put into the queue.
    pub(super) fn added(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts bytes that are delivered, or given up.
    pub(super) fn settled(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.less.notify_waiters();
    }

    /// Waits while much is waiting, for a while.
    pub(super) async fn keep(&self) {
        let calm = async {
            loop {
                // Made before the look, so that it wakes for whatever is taken after it.
                let less = self.less.notified();
                if self.bytes.load(Ordering::Relaxed) <= HIGH_WATER {
                    return;
                }
                less.await;
            }
        };
        // Patience at an end is no error: the caller goes on to the queue.
        let _ = tokio::time::timeout(PATIENCE, calm).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn callers_wait_for_room_and_not_for_ever() {
        let pace = Pace::default();
        let start = Instant::now();
        pace.added(HIGH_WATER);
        pace.keep().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        pace.added(1);
        pace.keep().await;
        assert_eq!(start.elapsed(), PATIENCE);
        let room = async {
            tokio::task::yield_now().await;
            pace.settled(1);
        };
        tokio::join!(pace.keep(), room);
        assert_eq!(start.elapsed(), PATIENCE);
    }
}
