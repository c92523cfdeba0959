//! Values that expire and are fetched from elsewhere, such as tokens, temporary credentials and sets of keys.
//!
//! Owns when to fetch, and that one fetch serves everybody who waits. It does not know what is fetched, nor how.

mod metrics;
mod state;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as StdInstant};

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weir_component::{AuthError, async_trait};

pub use metrics::RenewalMetrics;
use state::{Next, State};

/// Longest time for one fetch, whatever the client that makes it allows.
const FETCH_TIME: Duration = Duration::from_secs(60);

/// Fetches a value.
#[async_trait]
pub trait Source<T>: Send + Sync + 'static {
    /// Fetches the value once. Retries, deadlines and the sharing of one fetch are up to [`Renewed`].
    ///
    /// # Errors
    ///
    /// [`AuthError`]: says where the value was to come from and why it did not, without any secret.
    ///
    /// # Cancel safety
    ///
    /// Implementations must stand being dropped at any await point: a fetch ends with its component, and after 60 s.
    async fn fetch(&self) -> Result<Lease<T>, AuthError>;
}

/// A value and how long it is good for, counted from when it arrives.
#[derive(Debug, Clone)]
pub struct Lease<T> {
    value: T,
    renew_after: Option<Duration>,
    valid_for: Option<Duration>,
}

impl<T> Lease<T> {
    /// A value that stays good.
    pub const fn unlimited(value: T) -> Self {
        Self {
            value,
            renew_after: None,
            valid_for: None,
        }
    }

    /// A value that expires, to be fetched again `ahead` of that, but not before half of its time is over.
    pub fn expiring(value: T, valid_for: Duration, ahead: Duration) -> Self {
        Self {
            value,
            renew_after: Some(valid_for - ahead.min(valid_for / 2)),
            valid_for: Some(valid_for),
        }
    }

    /// A value that stays good but is fetched again after a while because it may have changed.
    pub const fn renewed_after(value: T, period: Duration) -> Self {
        Self {
            value,
            renew_after: Some(period),
            valid_for: None,
        }
    }

    /// Returns the value, for whoever uses it at once.
    pub fn into_value(self) -> T {
        self.value
    }

    /// Returns the lease of another value made of this one.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Lease<U> {
        Lease {
            value: make(self.value),
            renew_after: self.renew_after,
            valid_for: self.valid_for,
        }
    }
}

/// A value that is fetched when it is first asked for, kept, and fetched again ahead of its expiry. Cloning shares it.
///
/// At most one fetch is under way; it goes on when those who wait for it give up, and ends with [`close`](Self::close). While a value
/// is still good, nobody waits: it is fetched again in the background, because somebody asked. A fetch that fails leaves the value in
/// place until it expires and is tried again after 1 s, then 2 s and so on up to 1 minute; in between, those without a good value
/// get the last error at once.
pub struct Renewed<T>(Arc<Inner<T>>);

struct Inner<T> {
    source: Box<dyn Source<T>>,
    metrics: RenewalMetrics,
    state: Mutex<State<T>>,
    /// Changes with the end of each fetch; kept here, so it never closes.
    fetched: watch::Sender<u64>,
    /// Fetches: one at a time.
    tasks: TaskTracker,
    /// Ends the fetch under way.
    closing: CancellationToken,
}

