//! Ends what is under way when the time to stop has run out.

use std::task::{Context, Poll};

use tower::{Layer, Service};
use weir_component::ConsumeError;

use crate::{Answer, Closing};

/// Makes [`Cutoff`] services.
#[derive(Debug, Clone)]
pub struct CutoffLayer {
    closing: Closing,
}

impl CutoffLayer {
    /// Lets calls run until `closing` expires.
    pub const fn new(closing: Closing) -> Self {
        Self { closing }
    }
}

impl<S> Layer<S> for CutoffLayer {
    type Service = Cutoff<S>;

    fn layer(&self, inner: S) -> Cutoff<S> {
        Cutoff {
            inner,
            closing: self.closing.clone(),
        }
    }
}

/// Drops the inner call and fails with [`ConsumeError::shutting_down`] when the time to stop has run out. Stands above retries, so
/// that neither a pause nor an attempt outlives the deadline.
#[derive(Debug, Clone)]
pub struct Cutoff<S> {
    inner: S,
    closing: Closing,
}

impl<S, Request> Service<Request> for Cutoff<S>
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
        let (call, closing) = (self.inner.call(request), self.closing.clone());
        Box::pin(async move {
            tokio::select! {
                biased;
                answer = call => answer,
                () = closing.expired() => Err(ConsumeError::shutting_down()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;
    use tower::{ServiceExt as _, service_fn};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_end_when_the_time_has_run_out() {
        let closing = Closing::default();
        let forever = service_fn(|(): ()| std::future::pending::<Result<(), ConsumeError>>());
        let call = CutoffLayer::new(closing.clone()).layer(forever).oneshot(());
        let start = Instant::now();
        closing.begin(start.into_std() + Duration::from_secs(1));
        assert!(call.await.is_err());
        assert_eq!(start.elapsed(), Duration::from_millis(900));
    }
}
