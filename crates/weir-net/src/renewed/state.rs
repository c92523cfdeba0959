//! What is held, and what is to be done about it. No clock and no task of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use weir_component::AuthError;

use super::Lease;

/// Time between a failed fetch and the next; doubles with each failure in a row.
const FIRST_DELAY: Duration = Duration::from_secs(1);

/// Longest time between a failed fetch and the next.
const LAST_DELAY: Duration = Duration::from_secs(60);

/// A value, and fetches of it.
pub(super) struct State<T> {
    held: Option<Held<T>>,
    /// A fetch is under way.
    fetching: bool,
    /// When the last fetch began.
    attempt: Option<Instant>,
    failure: Option<Failure>,
}

struct Held<T> {
    value: Arc<T>,
    renew_at: Option<Instant>,
    expires_at: Option<Instant>,
}

/// The last fetch failed.
struct Failure {
    error: AuthError,
    next: Instant,
    /// Failures in a row.
    count: u32,
}

/// What somebody who wants the value does.
pub(super) enum Next<T> {
    /// Takes it.
    Use(Arc<T>),
    /// Fetches it, and takes what is still good if there is something.
    Fetch(Option<Arc<T>>),
    /// Waits for the fetch under way.
    Wait,
    /// Goes away: it is too early for another fetch.
    Fail(AuthError),
}

impl<T> Default for State<T> {
    fn default() -> Self {
        Self {
            held: None,
            fetching: false,
            attempt: None,
            failure: None,
        }
    }
}

impl<T> State<T> {
    /// Decides for somebody who wants the value, not older than `period` if there is one.
    pub(super) fn next(&self, now: Instant, period: Option<Duration>) -> Next<T> {
        let reached = |limit: Option<Instant>| limit.is_some_and(|limit| limit <= now);
        let held = self.held.as_ref().filter(|held| !reached(held.expires_at));
        let good = held.map(|held| Arc::clone(&held.value));
        if let Some(period) = period {
            // `period` is what limits fetches here, failed ones included.
            let old = self.attempt.is_none_or(|attempt| attempt + period <= now);
            match (self.fetching, old) {
                (true, _) => return Next::Wait,
                (false, true) => return Next::Fetch(None),
                (false, false) => {}
            }
        }
        let due = held.is_none_or(|held| reached(held.renew_at));
        let early = self.failure.as_ref().filter(|failure| failure.next > now);
        match (good, self.fetching, early) {
            (Some(value), ..) if !due => Next::Use(value),
            (good, false, None) => Next::Fetch(good),
            (Some(value), ..) => Next::Use(value),
            (None, true, _) => Next::Wait,
            (None, false, Some(failure)) => Next::Fail(failure.error.clone()),
        }
    }

    pub(super) fn begin(&mut self, now: Instant) {
        self.fetching = true;
        self.attempt = Some(now);
    }

    /// Takes the outcome of a fetch; returns true if it is the first success after failures.
    pub(super) fn finish(&mut self, now: Instant, outcome: Result<Lease<T>, AuthError>) -> bool {
        self.fetching = false;
        let failed = self.failure.is_some();
        match outcome {
            Ok(lease) => {
                self.failure = None;
                self.held = Some(Held {
                    value: Arc::new(lease.value),
                    renew_at: lease.renew_after.and_then(|after| now.checked_add(after)),
                    expires_at: lease.valid_for.and_then(|time| now.checked_add(time)),
                });
                failed
            }
            Err(error) => {
                let count = self.failure.as_ref().map_or(0, |failure| failure.count);
                let delay = FIRST_DELAY.saturating_mul(1 << count.min(8)).min(LAST_DELAY);
                self.failure = Some(Failure {
                    error,
                    next: now + delay,
                    count: count.saturating_add(1),
                });
                false
            }
        }
    }
}
