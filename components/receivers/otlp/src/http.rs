//! OTLP/HTTP.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use ::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use bytes::Bytes;
use hyper::body::Incoming;
use prost::Message;
use weir_component::{Code, ConsumeError, Permit, Signal};
use weir_net::grpc::Status;
use weir_net::server::{BodyError, BodyPolicy};
use weir_net::status::retry_after_value;
use weir_net::{Body, aside};
use weir_pdata::{Decoded, json};

use crate::HttpProtocol;
use crate::answer::{Format, full_success, partial_success};
use crate::ingest::Ingest;

/// JSON bodies from this size on are decoded on a blocking thread: it takes more than half a millisecond.
const JSON_OFFLOAD_BYTES: usize = 64 * 1024;

/// What the HTTP side of the receiver serves.
pub(crate) struct Routes {
    pub(crate) ingest: Arc<Ingest>,
    pub(crate) protocol: HttpProtocol,
    pub(crate) bodies: BodyPolicy,
}

/// Answers one request.
pub(crate) async fn serve(
    routes: Arc<Routes>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    Ok(routes.answer(request).await)
}

impl Routes {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let Some(signal) = self
            .protocol
            .signal_of(request.uri().path())
            .filter(|signal| self.ingest.serves(*signal))
        else {
            return text(StatusCode::NOT_FOUND, "no such path");
        };
        if request.method() != Method::POST {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only POST is served here");
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("POST"));
            return response;
        }
        let Some(format) = format_of(request.headers()) else {
            return text(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send application/x-protobuf or application/json",
            );
        };
        match self.take(signal, format, request).await {
            Ok(()) => message(StatusCode::OK, format, full_success(format)),
            Err(Refused::Body(error)) => self.refused_body(&error, format),
            Err(Refused::Pipeline(error)) if error.is_partial() => {
                message(StatusCode::OK, format, partial_success(signal, &error, format))
            }
            Err(Refused::Pipeline(error)) => status(http_status(error.code()), &Status::from(&error), format),
        }
    }

    /// Reads the body and hands it over.
    async fn take(&self, signal: Signal, format: Format, request: Request<Incoming>) -> Result<(), Refused> {
        let (head, body) = request.into_parts();
        let announced = self.bodies.announced(&head.headers)?;
        let permit = self.ingest.admit(
            announced.max_wire_bytes(),
            announced.encoding,
            self.bodies.max_bytes,
        )?;
        let body = announced.read(body).await?;
        let context = self.ingest.context(&head, None);
        match format {
            Format::Protobuf => self.ingest.protobuf(signal, body, permit, context).await?,
            Format::Json => {
                let body = self.to_protobuf(signal, body, &permit).await?;
                self.ingest.protobuf(signal, body, permit, context).await?;
            }
        }
        Ok(())
    }

    /// Rewrites a JSON body as protobuf, so that everything after this line has one form of request.
    async fn to_protobuf(&self, signal: Signal, body: Bytes, permit: &Permit) -> Result<Bytes, ConsumeError> {
        let written = if body.len() < JSON_OFFLOAD_BYTES {
            from_json(signal, &body)
        } else {
            // The share stays with the decoding even if the client goes away.
            let permit = permit.clone();
            aside(move || {
                let written = from_json(signal, &body);
                drop(permit);
                written
            })
            .await
            .map_err(|error| ConsumeError::permanent("decoding failed").caused_by(error))?
        };
        written.map_err(|error| {
            self.ingest.count_malformed();
            ConsumeError::malformed(format!("request is not OTLP/JSON: {error}"))
        })
    }

    fn refused_body(&self, error: &BodyError, format: Format) -> Response<Body> {
        // A body over the limit is 413 here, where the Collector says 400: clients learn what to do about it.
        let (http, code) = match error {
            BodyError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, Code::InvalidArgument),
            BodyError::Timeout => (StatusCode::REQUEST_TIMEOUT, Code::DeadlineExceeded),
            _ => (StatusCode::BAD_REQUEST, Code::InvalidArgument),
        };
        match error {
            BodyError::TooLarge { .. } => self.ingest.count_too_large(),
            _ => self.ingest.count_malformed(),
        }
        status(http, &Status::new(code, error.to_string()), format)
    }
}

/// Why a request was not taken.
enum Refused {
    Body(BodyError),
    Pipeline(ConsumeError),
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

impl From<ConsumeError> for Refused {
    fn from(error: ConsumeError) -> Self {
        Self::Pipeline(error)
    }
}

fn from_json(signal: Signal, body: &[u8]) -> Result<Bytes, json::JsonError> {
    let request = match signal {
        Signal::Metrics => Decoded::Metrics(json::decode(body)?),
        Signal::Traces => Decoded::Traces(json::decode(body)?),
        Signal::Logs => Decoded::Logs(json::decode(body)?),
    };
    Ok(request.to_bytes())
}

/// Returns the format of a body by its media type; parameters and case do not count.
fn format_of(headers: &HeaderMap) -> Option<Format> {
    let media_type = headers
        .get(CONTENT_TYPE)?
        .to_str()
        .ok()?
        .split(';')
        .next()?
        .trim()
        .to_ascii_lowercase();
    match media_type.as_str() {
        "application/x-protobuf" => Some(Format::Protobuf),
        "application/json" => Some(Format::Json),
        _ => None,
    }
}

fn http_status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Answers with a `google.rpc.Status` in the format of the request, and with `Retry-After` where the client should wait.
///
/// Spec: OTLP/HTTP, "Failures" and "OTLP/HTTP Throttling".
fn status(http: StatusCode, status: &Status, format: Format) -> Response<Body> {
    let proto = status.to_proto();
    let delay = status.retry_delay();
    let body = match format {
        Format::Protobuf => Bytes::from(proto.encode_to_vec()),
        Format::Json => status_json(proto.code, &proto.message, delay).into(),
    };
    let mut response = message(http, format, body);
    if let Some(delay) = delay
        && matches!(
            http,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        )
    {
        response
            .headers_mut()
            .insert(RETRY_AFTER, retry_after_value(delay));
    }
    response
}

/// Writes a `google.rpc.Status` in the JSON form of protobuf.
fn status_json(code: i32, text: &str, delay: Option<Duration>) -> String {
    let mut status = serde_json::json!({"code": code, "message": text});
    if let Some(delay) = delay {
        let retry_delay = format!("{}s", delay.as_secs_f64());
        status["details"] = serde_json::json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": retry_delay}]);
    }
    status.to_string()
}

fn message(http: StatusCode, format: Format, body: Bytes) -> Response<Body> {
    let media_type = match format {
        Format::Protobuf => "application/x-protobuf",
        Format::Json => "application/json",
    };
    answer(http, media_type, Body::from(body))
}

fn text(http: StatusCode, text: &'static str) -> Response<Body> {
    answer(http, "text/plain", Body::from(text))
}

fn answer(http: StatusCode, media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = http;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
