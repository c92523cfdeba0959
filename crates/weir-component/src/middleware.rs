//! Middlewares: what extensions put in front of the servers of other components.

use crate::{ConsumeError, IncomingRequest};

/// Decides on the requests of servers that name its extension in `middlewares`.
pub trait ServerMiddleware: Send + Sync + 'static {
    /// Lets a request through. Called when the sender is authenticated and before the body is read. Decides at once: every request
    /// comes by here.
    ///
    /// # Errors
    ///
    /// [`ConsumeError`]: the request is refused with its code and its delay, and its body is not read.
    fn admit(&self, request: &IncomingRequest<'_>) -> Result<(), ConsumeError>;
}
