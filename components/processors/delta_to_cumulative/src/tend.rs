//! What goes on beside the batches: silent streams end and are forgotten, points that have waited go on, checkpoints are written.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::processor::{Core, LONG_JOURNAL};
use crate::vigil::Look;

/// Time between two attempts to hand on what the next step refused.
const RETRY: Duration = Duration::from_secs(1);

impl Core {
    /// Forgets and releases until it is told to stop.
    pub(crate) async fn tend(&self, stopping: &CancellationToken) {
        let stale = self.config.max_stale;
        // Often enough that a stream lives at most a quarter longer than it should.
        let mut sweep = interval((stale / 4).clamp(Duration::from_millis(100), Duration::from_secs(60)));
        let window = self.config.reorder_window;
        let mut release = interval(match window.is_zero() {
            true => RETRY,
            false => (window / 8).clamp(Duration::from_millis(10), RETRY),
        });
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        release.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                _ = sweep.tick() => {
                    if self.vigil.is_some() {
                        // Whoever is forgotten has ended: first the end is written.
                        self.release_due(self.now(), Look::AtAll).await;
                    }
                    self.forget_silent();
                }
                _ = release.tick() => {
                    self.send_outbox().await;
                    if !window.is_zero() || self.vigil.is_some() {
                        self.release_due(self.now(), Look::AtSome).await;
                    }
                }
            }
        }
    }

    fn forget_silent(&self) {
        let stale = u32::try_from(self.config.max_stale.as_secs()).unwrap_or(u32::MAX);
        let forgotten = self.accumulator.sweep(self.now(), stale);
        if forgotten > 0 {
            self.instruments.forgotten.increment(forgotten as u64);
            self.instruments.show(self.accumulator.budget());
        }
    }

    /// Writes checkpoints until it is told to stop.
    pub(crate) async fn checkpoints(&self, stopping: &CancellationToken) {
        let mut timer = interval(self.config.checkpoint_interval);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        timer.tick().await;
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                _ = timer.tick() => {}
                () = self.much_to_write.notified() => {
                    if self.instruments.journal() < LONG_JOURNAL {
                        continue;
                    }
                    timer.reset();
                }
            }
            if let Err(error) = self.checkpoint().await {
                tracing::error!(%error, "totals were not written; their changes are safe in the journal");
            }
        }
    }
}
