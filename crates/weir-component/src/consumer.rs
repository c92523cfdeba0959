//! What stands between two steps.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use tower::util::ServiceExt;
use tower::{Service, service_fn};
use weir_pdata::Batch;

use crate::ConsumeError;

/// A hand-over under way.
pub type HandOver = Pin<Box<dyn Future<Output = Result<(), ConsumeError>> + Send>>;

/// A tower service that takes batches. The call returns when the batch is safe: delivered, or in a queue that the user chose.
///
/// Cloning is cheap; clones feed the same step. As a service it is ready always: it waits for the step within the call.
#[derive(Clone)]
pub struct Consumer(Arc<dyn Take>);

/// A service that is shared, so that a call costs one allocation and a hop none.
trait Take: Send + Sync {
    fn take(&self, batch: Batch) -> HandOver;
}

impl<S> Take for S
where
    S: Service<Batch, Response = (), Error = ConsumeError> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    fn take(&self, batch: Batch) -> HandOver {
        Box::pin(self.clone().oneshot(batch))
    }
}

impl Consumer {
    /// Boxes a service. Each call is made to a clone.
    pub fn new<S>(service: S) -> Self
    where
        S: Service<Batch, Response = (), Error = ConsumeError> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        Self(Arc::new(service))
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
    pub fn consume(&self, batch: Batch) -> HandOver {
        self.0.take(batch)
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
    type Future = HandOver;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), ConsumeError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, batch: Batch) -> HandOver {
        self.consume(batch)
    }
}
