//! Sends again what may be sent again.

mod attempts;
mod backoff;
mod settings;

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt as _};
use weir_component::{ConsumeError, Retry as When};

pub use attempts::Attempts;
pub use backoff::Backoff;
pub use settings::{RetryOnFailure, RetrySettings};

use crate::Answer;

/// Longest pause that a destination can ask for: beyond it, asking again does less harm than waiting.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// A source of random numbers from 0 (inclusive) to 1 (exclusive).
pub type Jitter = fn() -> f64;

/// Makes [`Retry`] services.
#[derive(Debug, Clone)]
pub struct RetryLayer {
    settings: RetryOnFailure,
    jitter: Jitter,
    /// The first attempt, if it was not the call itself.
    started: Option<Instant>,
    /// Told of every attempt; none: nobody asks.
    attempts: Option<Attempts>,
}

impl RetryLayer {
    /// Sends again by these settings.
    pub const fn new(settings: RetryOnFailure) -> Self {
        Self {
            settings,
            jitter: rand::random::<f64>,
            started: None,
            attempts: None,
        }
    }

    /// Takes random numbers from `jitter`, for tests.
    #[must_use]
    pub const fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Counts `max_elapsed_time` from `started` instead of from each call: one patience for all requests of a batch.
    #[must_use]
    pub const fn since(mut self, started: Instant) -> Self {
        self.started = Some(started);
        self
    }

    /// Counts each retry, and reports whether the destination answers.
    #[must_use]
    pub fn counting(mut self, attempts: Attempts) -> Self {
        self.attempts = Some(attempts);
        self
    }
}

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Retry<S> {
        Retry {
            inner,
            layer: self.clone(),
        }
    }
}

/// Calls the inner service until it succeeds, fails for good, or time is up.
///
/// Time is up when the next attempt would begin later than `max_elapsed_time` after the first; the last error is returned as it is.
/// A delay that the destination asked for is a lower bound of the pause, up to an hour.
#[derive(Debug, Clone)]
pub struct Retry<S> {
    inner: S,
    layer: RetryLayer,
}

impl<S, Request> Service<Request> for Retry<S>
where
    S: Service<Request, Error = ConsumeError> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send,
    Request: Clone + Send + 'static,
{
    type Response = S::Response;
    type Error = ConsumeError;
    type Future = Answer<S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConsumeError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Answer<S::Response> {
        // The service that is ready goes with the call; a clone of it may not be ready.
        let fresh = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, fresh);
        Box::pin(run(ready, request, self.layer.clone()))
    }
}

async fn run<S, Request>(
    mut service: S,
    request: Request,
    layer: RetryLayer,
) -> Result<S::Response, ConsumeError>
where
    S: Service<Request, Error = ConsumeError>,
    Request: Clone,
{
    let RetryLayer {
        settings,
        jitter,
        started,
        attempts: told,
    } = layer;
    let started = started.unwrap_or_else(Instant::now);
    let mut backoff = Backoff::new(settings);
    let mut attempts = 1u64;
    loop {
        let error = match service.call(request.clone()).await {
            Ok(answer) => {
                told.iter().for_each(Attempts::succeeded);
                return Ok(answer);
            }
            Err(error) => error,
        };
        told.iter().for_each(|told| told.failed(&error));
        let pause = match error.retry() {
            _ if !settings.enabled => return Err(error),
            When::Never => return Err(error),
            When::Later => backoff.pause(jitter()),
            When::After(delay) => backoff.pause(jitter()).max(delay.min(LONGEST_ASKED)),
        };
        let limit = settings.max_elapsed_time;
        if !limit.is_zero() && started.elapsed().saturating_add(pause) > limit {
            return Err(error);
        }
        told.iter().for_each(Attempts::retried);
        if attempts == 1 {
            tracing::warn!(error = %crate::settle::chain(&error), ?pause, "request failed and will be sent again");
        } else {
            tracing::debug!(error = %crate::settle::chain(&error), ?pause, attempts, "request failed again");
        }
        tokio::time::sleep(pause).await;
        service.ready().await?;
        attempts += 1;
    }
}

#[cfg(test)]
mod tests;
