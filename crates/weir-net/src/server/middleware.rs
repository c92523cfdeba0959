//! Asks the middlewares of a server about requests.

use std::fmt;
use std::sync::Arc;

use http::{HeaderValue, Request, Response, StatusCode, header};
use weir_component::{ConsumeError, Host, IncomingRequest, Retry, ServerMiddleware, StartError};

use super::ConnectionInfo;
use super::guard::Protocol;
use crate::body::Body;
use crate::config::{Middleware, extension_id};
use crate::grpc::{self, Status};
use crate::status::retry_after_value;

/// The middlewares of a server, in the order in which they are asked.
pub(super) struct Middlewares {
    chain: Vec<Arc<dyn ServerMiddleware>>,
    protocol: Protocol,
}

impl Middlewares {
    /// Finds the middlewares; none if there are none.
    pub(super) fn find(
        names: &[Middleware],
        protocol: Protocol,
        host: &Host,
    ) -> Result<Option<Self>, StartError> {
        if names.is_empty() {
            return Ok(None);
        }
        let found = names
            .iter()
            .map(|name| host.server_middleware(&extension_id(&name.id)?));
        Ok(Some(Self {
            chain: found.collect::<Result<_, StartError>>()?,
            protocol,
        }))
    }

    /// Returns the refusal of the first middleware that does not let a request through.
    pub(super) fn refuse<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        let info = request.extensions().get::<Arc<ConnectionInfo>>();
        let incoming = IncomingRequest {
            headers: request.headers(),
            peer: info.and_then(|info| info.peer),
        };
        let mut answers = self.chain.iter().map(|each| each.admit(&incoming));
        let error = answers.find_map(Result::err)?;
        tracing::debug!(%error, peer = ?incoming.peer, "request refused by a middleware");
        Some(self.refusal(&error))
    }

    fn refusal(&self, error: &ConsumeError) -> Response<Body> {
        if self.protocol == Protocol::Grpc {
            return grpc::status_response(&Status::from(error));
        }
        let mut response = Response::new(Body::from(error.to_string()));
        // Every code of the table has a valid status.
        *response.status_mut() =
            StatusCode::from_u16(error.code().http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        if let Retry::After(delay) = error.retry() {
            headers.insert(header::RETRY_AFTER, retry_after_value(delay));
        }
        response
    }
}

impl fmt::Debug for Middlewares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Middlewares")
            .field("count", &self.chain.len())
            .field("protocol", &self.protocol)
            .finish()
    }
}

#[cfg(test)]
mod tests;
