//! Refuses what comes after the component began to stop.

use std::task::{Context, Poll};

use tower::{Layer, Service};
use weir_component::{Batch, ConsumeError};

use crate::{Answer, Closing};

/// Makes [`Admission`] services.
#[derive(Debug, Clone)]
pub struct AdmissionLayer {
    closing: Closing,
}

impl AdmissionLayer {
    /// Admits batches until `closing` begins.
    pub const fn new(closing: Closing) -> Self {
        Self { closing }
    }
}

impl<S> Layer<S> for AdmissionLayer {
    type Service = Admission<S>;

    fn layer(&self, inner: S) -> Admission<S> {
        Admission {
            inner,
            closing: self.closing.clone(),
        }
    }
}

/// Passes batches on until the component begins to stop; refuses them, retryable, from then on. Empty batches are answered at
/// once: there is nothing to deliver.
#[derive(Debug, Clone)]
pub struct Admission<S> {
    inner: S,
    closing: Closing,
}

impl<S> Service<Batch> for Admission<S>
where
    S: Service<Batch, Response = (), Error = ConsumeError>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = ConsumeError;
    type Future = Answer<()>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConsumeError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, batch: Batch) -> Answer<()> {
        if batch.items() == 0 {
            return Box::pin(std::future::ready(Ok(())));
        }
        if self.closing.has_begun() {
            return Box::pin(std::future::ready(Err(ConsumeError::shutting_down())));
        }
        Box::pin(self.inner.call(batch))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tower::ServiceExt as _;
    use weir_testkit::{Sink, batches};

    use super::*;

    #[tokio::test]
    async fn batches_are_refused_once_closing_has_begun() {
        let (sink, closing) = (Sink::new(), Closing::default());
        let admission = AdmissionLayer::new(closing.clone()).layer(sink.consumer());
        admission.clone().oneshot(batches::gauge("g", 1)).await.unwrap();
        admission.clone().oneshot(batches::gauge("g", 0)).await.unwrap();
        closing.begin(Instant::now() + Duration::from_secs(1));
        let error = admission.oneshot(batches::gauge("g", 1)).await.unwrap_err();
        assert!(error.is_retryable());
        assert_eq!(sink.calls(), 1);
    }
}
