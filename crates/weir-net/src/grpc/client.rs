//! Making unary calls.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};

use weir_component::{AuthError, Context, OutgoingRequest};

use super::framing::{self, Reader};
use super::{
    ACCEPT_ENCODING, CONTENT_TYPE, Code, DEFAULT_MAX_MESSAGE_BYTES, ENCODINGS, GRPC_ACCEPT_ENCODING, Status,
    status, timeout,
};
use crate::body::Body;
use crate::client::{Credentials, Transport};
use crate::compression::{Encoder, Encoding};
use crate::observe::ClientWatch;

/// Makes unary calls to one server. Cloning shares the connections.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Transport,
    origin: Uri,
    user_agent: HeaderValue,
    metadata: HeaderMap,
    credentials: Credentials,
    encoder: Option<Arc<Encoder>>,
    max_message_bytes: usize,
    watch: Option<Arc<ClientWatch>>,
}

/// A call to make.
#[derive(Debug, Clone)]
pub struct Call {
    /// Path of the method, `/package.Service/Method`.
    pub path: PathAndQuery,
    /// The message, in chunks that belong one behind the other.
    pub message: Vec<Bytes>,
    /// Metadata.
    pub metadata: HeaderMap,
    /// Longest time for the call; the server is told.
    pub timeout: Option<Duration>,
    /// What is known about the data in the message, for authenticators that ask.
    pub context: Context,
}

impl Call {
    /// A call without metadata and timeout.
    pub fn new(path: PathAndQuery, message: impl Into<Bytes>) -> Self {
        Self {
            path,
            message: vec![message.into()],
            metadata: HeaderMap::new(),
            timeout: None,
            context: Context::default(),
        }
    }
}

/// The answer to a call that succeeded.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The message.
    pub message: Bytes,
    /// Metadata of the answer: headers, then trailers.
    pub metadata: HeaderMap,
}

impl Client {
    /// Makes a client for the server at `origin`, of which scheme and authority count. The transport must be
    /// [HTTP/2 only](crate::client::TransportSettings::http2_only) unless the server negotiates HTTP/2 by TLS.
    ///
    /// Messages go out uncompressed until [`with_compression`](Self::with_compression); `user_agent` that is no header value is
    /// replaced by `weir`.
    pub fn new(transport: Transport, origin: Uri, user_agent: &str) -> Self {
        let user_agent =
            HeaderValue::try_from(user_agent).unwrap_or_else(|_| HeaderValue::from_static("weir"));
        Self {
            transport,
            origin,
            user_agent,
            metadata: HeaderMap::new(),
            credentials: Credentials::default(),
            encoder: None,
            max_message_bytes: DEFAULT_MAX_MESSAGE_BYTES,
            watch: None,
        }
    }

    /// Compresses messages. Codings that gRPC does not know leave them uncompressed.
    #[must_use]
    pub fn with_compression(mut self, encoding: Encoding) -> Self {
        let known = ENCODINGS.contains(&encoding) && encoding != Encoding::Identity;
        self.encoder = known.then(|| Arc::new(Encoder::new(encoding, 0)));
        self
    }

    /// Adds metadata to every call that does not have the same key.
    #[must_use]
    pub fn with_metadata(mut self, metadata: HeaderMap) -> Self {
        self.metadata = metadata;
        self
    }

    /// Tells about calls.
    #[must_use]
    pub(crate) fn with_watch(mut self, watch: Option<Arc<ClientWatch>>) -> Self {
        self.watch = watch;
        self
    }

    /// Puts credentials on every call.
    #[must_use]
    pub(crate) fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// Sets the size of the largest answer in bytes, on the wire and decoded. Default: 4 MiB.
    #[must_use]
    pub const fn with_max_message_bytes(mut self, bytes: usize) -> Self {
        self.max_message_bytes = bytes;
        self
    }

    /// Makes a call and waits for its answer.
    ///
    /// # Errors
    ///
    /// The status that the server sent, or UNAVAILABLE if there is no connection or it failed, DEADLINE_EXCEEDED if time ran out,
    /// UNAUTHENTICATED or UNAVAILABLE if the authenticator has no credentials.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the call; the server may have handled it.
    pub async fn unary(&self, mut call: Call) -> Result<Reply, Status> {
        let Some(watch) = &self.watch else {
            return self.in_time(call).await;
        };
        let asking = watch.begin_grpc(&self.origin, call.path.path(), &call.context, &mut call.metadata);
        let answer = self.in_time(call).await;
        watch.end_grpc(asking, &answer);
        answer
    }

