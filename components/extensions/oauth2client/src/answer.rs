//! The answer of a token endpoint.

use std::fmt;
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Deserializer, de};
use weir_component::AuthError;
use weir_component::config::Secret;
use weir_net::Lease;
use weir_net::client::Reply;

/// Longest part of a server's explanation that is shown.
const MAX_SHOWN: usize = 200;

/// A token as the value of `Authorization`.
pub(crate) type Token = HeaderValue;

/// Spec: RFC 6749, "Successful Response".
#[derive(Deserialize)]
struct Granted {
    access_token: Secret,
    #[serde(default)]
    token_type: String,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
}

/// Spec: RFC 6749, "Error Response".
#[derive(Deserialize)]
struct Refused {
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Reads the answer to a token request. `secret` is what must not be shown even if the server does.
///
/// # Errors
///
/// The server refused, which it will again; or it failed, which may pass.
pub(crate) fn read(
    reply: &Reply,
    expiry_buffer: Duration,
    secret: &Secret,
) -> Result<Lease<Token>, AuthError> {
    if !reply.status.is_success() {
        return Err(refusal(reply.status, &reply.body, secret));
    }
    let granted: Granted = serde_json::from_slice(&reply.body)
        .map_err(|error| AuthError::unavailable("the answer holds no token").caused_by(Category(error)))?;
    if granted.access_token.is_empty() {
        return Err(AuthError::unavailable("the answer holds an empty token"));
    }
    let scheme = match granted.token_type.as_str() {
        "" => "Bearer",
        other if other.eq_ignore_ascii_case("bearer") => "Bearer",
        other if other.bytes().all(|byte| byte.is_ascii_alphanumeric()) && other.len() <= 32 => other,
        _ => return Err(AuthError::refused("the answer holds a token of unknown type")),
    };
    let mut value = HeaderValue::try_from(format!("{scheme} {}", granted.access_token.expose()))
        .map_err(|_| AuthError::refused("the token has characters that headers cannot have"))?;
    value.set_sensitive(true);
    Ok(match granted.expires_in {
        // Without a time it is up to the server to say; 0 says that it does not.
        None | Some(0) => Lease::unlimited(value),
        Some(seconds) => Lease::expiring(value, Duration::from_secs(seconds), expiry_buffer),
    })
}

fn refusal(status: StatusCode, body: &[u8], secret: &Secret) -> AuthError {
    let Ok(refused) = serde_json::from_slice::<Refused>(body) else {
        return AuthError::unavailable(format!("it answered with {status}"));
    };
    let shown = |text: &str| -> String {
        let echo = !secret.is_empty() && text.contains(secret.expose());
        let text = if echo { "" } else { text };
        text.chars().filter(|c| !c.is_control()).take(MAX_SHOWN).collect()
    };
    let mut message = format!("it answered with {status}, `{}`", shown(&refused.error));
    let description = shown(&refused.error_description);
    if !description.is_empty() {
        message = format!("{message}: {description}");
    }
    // Spec: RFC 6749, "Error Response". Anything else is the server's trouble, which may pass.
    let ours = matches!(
        refused.error.as_str(),
        "invalid_request"
            | "invalid_client"
            | "invalid_grant"
            | "unauthorized_client"
            | "unsupported_grant_type"
            | "invalid_scope"
    );
    match ours && matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED) {
        true => AuthError::refused(message),
        false => AuthError::unavailable(message),
    }
}

/// Shows of a JSON error what does not quote the text: it may be a token.
#[derive(Debug)]
struct Category(serde_json::Error);

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = &self.0;
        let what = match error.is_data() {
            true => "an object with a text `access_token` was expected",
            false => "it is no JSON",
        };
        write!(f, "{what} (line {}, column {})", error.line(), error.column())
    }
}

impl std::error::Error for Category {}

/// Reads seconds as a number or, as some servers write them, a text.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    struct Visitor;

    impl de::Visitor<'_> for Visitor {
        type Value = Option<u64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number of seconds")
        }

        fn visit_unit<E: de::Error>(self) -> Result<Option<u64>, E> {
            Ok(None)
        }

        fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Option<u64>, E> {
            Ok(Some(seconds))
        }

        fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Option<u64>, E> {
            Ok(u64::try_from(seconds).ok())
        }

        fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Option<u64>, E> {
            // Saturates; a negative number is none.
            Ok((seconds > 0.0).then_some(seconds as u64))
        }

        fn visit_str<E: de::Error>(self, seconds: &str) -> Result<Option<u64>, E> {
            seconds.parse().map(Some).map_err(E::custom)
        }
    }

    deserializer.deserialize_any(Visitor)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, Version};

    use super::*;

    fn read(status: u16, body: &str) -> Result<Lease<Token>, AuthError> {
        let reply = Reply {
            status: StatusCode::from_u16(status).unwrap(),
            version: Version::HTTP_11,
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            truncated: false,
        };
        super::read(&reply, Duration::from_secs(300), &Secret::new("hush"))
    }

    #[test]
    fn tokens_come_in_several_forms() {
        for (body, value) in [
            (r#"{"access_token": "a"}"#, "Bearer a"),
            (
                r#"{"access_token": "a", "token_type": "bearer", "expires_in": "3600"}"#,
                "Bearer a",
            ),
            (
                r#"{"access_token": "a", "token_type": "JWT", "expires_in": 3599.5}"#,
                "JWT a",
            ),
            (
                r#"{"access_token": "a", "expires_in": null, "scope": "x"}"#,
                "Bearer a",
            ),
            (r#"{"access_token": "a", "expires_in": -1}"#, "Bearer a"),
        ] {
            let lease = read(200, body).unwrap();
            lease.map(|token| assert!(token == value && token.is_sensitive(), "{body}"));
        }
    }

    #[test]
    fn what_is_no_token_is_told_without_quoting_it() {
        for body in [
            "",
            "access_token=hush",
            r#"{"access_token": ""}"#,
            r#"{"access_token": ["hush"]}"#,
            r#"{"access_token": "hush\n"}"#,
            r#"{"access_token": "hush", "token_type": "a b"}"#,
        ] {
            let error = read(200, body).unwrap_err();
            let text = format!("{error:?}");
            assert!(!text.contains("hush"), "{body}: {text}");
        }
    }

    #[test]
    fn refusals_are_final_and_failures_are_not() {
        let long = "x".repeat(1000);
        for (status, body, retryable, text) in [
            (
                401,
                r#"{"error": "invalid_client", "error_description": "no such\n client"}"#,
                false,
                "it answered with 401 Unauthorized, `invalid_client`: no such client",
            ),
            (
                400,
                r#"{"error": "invalid_client", "error_description": "hush is wrong"}"#,
                false,
                "it answered with 400 Bad Request, `invalid_client`",
            ),
            (
                400,
                r#"{"error": "slow_down"}"#,
                true,
                "it answered with 400 Bad Request, `slow_down`",
            ),
            (503, "<html>", true, "it answered with 503 Service Unavailable"),
            (302, "", true, "it answered with 302 Found"),
            (
                503,
                r#"{"error": "invalid_client"}"#,
                true,
                "it answered with 503 Service Unavailable, `invalid_client`",
            ),
            (404, long.as_str(), true, "it answered with 404 Not Found"),
        ] {
            let error = read(status, body).unwrap_err();
            assert_eq!(
                (error.is_retryable(), error.to_string().as_str()),
                (retryable, text),
                "{body}"
            );
        }
    }
}
