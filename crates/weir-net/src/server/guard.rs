//! Lets only authenticated requests through to a service.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use metrics::Counter;
use url::form_urlencoded;
use weir_component::{AuthError, Host, IncomingRequest, ServerAuth, StartError};
use weir_telemetry::Def;

use super::ConnectionInfo;
use crate::body::Body;
use crate::config::extension_id;
use crate::grpc::{self, Status};
use crate::status::retry_after_value;

/// When a client may come back if nothing can be said about its credentials now.
const UNAVAILABLE_DELAY: Duration = Duration::from_secs(1);

const REFUSED: Def = Def::new(
    "weir_server_auth_refused_total",
    "Requests that authenticators turned away, by reason: `missing`, `refused` or `unavailable`.",
);

/// How refusals are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http,
    Grpc,
}

/// Checks the credentials of requests before anything of their bodies is read.
pub(super) struct Guard {
    auth: Arc<dyn ServerAuth>,
    /// Parameters of the URL that stand in for the headers of the same name.
    request_params: Vec<HeaderName>,
    protocol: Protocol,
    refused: Refused,
}

/// Counts refusals by reason.
struct Refused([(&'static str, Counter); 3]);

impl Refused {
    /// Opens the counters of a server. `authenticator` is an id of the configuration.
    fn new(host: &Host, protocol: Protocol, authenticator: &str) -> Self {
        let component = host.component().map(ToString::to_string).unwrap_or_default();
        let transport = match protocol {
            Protocol::Http => "http",
            Protocol::Grpc => "grpc",
        };
        Self(AuthError::REASONS.map(|reason| {
            let labels = [
                ("component", component.as_str()),
                ("transport", transport),
                ("authenticator", authenticator),
                ("reason", reason),
            ];
            (reason, host.metrics().counter(&REFUSED, &labels))
        }))
    }

    fn count(&self, error: &AuthError) {
        if let Some((_, counter)) = self.0.iter().find(|(reason, _)| *reason == error.reason()) {
            counter.increment(1);
        }
    }
}

impl Guard {
    /// Finds the authenticator. Parameters that are no header names, which validation reports, are left out.
    pub(super) fn find(
        authenticator: &str,
        request_params: &[String],
        protocol: Protocol,
        host: &Host,
    ) -> Result<Self, StartError> {
        Ok(Self {
            auth: host.server_auth(&extension_id(authenticator)?)?,
            request_params: request_params
                .iter()
                .filter_map(|name| HeaderName::try_from(name).ok())
                .collect(),
            protocol,
            refused: Refused::new(host, protocol, authenticator),
        })
    }

    /// Adds the sender's [`Identity`](weir_component::Identity) to the extensions of a request, or returns the refusal.
    pub(super) async fn admit<B>(&self, request: &mut Request<B>) -> Result<(), Response<Body>> {
        let peer = request
            .extensions()
            .get::<Arc<ConnectionInfo>>()
            .and_then(|info| info.peer);
        let with_params = self.with_params(request.uri().query(), request.headers());
        let incoming = IncomingRequest {
            headers: with_params.as_ref().unwrap_or_else(|| request.headers()),
            peer,
        };
        let judged = self.auth.authenticate(&incoming).await;
        match judged {
            Ok(identity) => {
                request.extensions_mut().insert(identity);
                Ok(())
            }
            Err(error) => {
                self.refused.count(&error);
                tracing::debug!(error = &error as &dyn std::error::Error, ?peer, "request refused");
                Err(self.refusal(&error))
            }
        }
    }

    /// Returns the headers with parameters of the query in place of those of the same name, or `None` if there are no such parameters.
    fn with_params(&self, query: Option<&str>, headers: &HeaderMap) -> Option<HeaderMap> {
        let query = query.filter(|_| !self.request_params.is_empty())?;
        let mut merged: Option<HeaderMap> = None;
        for name in &self.request_params {
            let values: Vec<HeaderValue> = form_urlencoded::parse(query.as_bytes())
                .filter(|(key, _)| key.eq_ignore_ascii_case(name.as_str()))
                .filter_map(|(_, value)| HeaderValue::try_from(value.as_ref()).ok())
                .collect();
            if values.is_empty() {
                continue;
            }
            let merged = merged.get_or_insert_with(|| headers.clone());
            merged.remove(name);
            for value in values {
                merged.append(name, value);
            }
        }
        merged
    }

    /// Says no without a reason: it is in the log.
    fn refusal(&self, error: &AuthError) -> Response<Body> {
        let text = match error.is_retryable() {
            true => "authentication is not available now",
            false => "unauthenticated",
        };
        if self.protocol == Protocol::Grpc {
            let status = Status::new(error.code(), text);
            return grpc::status_response(&match error.is_retryable() {
                true => status.with_retry_delay(UNAVAILABLE_DELAY),
                false => status,
            });
        }
        let mut response = Response::new(Body::from(text));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        if error.is_retryable() {
            headers.insert(header::RETRY_AFTER, retry_after_value(UNAVAILABLE_DELAY));
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        } else {
            if let Some(challenge) = self.auth.challenge() {
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
        response
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
