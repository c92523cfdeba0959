//! Serving calls: of one answer, and of as many as come.

use std::future::{Future, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::Either;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version, header};
use http_body::Body as HttpBody;
use tokio::time::Instant;

use super::framing::{self, MessageSize, Reader};
use super::{
    ACCEPT_ENCODING, CONTENT_TYPE, Code, DEFAULT_MAX_MESSAGE_BYTES, GRPC_ACCEPT_ENCODING, Status, timeout,
};
use crate::body::{Body, Feed, Gone};

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

impl<S: Unary> Unary for &S {
    type Permit = S::Permit;

    fn admit(&self, size: MessageSize) -> impl Future<Output = Result<Self::Permit, Status>> + Send {
        S::admit(self, size)
    }

    fn call(&self, call: Call, permit: Self::Permit) -> impl Future<Output = Result<Bytes, Status>> + Send {
        S::call(self, call, permit)
    }
}

/// What a server does with the calls of a method that answers with any number of messages.
pub trait ServerStreaming: Sync {
    /// Begins to answer a call. Returns at once: `answers` goes to a task of the service, which gives messages as they come and ends
    /// them.
    ///
    /// # Errors
    ///
    /// The status that the caller gets, without any message.
    fn begin(&self, call: Call, answers: Answers) -> Result<(), Status>;
}

/// The messages that answer one call. Dropping it ends the answer without a status, which callers take for a failure: see
/// [`finish`](Self::finish).
#[derive(Debug)]
pub struct Answers {
    feed: Feed,
    deadline: Option<Instant>,
}

impl Answers {
    /// Sends a message; waits while the caller has not taken the one before.
    ///
    /// # Errors
    ///
    /// [`Gone`]: the caller takes no more.
    ///
    /// # Cancel safety
    ///
    /// The message is sent or not, as long as it is below 4 GiB.
    pub async fn send(&self, message: Bytes) -> Result<(), Gone> {
        // One chunk, so that a cancelled send leaves no prefix behind.
        let chunks = framing::plain([message]).map_err(|_| Gone)?;
        let mut frame = BytesMut::with_capacity(chunks.iter().map(Bytes::len).sum());
        chunks.iter().for_each(|chunk| frame.extend_from_slice(chunk));
        self.feed.data(frame.freeze()).await
    }

    /// Ends the answer. A caller that is gone does not learn the status.
    pub async fn finish(self, status: Result<(), Status>) {
        let trailers = match status {
            Ok(()) => Status::ok_trailers(),
            Err(status) => {
                let mut trailers = HeaderMap::new();
                status.write(&mut trailers);
                trailers
            }
        };
        // Nobody is left to tell.
        let _ = self.feed.finish(trailers).await;
    }

    /// Waits until the caller takes no more, or its deadline has passed.
    ///
    /// # Cancel safety
    ///
    /// Waiting changes nothing.
    pub async fn gone(&self) {
        match self.deadline {
            None => self.feed.gone().await,
            Some(deadline) => {
                // Either way nobody waits any more.
                let _ = tokio::time::timeout_at(deadline, self.feed.gone()).await;
            }
        }
    }
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
pub fn serve<S, B>(
    service: S,
    limits: Limits,
    request: Request<B>,
) -> impl Future<Output = Response<Body>> + Send
where
    S: Unary + Send,
    B: HttpBody<Data = Bytes> + Send + Unpin,
    B::Error: std::fmt::Display,
{
    if let Some(status) = refusal(&request) {
        return Either::Left(ready(plain_response(status)));
    }
    let deadline = deadline_of(request.headers());
    // Combinators, as an async block would hold the call twice, and there are many calls.
    let handled = in_time(deadline, handle(service, limits, request, deadline));
    Either::Right(handled.map(
        |result| match result.and_then(|message| framing::plain([message])) {
            Ok(chunks) => response(Body::from_chunks(chunks).with_trailers(Status::ok_trailers())),
            Err(status) => status_response(&status),
        },
    ))
}

/// Serves one call of a method that answers with any number of messages. Otherwise as [`serve`].
///
/// # Cancel safety
///
/// Dropping the future abandons a call that has not begun.
pub async fn serve_streaming<S, B>(service: &S, limits: Limits, request: Request<B>) -> Response<Body>
where
    S: ServerStreaming,
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    if let Some(status) = refusal(&request) {
        return plain_response(status);
    }
    let deadline = deadline_of(request.headers());
    let (feed, body) = Body::live();
    let answers = Answers { feed, deadline };
    let reading = read(limits, request, deadline);
    let call = in_time(deadline, reading).await;
    match call.and_then(|call| service.begin(call, answers)) {
        Ok(()) => response(body),
        Err(status) => status_response(&status),
    }
}

