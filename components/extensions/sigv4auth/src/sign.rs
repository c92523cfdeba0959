//! Signatures.
//!
//! Spec: AWS Signature Version 4, "Create a signed AWS API request".

use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use jiff::Timestamp;
use weir_component::AuthError;

use crate::canonical::{Canonical, PathStyle};
use crate::credentials::Credentials;

pub(crate) const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
pub(crate) const X_AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
pub(crate) const X_AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// What a signature is good for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    pub(crate) time: Timestamp,
}

/// Signs a request: adds the time, the session, the hash of the body and the signature to its headers.
///
/// # Errors
///
/// A credential has characters that headers cannot have.
pub(crate) fn sign(
    method: &Method,
    uri: &Uri,
    host: &str,
    headers: &mut HeaderMap,
    body_hash: &str,
    credentials: &Credentials,
    scope: Scope<'_>,
) -> Result<(), AuthError> {
    let value = |text: &str| {
        HeaderValue::try_from(text)
            .map_err(|_| AuthError::refused("the AWS credentials have characters that headers cannot have"))
    };
    headers.insert(X_AMZ_DATE, value(&scope.date_time())?);
    headers.insert(X_AMZ_CONTENT_SHA256, value(body_hash)?);
    headers.remove(X_AMZ_SECURITY_TOKEN);
    if let Some(token) = &credentials.session_token {
        let mut token = value(token.expose())?;
        token.set_sensitive(true);
        headers.insert(X_AMZ_SECURITY_TOKEN, token);
    }
    let canonical = Canonical::new(method, uri, host, headers, PathStyle::of(scope.service));
    let mut authorization = value(&authorization(&canonical, body_hash, credentials, scope))?;
    authorization.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, authorization);
    Ok(())
}

/// Returns the value of `Authorization` for a request.
pub(crate) fn authorization(
    canonical: &Canonical,
    body_hash: &str,
    credentials: &Credentials,
    scope: Scope<'_>,
) -> String {
    let to_sign = scope.string_to_sign(&canonical.with_body(body_hash));
    let signature = hex(scope.signature(credentials, &to_sign).as_ref());
    format!(
        "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={signature}",
        credentials.access_key_id,
        scope.name(),
        canonical.signed_headers
    )
}

impl Scope<'_> {
    fn date(&self) -> String {
        self.time.strftime("%Y%m%d").to_string()
    }

    fn date_time(&self) -> String {
        self.time.strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    fn name(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.date(), self.region, self.service)
    }

    pub(crate) fn string_to_sign(&self, canonical: &str) -> String {
        let hash = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        format!("AWS4-HMAC-SHA256\n{}\n{}\n{hash}", self.date_time(), self.name())
    }

    /// Derives the key of this scope and signs a text with it.
    fn signature(&self, credentials: &Credentials, text: &str) -> hmac::Tag {
        let chain =
            |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
        let secret = format!("AWS4{}", credentials.secret_access_key.expose());
        let key = chain(secret.as_bytes(), &self.date());
        let key = chain(key.as_ref(), self.region);
        let key = chain(key.as_ref(), self.service);
        let key = chain(key.as_ref(), "aws4_request");
        chain(key.as_ref(), text)
    }
}

/// Returns the SHA-256 of a body in hexadecimal digits.
pub(crate) fn body_hash(chunks: &[Bytes]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for chunk in chunks {
        context.update(chunk);
    }
    hex(context.finish().as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a text cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests;
