//! OTLP/gRPC and OTLP/HTTP requests over plain TCP: framing, connections, and what an answer means.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceResponse;

use super::{Encoding, Options, Protocol};
use crate::codec::Compression;
use crate::count::Signal;
use crate::workload::{GRPC_HEADER, Request};

const AGENT: HeaderValue = HeaderValue::from_static(concat!("weir-loadgen/", env!("CARGO_PKG_VERSION")));
const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
/// Answers are small; a longer one is not read.
const MAX_ANSWER: usize = 1 << 20;

/// gRPC status codes that a sender of telemetry tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Grpc(u32);

impl Grpc {
    /// Whether OTLP lets the sender try again.
    ///
    /// Spec: OTLP 1.9, "Failures", <https://opentelemetry.io/docs/specs/otlp/#failures>. RESOURCE_EXHAUSTED is tried
    /// again even without RetryInfo: a load generator has no other place for its points.
    fn is_retryable(self) -> bool {
        matches!(self.0, 1 | 4 | 8 | 10 | 11 | 14 | 15)
    }
}

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The gateway has the points, save those rejected by partial success.
    Accepted {
        /// Points rejected.
        rejected: u64,
    },
    /// The gateway will never take them.
    Refused {
        /// What it said.
        cause: String,
    },
    /// The attempt failed and another one is allowed.
    Retry {
        /// What happened.
        cause: String,
        /// Pause that the gateway asked for.
        after: Option<Duration>,
    },
}

/// Tasks that drive connections.
#[derive(Debug, Default)]
pub(super) struct Drivers {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Drivers {
    fn drive<E>(&self, connection: impl Future<Output = Result<(), E>> + Send + 'static) {
        let stop = self.stop.clone();
        // How a connection ends shows in the requests on it.
        self.tasks
            .spawn(async move { stop.run_until_cancelled(connection).await.is_some() });
    }