/// Reads the one message of a request.
async fn read<B>(limits: Limits, request: Request<B>, deadline: Option<Instant>) -> Result<Call, Status>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let (head, body) = request.into_parts();
    let encoding = framing::encoding_of(&head.headers)?;
    let mut reader = Reader::new(body, limits.max_message_bytes);
    let size = reader.prefix(encoding).await?.ok_or_else(no_message)?;
    let message = reader.message(size).await?;
    Ok(Call {
        head,
        message,
        size,
        deadline,
    })
}

fn in_time<T>(
    deadline: Option<Instant>,
    handled: impl Future<Output = Result<T, Status>>,
) -> impl Future<Output = Result<T, Status>> {
    match deadline {
        None => Either::Left(handled),
        Some(deadline) => {
            let handled = tokio::time::timeout_at(deadline, handled);
            Either::Right(handled.map(|handled| handled.unwrap_or_else(|_| Err(too_late()))))
        }
    }
}

fn too_late() -> Status {
    Status::new(Code::DeadlineExceeded, "deadline exceeded")
}

fn no_message() -> Status {
    Status::new(Code::Internal, "no message in a unary call")
}

/// Returns the HTTP status for what is not gRPC at all.
fn refusal<B>(request: &Request<B>) -> Option<StatusCode> {
    if request.method() != Method::POST {
        return Some(StatusCode::METHOD_NOT_ALLOWED);
    }
    (!is_grpc(request.headers())).then_some(StatusCode::UNSUPPORTED_MEDIA_TYPE)
}

fn deadline_of(headers: &HeaderMap) -> Option<Instant> {
    headers
        .get(timeout::GRPC_TIMEOUT)
        .and_then(timeout::parse)
        .and_then(deadline_in)
}

/// Returns the answer that carries `status` and no message.
pub fn status_response(status: &Status) -> Response<Body> {
    // Spec: "Responses", Trailers-Only: the status stands in the one header block.
    let mut response = response(Body::empty());
    let headers = response.headers_mut();
    // Spec: "Compression", for whoever chose a coding that is none of these.
    headers.insert(GRPC_ACCEPT_ENCODING, ACCEPT_ENCODING);
    status.write(headers);
    response
}

/// Returns true if the media type is gRPC with protobuf messages, said or implied.
fn is_grpc(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(header::CONTENT_TYPE) else {
        return false;
    };
    if *content_type == CONTENT_TYPE {
        return true;
    }
    let content_type = content_type.to_str().unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/grpc") || essence.eq_ignore_ascii_case("application/grpc+proto")
}

fn handle<S, B>(
    service: S,
    limits: Limits,
    request: Request<B>,
    deadline: Option<Instant>,
) -> impl Future<Output = Result<Bytes, Status>> + Send
where
    S: Unary + Send,
    B: HttpBody<Data = Bytes> + Send + Unpin,
    B::Error: std::fmt::Display,
{
    let (head, body) = request.into_parts();
    let mut reader = Reader::new(body, limits.max_message_bytes);
    async move {
        let encoding = framing::encoding_of(&head.headers)?;
        let size = reader.prefix(encoding).await?.ok_or_else(no_message)?;
        let permit = service.admit(size).await?;
        let message = reader.message(size).await?;
        // Nothing of the request but the call is kept while it waits for its answer.
        drop(reader);
        let call = Call {
            head,
            message,
            size,
            deadline,
        };
        service.call(call, permit).await
    }
}

fn deadline_in(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}

fn response(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.version_mut() = Version::HTTP_2;
    response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
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
