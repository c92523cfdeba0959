//! Serving unary calls.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version, header};
use http_body::Body as HttpBody;
use tokio::time::Instant;

use super::framing::{self, MessageSize, Reader};
use super::{ACCEPT_ENCODING, CONTENT_TYPE, Code, DEFAULT_MAX_MESSAGE_BYTES, Status, timeout};
use crate::body::Body;

/// What a server does with the calls of one unary method.
pub trait Unary: Sync {
    /// What is held from admission until the answer is ready, such as a share of a memory budget.
    type Permit: Send;

    /// Decides on a call when the size of its message is known and before the message is read: at most one frame of it is in
    /// memory. May wait.
    ///
    /// # Errors
    ///
    /// The status that the caller gets instead; the message is not read.
    fn admit(&self, size: MessageSize) -> impl Future<Output = Result<Self::Permit, Status>> + Send;

    /// Handles a call. Dropped when the caller cancels or its deadline passes.
    ///
    /// # Errors
    ///
    /// The status that the caller gets.
    fn call(&self, call: Call, permit: Self::Permit) -> impl Future<Output = Result<Bytes, Status>> + Send;
}

/// A call whose message has been read.
#[derive(Debug)]
pub struct Call {
    /// Path, metadata and extensions of the request.
    pub head: http::request::Parts,
    /// The decoded message.
    pub message: Bytes,
    /// What the message was on the wire.
    pub size: MessageSize,
    /// When the caller gives up, if it says.
    pub deadline: Option<Instant>,
}

/// Bounds of calls.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest message in bytes, on the wire and decoded.
    pub max_message_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_bytes: DEFAULT_MAX_MESSAGE_BYTES,
        }
    }
}

/// Serves one unary call. The caller has matched the path; see [`status_response`] for paths that nobody serves.
///
/// Answers with HTTP 405 or 415 to what is not gRPC at all, else always with 200 and a gRPC status.
///
/// # Cancel safety
///
/// Dropping the future abandons the call, including [`Unary::call`].
pub async fn serve<S, B>(service: &S, limits: Limits, request: Request<B>) -> Response<Body>
where
    S: Unary,
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    if request.method() != Method::POST {
        return plain_response(StatusCode::METHOD_NOT_ALLOWED);
    }
    if !is_grpc(request.headers()) {
        return plain_response(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let deadline = request
        .headers()
        .get(timeout::GRPC_TIMEOUT)
        .and_then(timeout::parse)
        .and_then(deadline_in);
    let handled = handle(service, limits, request, deadline);
    let result = match deadline {
        None => handled.await,
        Some(deadline) => tokio::time::timeout_at(deadline, handled)
            .await
            .unwrap_or_else(|_| Err(Status::new(Code::DeadlineExceeded, "deadline exceeded"))),
    };
    match result.and_then(|message| framing::plain([message])) {
        Ok(chunks) => response(Body::from_chunks(chunks).with_trailers(Status::ok_trailers())),
        Err(status) => status_response(&status),
    }
}

/// Returns the answer that carries `status` and no message.
pub fn status_response(status: &Status) -> Response<Body> {
    // Spec: "Responses", Trailers-Only: the status stands in the one header block.
    let mut response = response(Body::empty());
    status.write(response.headers_mut());
    response
}

/// Returns true if the media type is gRPC with protobuf messages, said or implied.
fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/grpc") || essence.eq_ignore_ascii_case("application/grpc+proto")
}

async fn handle<S, B>(
    service: &S,
    limits: Limits,
    request: Request<B>,
    deadline: Option<Instant>,
) -> Result<Bytes, Status>
where
    S: Unary,
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let (head, body) = request.into_parts();
    let encoding = framing::encoding_of(&head.headers)?;
    let mut reader = Reader::new(body, limits.max_message_bytes);
    let Some(size) = reader.prefix(encoding).await? else {
        return Err(Status::new(Code::Internal, "no message in a unary call"));
    };
    let permit = service.admit(size).await?;
    let message = reader.message(size).await?;
    service
        .call(
            Call {
                head,
                message,
                size,
                deadline,
            },
            permit,
        )
        .await
}

fn deadline_in(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}

fn response(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.version_mut() = Version::HTTP_2;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
    headers.insert("grpc-accept-encoding", ACCEPT_ENCODING);
    response
}

fn plain_response(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response
            .headers_mut()
            .insert(header::ALLOW, http::HeaderValue::from_static("POST"));
    }
    response
}
