//! Requests and answers.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Version, header};
use weir_component::{AuthError, BoxError, Code, ConsumeError, Context, OutgoingRequest};

use super::credentials::Credentials;
use super::target::Target;
use super::transport::Transport;
use crate::body::Body;
use crate::collect;
use crate::compression::{EncodeError, Encoder, Encoding};
use crate::observe::ClientWatch;

/// Bytes of an answer that are read unless the request says otherwise: 64 KiB, room for any status message.
pub const DEFAULT_REPLY_BYTES: usize = 64 << 10;

/// Sends requests as an [`HttpClient`](super::HttpClient) section says. Cloning shares the connections.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Transport,
    headers: HeaderMap,
    credentials: Credentials,
    user_agent: HeaderValue,
    encoder: Option<Arc<Encoder>>,
    timeout: Option<Duration>,
    watch: Option<Arc<ClientWatch>>,
}

/// A request to send.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    /// Method.
    pub method: Method,
    /// Where it goes.
    pub target: &'a Target,
    /// Headers of the component; the configured ones replace them.
    pub headers: HeaderMap,
    /// Body. Compressed by the client unless `headers` has a `Content-Encoding`.
    pub body: Bytes,
    /// What is known about the data in the body, for authenticators that ask.
    pub context: Context,
    /// Bytes of the answer's body to read, at most.
    pub max_reply_bytes: usize,
}

impl<'a> Outgoing<'a> {
    /// A POST with a body of the given media type.
    pub fn post(target: &'a Target, content_type: &'static str, body: Bytes) -> Self {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self {
            method: Method::POST,
            target,
            headers,
            body,
            context: Context::default(),
            max_reply_bytes: DEFAULT_REPLY_BYTES,
        }
    }
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Version of HTTP it came in.
    pub version: Version,
    /// Headers.
    pub headers: HeaderMap,
    /// The body, or its beginning.
    pub body: Bytes,
    /// The body is longer than the request wanted to know.
    pub truncated: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No answer in time. The server may have got the request.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// No connection. The server has not got the request.
    #[error("cannot connect to `{host}`: {}", causes(.source.as_ref()))]
    Connect {
        /// Host and port.
        host: String,
        /// Why.
        source: BoxError,
    },
    /// The connection failed. The server may have got the request.
    #[error("request to `{host}` failed: {}", causes(.source.as_ref()))]
    Request {
        /// Host and port.
        host: String,
        /// Why.
        source: BoxError,
    },
    /// The body could not be compressed.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// There are no credentials. The request was not sent.
    #[error("cannot authenticate the request: {}", causes(.0))]
    Auth(#[from] AuthError),
}

/// Joins an error and its causes: here the innermost says what matters, such as a refused connection or an unknown authority.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

impl From<SendError> for ConsumeError {
    /// Nothing came back, so the same data may be sent again, unless there will be no credentials for it.
    fn from(error: SendError) -> Self {
        let code = match &error {
            SendError::Auth(error) => error.code(),
            _ => Code::Unavailable,
        };
        Self::new(code, error.to_string()).caused_by(error)
    }
}

impl Client {
    pub(super) fn new(
        transport: Transport,
        headers: HeaderMap,
        credentials: Credentials,
        user_agent: &str,
        encoding: Encoding,
        level: i32,
        timeout: Option<Duration>,
    ) -> Self {
        let user_agent =
            HeaderValue::try_from(user_agent).unwrap_or_else(|_| HeaderValue::from_static("weir"));
        let encoder =
            (encoding != Encoding::Identity).then(|| Arc::new(Encoder::new(encoding, level.max(0))));
        Self {
            transport,
            headers,
            credentials,
            user_agent,
            encoder,
            timeout,
            watch: None,
        }
    }

    /// Tells about requests.
    #[must_use]
    pub(super) fn with_watch(mut self, watch: Option<Arc<ClientWatch>>) -> Self {
        self.watch = watch;
        self
    }

    /// Sends a request and reads the answer. The timeout covers all of it.
    ///
    /// # Errors
    ///
    /// See [`SendError`]. Any answer of the server is a [`Reply`], redirects included.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the request; the server may have got it.
    pub async fn send(&self, mut request: Outgoing<'_>) -> Result<Reply, SendError> {
        let Some(watch) = &self.watch else {
            return self.in_time(request).await;
        };
        let asking = watch.begin_http(
            &request.method,
            request.target.uri(),
            &request.context,
            request.body.len(),
            &mut request.headers,
        );
        let answer = self.in_time(request).await;
        watch.end_http(asking, &answer);
        answer
    }

    async fn in_time(&self, request: Outgoing<'_>) -> Result<Reply, SendError> {
        match self.timeout {
            None => self.exchange(request).await,
            Some(timeout) => tokio::time::timeout(timeout, self.exchange(request))
                .await
                .unwrap_or(Err(SendError::Timeout(timeout))),
        }
    }

    async fn exchange(&self, outgoing: Outgoing<'_>) -> Result<Reply, SendError> {
        let Outgoing {
            method,
            target,
            mut headers,
            mut body,
            context,
            max_reply_bytes,
        } = outgoing;
        if let Some(encoder) = &self.encoder
            && !headers.contains_key(header::CONTENT_ENCODING)
            && !body.is_empty()
        {
            body = encoder.encode_off_reactor(body).await?;
            headers.insert(
                header::CONTENT_ENCODING,
                HeaderValue::from_static(encoder.encoding().as_str()),
            );
        }
        if let Some(authorization) = target.authorization() {
            headers
                .entry(header::AUTHORIZATION)
                .or_insert_with(|| authorization.clone());
        }
        headers
            .entry(header::USER_AGENT)
            .or_insert_with(|| self.user_agent.clone());
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        // Last, so that authenticators may sign what they see.
        let outgoing = OutgoingRequest {
            method: &method,
            uri: target.uri(),
            body: std::slice::from_ref(&body),
            context: &context,
            headers: &mut headers,
        };
        self.credentials.put_on(outgoing).await?;
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = target.uri().clone();
        *request.headers_mut() = headers;

        let host = || {
            target
                .uri()
                .authority()
                .map(ToString::to_string)
                .unwrap_or_default()
        };
        let response = self.transport.send(request).await.map_err(|error| {
            let connect = error.is_connect();
            let source: BoxError = error.into();
            if connect {
                SendError::Connect { host: host(), source }
            } else {
                SendError::Request { host: host(), source }
            }
        })?;
        let (head, body) = response.into_parts();
        let (body, truncated) = collect::prefix(body, max_reply_bytes, None)
            .await
            .map_err(|source| SendError::Request { host: host(), source })?;
        Ok(Reply {
            status: head.status,
            version: head.version,
            headers: head.headers,
            body,
            truncated,
        })
    }
}
