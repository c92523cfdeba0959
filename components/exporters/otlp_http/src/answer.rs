//! What a server's answer means.

use std::time::{Duration, SystemTime};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use prost::Message as _;
use weir_component::{Code, ConsumeError, Signal};
use weir_export::partial_success;
use weir_net::client::Reply;
use weir_net::grpc::Status;
use weir_net::status::retry_after;
use weir_pdata::PartialSuccess;
use weir_proto::rpc;

use crate::Format;

/// Characters of an answer's text that are told on.
const MAX_TEXT_CHARS: usize = 1024;

/// Returns the verdict on a request that the server answered. `now` is what dates in `Retry-After` are compared with.
///
/// # Errors
///
/// Retryable for 429, 502, 503 and 504, not before the time that the server asks for; partial if the server refused some items;
/// final for everything else but 2xx.
pub(crate) fn verdict(reply: &Reply, signal: Signal, now: SystemTime) -> Result<(), ConsumeError> {
    if reply.status.is_success() {
        return success(reply, signal);
    }
    // Spec: OTLP/HTTP, "Failures" and "OTLP/HTTP Throttling".
    let code = Code::from_http(reply.status.as_u16());
    let (text, delay) = explanation(reply);
    let error = ConsumeError::new(code, message(reply.status, &text));
    Err(match retry_after(&reply.headers, now).or(delay) {
        Some(delay) if code.is_retryable() => error.retry_after(delay),
        _ => error,
    })
}

/// Reads the response of a request that was taken. The status has said so, whatever the body looks like.
fn success(reply: &Reply, signal: Signal) -> Result<(), ConsumeError> {
    let read = match format_of(&reply.headers) {
        Some(_) if reply.truncated => Err("it is too long".to_owned()),
        Some(Format::Proto) => {
            PartialSuccess::from_wire(signal, &reply.body).map_err(|error| error.to_string())
        }
        Some(Format::Json) if reply.body.is_empty() => Ok(PartialSuccess::default()),
        Some(Format::Json) => {
            PartialSuccess::from_json(signal, &reply.body).map_err(|error| error.to_string())
        }
        None => Ok(PartialSuccess::default()),
    };
    match read {
        Ok(PartialSuccess { rejected, message }) => partial_success(rejected, &message),
        Err(error) => {
            tracing::warn!(error, "server's response cannot be read; taken for a success");
            Ok(())
        }
    }
}

/// Returns the text of a refusal and the pause that it asks for: those of a `google.rpc.Status` if the body is one.
fn explanation(reply: &Reply) -> (String, Option<Duration>) {
    let body = &reply.body;
    match format_of(&reply.headers) {
        Some(Format::Proto) if !reply.truncated => {
            if let Ok(status) = rpc::Status::decode(body.clone()) {
                let details = Status {
                    code: Code::Unknown,
                    message: String::new(),
                    details: body.clone(),
                };
                return (status.message, details.retry_delay());
            }
        }
        Some(Format::Json) if !reply.truncated => {
            if let Ok(status) = serde_json::from_slice::<serde_json::Value>(body)
                && let Some(message) = status["message"].as_str()
            {
                return (message.to_owned(), None);
            }
        }
        _ => {}
    }
    (String::from_utf8_lossy(body).into_owned(), None)
}

fn message(status: StatusCode, text: &str) -> String {
    let text: String = text.trim().chars().take(MAX_TEXT_CHARS).collect();
    let code = status.as_u16();
    if text.is_empty() {
        format!("server answered {code}")
    } else {
        format!("server answered {code}: {text}")
    }
}

/// Returns the form of a body, if its media type is exactly one that OTLP knows.
fn format_of(headers: &HeaderMap) -> Option<Format> {
    let media_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    [Format::Proto, Format::Json]
        .into_iter()
        .find(|format| format.media_type() == media_type)
}

#[cfg(test)]
mod tests;