    async fn in_time(&self, call: Call) -> Result<Reply, Status> {
        match call.timeout {
            None => self.exchange(call).await,
            Some(timeout) => tokio::time::timeout(timeout, self.exchange(call))
                .await
                .unwrap_or_else(|_| {
                    Err(Status::new(
                        Code::DeadlineExceeded,
                        format!("no answer within {timeout:?}"),
                    ))
                }),
        }
    }

    async fn exchange(&self, call: Call) -> Result<Reply, Status> {
        let request = self.request(call).await?;
        let response = self
            .transport
            .send(request)
            .await
            .map_err(|error| unavailable(&error))?;
        let (mut head, body) = response.into_parts();
        if head.status != StatusCode::OK {
            let status = Status::read(&head.headers).and_then(Result::err);
            let code = status::code_from_http(head.status);
            return Err(status
                .unwrap_or_else(|| Status::new(code, format!("server answered with HTTP {}", head.status))));
        }
        if let Some(outcome) = Status::read(&head.headers) {
            outcome?;
            return Err(Status::new(Code::Internal, "server sent OK without a message"));
        }
        let encoding = framing::encoding_of(&head.headers).map_err(|status| Status {
            code: Code::Internal,
            ..status
        })?;
        let mut reader = Reader::new(body, self.max_message_bytes);
        let message = match reader.prefix(encoding).await? {
            Some(size) => Some(reader.message(size).await?),
            None => None,
        };
        let trailers = reader.trailers().await?.unwrap_or_default();
        Status::read(&trailers)
            .unwrap_or_else(|| Err(Status::new(Code::Internal, "server sent no status")))?;
        head.headers.extend(trailers);
        let message =
            message.ok_or_else(|| Status::new(Code::Internal, "server sent OK without a message"))?;
        Ok(Reply {
            message,
            metadata: head.headers,
        })
    }

    async fn request(&self, call: Call) -> Result<Request<Body>, Status> {
        let mut uri = self.origin.clone().into_parts();
        uri.path_and_query = Some(call.path);
        let uri = Uri::from_parts(uri).map_err(|error| Status::new(Code::Internal, error.to_string()))?;
        let mut headers = call.metadata;
        for (name, value) in &self.metadata {
            headers.entry(name).or_insert_with(|| value.clone());
        }
        headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        headers.insert(GRPC_ACCEPT_ENCODING, ACCEPT_ENCODING);
        headers
            .entry(header::USER_AGENT)
            .or_insert_with(|| self.user_agent.clone());
        if let Some(timeout) = call.timeout {
            headers.insert(timeout::GRPC_TIMEOUT, timeout::format(timeout));
        }
        let mut body = match &self.encoder {
            None => framing::plain(call.message)?,
            Some(encoder) => {
                headers.insert(
                    "grpc-encoding",
                    HeaderValue::from_static(encoder.encoding().as_str()),
                );
                framing::compressed(encoder, joined(call.message)).await?
            }
        };
        // Last, so that authenticators may sign what they see.
        let outgoing = OutgoingRequest {
            method: &Method::POST,
            uri: &uri,
            body: body.make_contiguous(),
            context: &call.context,
            headers: &mut headers,
        };
        self.credentials
            .put_on(outgoing)
            .await
            .map_err(|error| unauthenticated(&error))?;
        let mut request = Request::new(Body::from_chunks(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// Returns the chunks as one; a single chunk is not copied.
fn joined(mut chunks: Vec<Bytes>) -> Bytes {
    if chunks.len() == 1 {
        chunks.remove(0)
    } else {
        chunks.concat().into()
    }
}

fn unauthenticated(error: &AuthError) -> Status {
    let causes = crate::client::causes(error);
    Status::new(error.code(), format!("cannot authenticate the call: {causes}"))
}

fn unavailable(error: &(dyn std::error::Error + 'static)) -> Status {
    Status::new(Code::Unavailable, crate::client::causes(error))
}
