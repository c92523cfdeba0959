//! Credentials that a service on the host gives out, as JSON.

use std::time::Duration;

use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde::Deserialize;
use weir_component::AuthError;
use weir_component::config::Secret;
use weir_net::Lease;
use weir_net::client::{Client, Outgoing, Reply, Target};

use super::Credentials;

/// How long before their expiry such credentials are fetched again.
pub(super) const AHEAD: Duration = Duration::from_secs(5 * 60);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Served {
    access_key_id: String,
    secret_access_key: Secret,
    token: Option<Secret>,
    /// A time of day, as in RFC 3339.
    expiration: Option<String>,
}

/// Sends a request without a body and returns the answer if it is a success.
///
/// # Errors
///
/// There is no answer, or it is another. Both may pass: the services of a host come up with it.
pub(super) async fn ask(
    client: &Client,
    method: Method,
    target: &Target,
    headers: HeaderMap,
) -> Result<Reply, AuthError> {
    let request = Outgoing {
        method,
        headers,
        ..Outgoing::post(target, "", bytes::Bytes::new())
    };
    let reply = client
        .send(request)
        .await
        .map_err(|error| AuthError::unavailable(format!("no answer from `{target}`")).caused_by(error))?;
    match reply.status.is_success() {
        true => Ok(reply),
        false => Err(AuthError::unavailable(format!(
            "`{target}` answered with {}",
            reply.status
        ))),
    }
}

/// Reads credentials.
///
/// # Errors
///
/// The answer is none.
pub(super) fn read(reply: &Reply, target: &Target) -> Result<Lease<Credentials>, AuthError> {
    let nothing = || AuthError::unavailable(format!("the answer of `{target}` holds no credentials"));
    // What serde says of the text could quote it.
    let served: Served = serde_json::from_slice(&reply.body).map_err(|_| nothing())?;
    let expires = match served.expiration {
        Some(text) => Some(text.parse().map_err(|_| nothing())?),
        None => None,
    };
    let credentials = Credentials {
        access_key_id: served.access_key_id,
        secret_access_key: served.secret_access_key,
        session_token: served.token.filter(|token| !token.is_empty()),
    };
    lease(credentials, expires, AHEAD)
}

/// Returns a lease that ends at a time of day.
///
/// # Errors
///
/// That time is over.
pub(super) fn lease(
    credentials: Credentials,
    expires: Option<Timestamp>,
    ahead: Duration,
) -> Result<Lease<Credentials>, AuthError> {
    let Some(expires) = expires else {
        return Ok(Lease::unlimited(credentials));
    };
    match Duration::try_from(expires.duration_since(Timestamp::now())) {
        Ok(left) if !left.is_zero() => Ok(Lease::expiring(credentials, left, ahead)),
        _ => Err(AuthError::unavailable("the credentials given out have expired")),
    }
}