    /// Closes all connections and waits for their tasks.
    pub(super) async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// A connection that is made when first needed and made anew after it broke. Clones share it.
#[derive(Clone)]
pub(super) struct Channel {
    endpoint: Arc<str>,
    signal: Signal,
    encoding: Encoding,
    drivers: Arc<Drivers>,
    sender: Sender,
}

#[derive(Clone)]
enum Sender {
    Grpc(Arc<Mutex<Option<http2::SendRequest<Full<Bytes>>>>>),
    Http(Arc<Mutex<Option<http1::SendRequest<Full<Bytes>>>>>),
}

#[derive(Debug, thiserror::Error)]
enum TransportError {
    #[error("cannot connect")]
    Connect(#[from] io::Error),
    #[error("connection failed")]
    Connection(#[from] hyper::Error),
    #[error("request cannot be built")]
    Request(#[from] http::Error),
    #[error("answer cannot be read")]
    Answer,
}

impl Channel {
    pub(super) fn new(options: &Options, signal: Signal, endpoint: &str, drivers: Arc<Drivers>) -> Self {
        let sender = match options.protocol {
            Protocol::OtlpGrpc => Sender::Grpc(Arc::default()),
            Protocol::OtlpHttp => Sender::Http(Arc::default()),
        };
        Self {
            endpoint: endpoint.into(),
            signal,
            encoding: options.encoding,
            drivers,
            sender,
        }
    }

    /// Returns the body of a request as it goes over the wire; that of the last time, if it was sent before.
    pub(super) fn encode(&self, request: &Request, compression: Compression) -> io::Result<Bytes> {
        if let Some(body) = request.sent.get() {
            return Ok(body.clone());
        }
        let body = self.encode_anew(request, compression)?;
        Ok(request.sent.get_or_init(|| body).clone())
    }

    fn encode_anew(&self, request: &Request, compression: Compression) -> io::Result<Bytes> {
        match (&self.sender, compression) {
            (Sender::Grpc(_), Compression::None) => Ok(request.as_grpc_message()),
            (Sender::Http(_), Compression::None) => Ok(request.as_request()),
            (Sender::Grpc(_), _) => {
                let mut body = vec![0; GRPC_HEADER];
                compression.compress(&request.as_request(), &mut body)?;
                let length = u32::try_from(body.len() - GRPC_HEADER).map_err(io::Error::other)?;
                body[0] = 1;
                body[1..GRPC_HEADER].copy_from_slice(&length.to_be_bytes());
                Ok(body.into())
            }
            (Sender::Http(_), _) => {
                let mut body = Vec::new();
                compression.compress(&request.as_request(), &mut body)?;
                Ok(body.into())
            }
        }
    }

    /// Closes all connections that share the drivers.
    pub(super) async fn close(&self) {
        self.drivers.close().await;
    }

    /// Sends one body once and reads the answer.
    pub(super) async fn send(&self, body: Bytes, compression: Compression) -> Answer {
        let answer = match &self.sender {
            Sender::Grpc(_) => self.send_grpc(body, compression).await,
            Sender::Http(_) => self.send_http(body, compression).await,
        };
        answer.unwrap_or_else(|error| Answer::Retry {
            cause: describe(&error),
            after: None,
        })
    }

    async fn send_grpc(&self, body: Bytes, compression: Compression) -> Result<Answer, TransportError> {
        let uri = format!("http://{}{}", self.endpoint, self.signal.grpc_path());
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::try_from(uri).map_err(http::Error::from)?;
        *request.version_mut() = Version::HTTP_2;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("te", HeaderValue::from_static("trailers"));
        headers.insert(USER_AGENT, AGENT);
        if let Some(name) = compression.name() {
            headers.insert("grpc-encoding", HeaderValue::from_static(name));
        }
        let response = self.http2().await?.send_request(request).await?;
        grpc_answer(response).await
    }

    async fn send_http(&self, body: Bytes, compression: Compression) -> Result<Answer, TransportError> {
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static(self.signal.http_path());
        let headers = request.headers_mut();
        headers.insert(
            HOST,
            HeaderValue::try_from(&*self.endpoint).map_err(http::Error::from)?,
        );
        let media_type = match self.encoding {
            Encoding::Proto => PROTOBUF,
            Encoding::Json => JSON,
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(USER_AGENT, AGENT);
        if let Some(name) = compression.name() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        let Sender::Http(slot) = &self.sender else {
            return Err(TransportError::Answer);
        };
        // The lock is held to the end of the answer: HTTP/1.1 carries one request at a time.
        let mut slot = slot.lock().await;
        let mut sender = match slot.take() {
            Some(sender) if !sender.is_closed() => sender,
            _ => {
                let (sender, connection) = http1::handshake(self.connect().await?).await?;
                self.drivers.drive(connection);
                sender
            }
        };
        sender.ready().await?;
        let response = sender.send_request(request).await?;
        let answer = http_answer(response).await?;
        *slot = Some(sender);
        Ok(answer)
    }

    async fn http2(&self) -> Result<http2::SendRequest<Full<Bytes>>, TransportError> {
        let Sender::Grpc(slot) = &self.sender else {
            return Err(TransportError::Answer);
        };
        let mut slot = slot.lock().await;
        if let Some(sender) = slot.as_ref().filter(|sender| !sender.is_closed()) {
            return Ok(sender.clone());
        }
        let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
            .handshake(self.connect().await?)
            .await?;
        self.drivers.drive(connection);
        sender.ready().await?;
        *slot = Some(sender.clone());
        Ok(sender)
    }

    async fn connect(&self) -> Result<TokioIo<TcpStream>, TransportError> {
        let stream = TcpStream::connect(&*self.endpoint).await?;
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(stream))
    }
}

async fn grpc_answer(response: http::Response<Incoming>) -> Result<Answer, TransportError> {
    let http_status = response.status();
    let headers = response.headers().clone();
    let body = Limited::new(response.into_body(), MAX_ANSWER);
    let body = body.collect().await.map_err(|_| TransportError::Answer)?;
    let code = |headers: &HeaderMap| headers.get("grpc-status")?.to_str().ok()?.parse().ok().map(Grpc);
    let text = |headers: &HeaderMap| Some(headers.get("grpc-message")?.to_str().ok()?.to_owned());
    let trailers = body.trailers().cloned().unwrap_or_default();
    let Some(code) = code(&trailers).or_else(|| code(&headers)) else {
        let cause = format!("HTTP {http_status} without grpc-status");
        return Ok(
            if http_status == StatusCode::OK || http_status.is_server_error() {
                Answer::Retry { cause, after: None }
            } else {
                Answer::Refused { cause }
            },
        );
    };
    if code == Grpc(0) {
        let body = body.to_bytes();
        return Ok(accepted(body.get(GRPC_HEADER..).unwrap_or_default()));
    }
    let message = text(&trailers).or_else(|| text(&headers)).unwrap_or_default();
    let cause = format!("gRPC status {}: {message}", code.0);
    Ok(if code.is_retryable() {
        Answer::Retry { cause, after: None }
    } else {
        Answer::Refused { cause }
    })
}

async fn http_answer(response: http::Response<Incoming>) -> Result<Answer, TransportError> {
    let status = response.status();
    let after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let media_type = response.headers().get(CONTENT_TYPE).cloned();
    let is = |name: &str| media_type.as_ref().is_some_and(|value| value == name);
    let body = Limited::new(response.into_body(), MAX_ANSWER);
    let body = body
        .collect()
        .await
        .map_err(|_| TransportError::Answer)?
        .to_bytes();
    let cause = format!("HTTP {status}");
    Ok(match status.as_u16() {
        200..=299 if is(PROTOBUF) => accepted(&body),
        200..=299 if is(JSON) => accepted_json(&body),
        200..=299 => Answer::Accepted { rejected: 0 },
        // Spec: OTLP 1.9, "Failures", retryable response codes.
        429 | 502..=504 => Answer::Retry {
            cause,
            after: after.map(Duration::from_secs),
        },
        _ => Answer::Refused { cause },
    })
}

/// Reads partial success out of the JSON form of an export response; an unreadable one rejects nothing.
fn accepted_json(response: &[u8]) -> Answer {
    let response: serde_json::Value = serde_json::from_slice(response).unwrap_or_default();
    let partial = &response["partialSuccess"];
    let counts = ["rejectedDataPoints", "rejectedSpans", "rejectedLogRecords"];
    // 64-bit numbers are texts in OTLP/JSON, and numbers are allowed.
    let count = |name| match &partial[name] {
        serde_json::Value::String(text) => text.parse().ok(),
        number => number.as_u64(),
    };
    Answer::Accepted {
        rejected: counts.into_iter().find_map(count).unwrap_or(0),
    }
}

/// Reads partial success out of an export response, which is alike for all signals; an unreadable one rejects nothing.
fn accepted(response: &[u8]) -> Answer {
    let response = ExportMetricsServiceResponse::decode(response).unwrap_or_default();
    let rejected = response
        .partial_success
        .map_or(0, |partial| partial.rejected_data_points);
    Answer::Accepted {
        rejected: u64::try_from(rejected).unwrap_or(0),
    }
}

/// Joins an error and its causes.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
