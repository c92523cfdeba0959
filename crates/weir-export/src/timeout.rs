//! Bounds one attempt.

use std::task::{Context, Poll};
use std::time::Duration;

use tower::{Layer, Service};
use weir_component::{Code, ConsumeError, config};

use crate::Answer;

/// Makes [`Timeout`] services.
#[derive(Debug, Clone, Copy)]
pub struct TimeoutLayer {
    limit: Duration,
}

impl TimeoutLayer {
    /// Gives each call this much time; zero means as much as it takes.
    pub const fn new(limit: Duration) -> Self {
        Self { limit }
    }
}

impl<S> Layer<S> for TimeoutLayer {
    type Service = Timeout<S>;

    fn layer(&self, inner: S) -> Timeout<S> {
        Timeout {
            inner,
            limit: self.limit,
        }
    }
}

/// Drops the inner call and fails, retryable, when the time is up. Stands below retries: each attempt has the time for itself.
#[derive(Debug, Clone)]
pub struct Timeout<S> {
    inner: S,
    limit: Duration,
}

impl<S, Request> Service<Request> for Timeout<S>
where
    S: Service<Request, Error = ConsumeError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = ConsumeError;
    type Future = Answer<S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConsumeError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Answer<S::Response> {
        let (call, limit) = (self.inner.call(request), self.limit);
        if limit.is_zero() {
            return Box::pin(call);
        }
        Box::pin(async move {
            tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
                let message = format!("no answer within {}", config::duration::format(limit));
                Err(ConsumeError::new(Code::DeadlineExceeded, message))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;
    use tower::{ServiceExt as _, service_fn};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn late_answers_are_retryable_errors() {
        let slow = service_fn(|(): ()| async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            Ok::<_, ConsumeError>(())
        });
        let start = Instant::now();
        let error = TimeoutLayer::new(Duration::from_secs(5))
            .layer(slow)
            .oneshot(())
            .await
            .unwrap_err();
        assert!(error.is_retryable());
        assert_eq!(error.to_string(), "no answer within 5s");
        assert_eq!(start.elapsed(), Duration::from_secs(5));
        TimeoutLayer::new(Duration::ZERO)
            .layer(slow)
            .oneshot(())
            .await
            .unwrap();
    }
}
