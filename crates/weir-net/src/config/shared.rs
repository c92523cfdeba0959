//! Small blocks that servers and clients share.

use std::time::Duration;

use super::Span;

/// The `dialer` section of a network address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dialer {
    /// Longest time to connect. Default: 0, no limit.
    pub timeout: Duration,
}

crate::keys!(Dialer { timeout as Span });

/// An entry of `middlewares`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Middleware {
    /// Id of the extension.
    pub id: String,
}

crate::keys!(Middleware { id });
