//! The end of a component's life, told once and seen by every layer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// Longest time kept back from the deadline for counting what is left.
const RESERVE: Duration = Duration::from_millis(200);

/// Says whether a component has begun to stop, and when its time has run out. Clones are the same signal.
#[derive(Debug, Clone, Default)]
pub struct Closing {
    /// When the time runs out, once the component has begun to stop. The sender lives as long as anyone who looks.
    expiry: Arc<watch::Sender<Option<Instant>>>,
}

impl Closing {
    /// Begins to stop. The time runs out a tenth before the deadline, at most 200 ms before, so that there is time left for books
    /// and reports. Later calls change nothing.
    pub fn begin(&self, deadline: std::time::Instant) {
        let deadline = Instant::from_std(deadline);
        let left = deadline.saturating_duration_since(Instant::now());
        let expiry = deadline - (left / 10).min(RESERVE);
        self.expiry.send_if_modified(|told| {
            let first = told.is_none();
            told.get_or_insert(expiry);
            first
        });
    }

    /// Returns whether the component has begun to stop.
    pub fn has_begun(&self) -> bool {
        self.expiry.borrow().is_some()
    }

    /// Returns whether the time has run out.
    pub fn has_expired(&self) -> bool {
        self.expiry
            .borrow()
            .is_some_and(|expiry| expiry <= Instant::now())
    }

    /// Waits until the component begins to stop, and returns when its time will run out.
    ///
    /// # Cancel safety
    ///
    /// Safe: waiting changes nothing.
    pub async fn begun(&self) -> Instant {
        let mut told = self.expiry.subscribe();
        let begun = told
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|expiry| *expiry);
        begun.expect("the sender lives in self")
    }

    /// Waits until the component has begun to stop and its time has run out.
    ///
    /// # Cancel safety
    ///
    /// Safe: waiting changes nothing.
    pub async fn expired(&self) {
        tokio::time::sleep_until(self.begun().await).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_runs_out_shortly_before_the_deadline() {
        let closing = Closing::default();
        assert!(!closing.has_begun() && !closing.has_expired());
        let start = Instant::now();
        closing.begin(start.into_std() + Duration::from_secs(10));
        closing.begin(start.into_std() + Duration::from_secs(99));
        assert!(closing.has_begun() && !closing.has_expired());
        closing.expired().await;
        assert!(closing.has_expired());
        assert_eq!(start.elapsed(), Duration::from_millis(9800));
    }
}
