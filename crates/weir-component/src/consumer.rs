//! What stands between two steps.

use std::fmt;
use std::task::{Context as TaskContext, Poll};

use tower::util::{BoxCloneSyncService, ServiceExt};
use tower::{Service, service_fn};
use weir_pdata::Batch;

use crate::ConsumeError;

/// A tower service that takes batches. The call returns when the batch is safe: delivered, or in a queue that the user chose.
///
/// Cloning is cheap; clones feed the same step.
pub struct Consumer(BoxCloneSyncService<Batch, (), ConsumeError>);

impl Consumer {
    /// Boxes a service.
    pub fn new<S>(service: S) -> Self
    where
        S: Service<Batch, Response = (), Error = ConsumeError> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        Self(BoxCloneSyncService::new(service))
    }

    /// Makes a consumer of an async function.
    pub fn from_fn<F, Fut>(consume: F) -> Self
    where
        F: Fn(Batch) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<(), ConsumeError>> + Send + 'static,
    {
        Self::new(service_fn(consume))
    }

    /// Hands over a batch and waits until it is safe.
    ///
    /// # Errors
    ///
    /// [`ConsumeError`] unless all of the batch was taken.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the batch up wherever it is: what was already handed on may still be delivered.
    pub async fn consume(&self, batch: Batch) -> Result<(), ConsumeError> {
        self.0.clone().oneshot(batch).await
    }
}

impl Clone for Consumer {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Consumer")
    }
}

impl Service<Batch> for Consumer {
    type Response = ();
    type Error = ConsumeError;
    type Future = <BoxCloneSyncService<Batch, (), ConsumeError> as Service<Batch>>::Future;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), ConsumeError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, batch: Batch) -> Self::Future {
        self.0.call(batch)
    }
}