impl<T: Send + Sync + 'static> Renewed<T> {
    /// A value that is not fetched yet.
    pub fn new(source: impl Source<T>, metrics: RenewalMetrics) -> Self {
        Self(Arc::new(Inner {
            source: Box::new(source),
            metrics,
            state: Mutex::default(),
            fetched: watch::Sender::new(0),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
        }))
    }

    /// Begins to fetch the value unless it is there, without waiting for it.
    pub fn prepare(&self) {
        let mut state = self.0.lock();
        if let Next::Fetch(_) = state.next(Instant::now(), None) {
            self.begin(&mut state);
        }
    }

    /// Returns the value, waiting for it only if there is none that is still good.
    ///
    /// # Errors
    ///
    /// That of the last fetch.
    ///
    /// # Cancel safety
    ///
    /// The fetch goes on when the future is dropped.
    pub async fn current(&self) -> Result<Arc<T>, AuthError> {
        self.wait(None).await
    }

    /// Returns a value fetched within the last `period`, or after this call: for those who know that the value has changed. If the last
    /// attempt is not older than `period`, there is no further one, and the value is the last one: so peers cannot cause more than one
    /// fetch per period.
    ///
    /// # Errors
    ///
    /// That of the last fetch, if there is no value that is still good.
    ///
    /// # Cancel safety
    ///
    /// The fetch goes on when the future is dropped.
    pub async fn no_older_than(&self, period: Duration) -> Result<Arc<T>, AuthError> {
        self.wait(Some(period)).await
    }

    async fn wait(&self, period: Option<Duration>) -> Result<Arc<T>, AuthError> {
        loop {
            let mut fetched = {
                let mut state = self.0.lock();
                // Before the fetch can end, so that its end is seen.
                let fetched = self.0.fetched.subscribe();
                match state.next(Instant::now(), period) {
                    Next::Use(value) => return Ok(value),
                    Next::Fail(error) => return Err(error),
                    Next::Wait => {}
                    Next::Fetch(meanwhile) => {
                        self.begin(&mut state);
                        if let Some(value) = meanwhile {
                            return Ok(value);
                        }
                    }
                }
                fetched
            };
            // The sender is kept beside the state.
            let _ = fetched.changed().await;
        }
    }

    /// Begins a fetch. There must be none under way.
    fn begin(&self, state: &mut State<T>) {
        state.begin(Instant::now());
        let flight = Flight {
            inner: Arc::clone(&self.0),
            landed: false,
        };
        self.0.tasks.spawn(async move {
            let inner = &flight.inner;
            let outcome = tokio::select! {
                () = inner.closing.cancelled() => Err(AuthError::unavailable("shutting down")),
                fetched = tokio::time::timeout(FETCH_TIME, inner.source.fetch()) => fetched
                    .unwrap_or_else(|_| Err(AuthError::unavailable(format!("no answer within {FETCH_TIME:?}")))),
            };
            flight.land(outcome);
        });
    }

    /// Ends the fetch under way; there will be no further one.
    ///
    /// # Cancel safety
    ///
    /// The fetch is told to end as soon as the future is polled.
    pub async fn close(&self, deadline: StdInstant) {
        self.0.closing.cancel();
        self.0.tasks.close();
        let _ = tokio::time::timeout_at(deadline.into(), self.0.tasks.wait()).await;
    }
}

impl<T> Inner<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self, outcome: Result<Lease<T>, AuthError>) {
        self.metrics.record(&outcome);
        let (extension, source) = (self.metrics.extension(), self.metrics.source());
        let error = outcome.as_ref().err().cloned();
        let recovered = self.lock().finish(Instant::now(), outcome);
        match error {
            // What shutdown ends is no failure.
            Some(_) if self.closing.is_cancelled() => {}
            Some(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    otelcol.component.id = extension,
                    source,
                    "an authenticator cannot fetch what it needs"
                );
            }
            None if recovered => {
                tracing::info!(
                    otelcol.component.id = extension,
                    source,
                    "an authenticator has what it needs again"
                );
            }
            None => {}
        }
        self.fetched.send_modify(|count| *count += 1);
    }
}

/// A fetch under way. However it ends, those who wait are told.
struct Flight<T> {
    inner: Arc<Inner<T>>,
    landed: bool,
}

impl<T> Flight<T> {
    fn land(mut self, outcome: Result<Lease<T>, AuthError>) {
        self.landed = true;
        self.inner.finish(outcome);
    }
}

impl<T> Drop for Flight<T> {
    fn drop(&mut self) {
        if !self.landed {
            self.inner
                .finish(Err(AuthError::unavailable("the fetch did not finish")));
        }
    }
}

impl<T> Clone for Renewed<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Renewed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewed")
            .field("source", &self.0.metrics.source())
            .finish_non_exhaustive()
    }
}
