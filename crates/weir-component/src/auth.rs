//! Authenticators: what extensions offer to the clients and servers of other components.
//!
//! An extension that authenticates returns one of the two from [`Extension::client_auth`](crate::Extension::client_auth) or
//! [`Extension::server_auth`](crate::Extension::server_auth). Both work on headers, which HTTP and gRPC share, so one authenticator
//! serves both. Names and values are those of the `http` crate, which every transport here speaks: it compares names without case and
//! keeps values that are marked sensitive out of debug output.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Uri};
use weir_pdata::{Context, Identity};

use crate::{Code, ConsumeError};

/// Puts credentials on requests before they are sent.
#[async_trait]
pub trait ClientAuth: Send + Sync + 'static {
    /// Adds credentials to the headers of a request. Called for every attempt of every request, after everything else is settled, so
    /// that it may sign what it sees. Replaces headers of the same name; values that are secret are marked sensitive.
    ///
    /// # Errors
    ///
    /// [`AuthError`]: the request is not sent. Whether it may be tried again depends on [`AuthError::is_retryable`].
    ///
    /// # Cancel safety
    ///
    /// Implementations must stand being dropped at any await point: requests have deadlines.
    async fn authenticate(&self, request: &mut OutgoingRequest<'_>) -> Result<(), AuthError>;
}

/// A request that is ready to be sent but for its credentials.
pub struct OutgoingRequest<'a> {
    /// Method; POST for gRPC.
    pub method: &'a Method,
    /// Where it goes, without user information.
    pub uri: &'a Uri,
    /// Its body as it is sent, compressed and framed, in chunks one behind the other.
    pub body: &'a [Bytes],
    /// What is known about the data in it: its tenant, identity, metadata.
    pub context: &'a Context,
    /// Its headers, or the metadata of a gRPC call.
    pub headers: &'a mut HeaderMap,
}

/// Finds out who sends a request.
#[async_trait]
pub trait ServerAuth: Send + Sync + 'static {
    /// Checks the credentials of a request. Called before its body is read.
    ///
    /// # Errors
    ///
    /// [`AuthError`]: the request is refused, as unauthenticated unless [`AuthError::is_retryable`]. The sender is not told why.
    ///
    /// # Cancel safety
    ///
    /// Implementations must stand being dropped at any await point: clients go away.
    async fn authenticate(&self, request: &IncomingRequest<'_>) -> Result<Identity, AuthError>;

    /// Returns the value of `WWW-Authenticate` in refusals over HTTP: which credentials would do.
    ///
    /// Spec: RFC 9110, "WWW-Authenticate".
    fn challenge(&self) -> Option<HeaderValue> {
        None
    }
}

/// The head of a request whose body is not read yet.
pub struct IncomingRequest<'a> {
    /// Its headers, or the metadata of a gRPC call; the parameters of the URL that were configured to stand in for headers are in here.
    pub headers: &'a HeaderMap,
    /// Address of the peer; none on Unix sockets.
    pub peer: Option<SocketAddr>,
}

/// Why a request has no credentials, or the wrong ones.
///
/// The message is for the log: it never holds credentials.
#[derive(Debug, Clone)]
pub struct AuthError {
    reason: Reason,
    message: Cow<'static, str>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Missing,
    Refused,
    Unavailable,
}

impl AuthError {
    /// What [`reason`](Self::reason) returns.
    pub const REASONS: [&str; 3] = ["missing", "refused", "unavailable"];

    /// The credentials are wrong, and will be if the same request comes again.
    pub fn refused(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason: Reason::Refused,
            message: message.into(),
            source: None,
        }
    }

    /// There are no credentials at all, which is refused just so but counted apart: it is a sender who does not know that it needs some.
    pub fn missing(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason: Reason::Missing,
            ..Self::refused(message)
        }
    }

    /// Nothing can be said about credentials now; the request may be tried again.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason: Reason::Unavailable,
            ..Self::refused(message)
        }
    }

    /// Adds the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Returns true if the request may be tried again.
    pub const fn is_retryable(&self) -> bool {
        matches!(self.reason, Reason::Unavailable)
    }

    /// Returns the reason for metrics: `missing`, `refused` or `unavailable`.
    pub const fn reason(&self) -> &'static str {
        Self::REASONS[self.reason as usize]
    }

    /// Returns the code that says the same: UNAUTHENTICATED or UNAVAILABLE.
    pub const fn code(&self) -> Code {
        if self.is_retryable() {
            Code::Unavailable
        } else {
            Code::Unauthenticated
        }
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for AuthError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<AuthError> for ConsumeError {
    fn from(error: AuthError) -> Self {
        Self::new(error.code(), error.to_string()).caused_by(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_whether_to_try_again() {
        let refused = ConsumeError::from(AuthError::refused("no"));
        assert_eq!(
            (refused.code(), refused.is_retryable()),
            (Code::Unauthenticated, false)
        );
        let missing = AuthError::missing("no token");
        assert_eq!(
            (missing.code(), missing.reason()),
            (Code::Unauthenticated, "missing")
        );
        let later = ConsumeError::from(AuthError::unavailable("issuer is down"));
        assert_eq!((later.code(), later.is_retryable()), (Code::Unavailable, true));
        assert_eq!(later.to_string(), "issuer is down");
    }
}
