//! The server: accept, read, count, check, answer.

use std::borrow::Cow;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::{Body, Kind, accepted, refused};
use super::{Counts, Mode, Options};
use crate::check::{Checker, Findings, RemoteWrite};
use crate::codec::{Compression, decompress_snappy, from_json};
use crate::count::{Signal, Written, count_items, count_write_v1, count_write_v2};

/// Largest body read, and largest body after decompression.
const MAX_BODY: usize = 128 << 20;
/// HTTP/2 windows wide enough for a large batch in flight.
const STREAM_WINDOW: u32 = 8 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
/// Time that requests in flight get when the sink stops.
const STOP_TIME: Duration = Duration::from_secs(1);
/// Pause after a failed accept, which mostly means too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A running sink. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

#[derive(Debug)]
struct Shared {
    options: Options,
    status: StatusCode,
    received: AtomicU64,
    counts: Mutex<Counts>,
    /// Used in [`Mode::Check`] alone.
    checker: Mutex<Checker>,
    /// Ends the accept loop and every connection.
    stop: CancellationToken,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

impl Sink {
    /// Listens on `listen`; port 0 picks a free one.
    ///
    /// # Errors
    /// When the address cannot be bound, or `error_status` is no status of refusal.
    pub async fn start(listen: SocketAddr, options: Options) -> io::Result<Self> {
        let status = StatusCode::from_u16(options.error_status)
            .ok()
            .filter(|status| status.is_client_error() || status.is_server_error())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "error_status must be 400 to 599"))?;
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            options,
            status,
            received: AtomicU64::new(0),
            counts: Mutex::default(),
            checker: Mutex::default(),
            stop: CancellationToken::new(),
        });
        let tasks = TaskTracker::new();
        tasks.spawn(accept(listener, shared.clone(), tasks.clone()));
        Ok(Self {
            address,
            shared,
            tasks,
        })
    }

    /// Returns the address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL for remote write.
    pub fn remote_write_url(&self) -> String {
        format!("http://{}/api/v1/write", self.address)
    }

    /// Returns the counters of this moment.
    pub fn counts(&self) -> Counts {
        *lock(&self.shared.counts)
    }

    /// Returns what was found so far; nothing in [`Mode::Count`].
    pub fn findings(&self) -> Findings {
        lock(&self.shared.checker).findings()
    }

    /// Calls `read` with the checker, without copying what it remembers.
    pub fn with_checker<T>(&self, read: impl FnOnce(&Checker) -> T) -> T {
        read(&lock(&self.shared.checker))
    }

    /// Stops listening and waits for requests in flight, a second at most.
    ///
    /// # Cancel safety
    /// Cancelling leaves the sink stopping without being waited for.
    pub async fn stop(&self) {
        self.shared.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tasks: TaskTracker) {
    while let Some(accepted) = shared.stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                tasks.spawn(serve(stream, shared.clone()));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Without it answers wait for the peer's delayed acknowledgement; a socket that refuses is about to fail anyway.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http2()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    let stop = shared.stop.clone();
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move { shared.handle(request).await }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // How a connection ends is the peer's affair: what it sent is counted, what it did not send is missed in totals.
    tokio::select! {
        _ = &mut connection => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            drop(tokio::time::timeout(STOP_TIME, connection).await);
        }
    }
}

impl Shared {
    async fn handle(&self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let (parts, body) = request.into_parts();
        let kind = kind_of(parts.uri.path(), &parts.headers);
        if parts.method != Method::POST {
            return Ok(refused(
                kind,
                StatusCode::METHOD_NOT_ALLOWED,
                "only POST is served",
            ));
        }
        let number = self.received.fetch_add(1, Ordering::Relaxed) + 1;
        let every = |n: u64| n > 0 && number.is_multiple_of(n);
        let stopped = self.options.hang_after.is_some_and(|answered| number > answered);
        if stopped || every(self.options.hang_every) {
            lock(&self.counts).injected += 1;
            self.stop.cancelled().await;
            return Ok(refused(kind, StatusCode::SERVICE_UNAVAILABLE, "stopped"));
        }
        let collected = Limited::new(body, MAX_BODY).collect().await;
        if !self.options.latency.is_zero() {
            tokio::time::sleep(self.options.latency).await;
        }
        if every(self.options.error_every) {
            lock(&self.counts).injected += 1;
            return Ok(refused(kind, self.status, "injected"));
        }
        // A body cut off is not counted: the peer never got an answer for it.
        let Ok(body) = collected else {
            return Ok(refused(
                kind,
                StatusCode::PAYLOAD_TOO_LARGE,
                "body cannot be read",
            ));
        };
        let body = body.to_bytes();
        Ok(match self.take(kind, &parts.headers, &body) {
            Some(written) => accepted(kind, &written),
            None => {
                lock(&self.counts).damaged += 1;
                refused(kind, StatusCode::BAD_REQUEST, "body is damaged")
            }
        })
    }

    /// Counts one body, and checks it if asked to; none if it cannot be read.
    fn take(&self, kind: Kind, headers: &HeaderMap, body: &Bytes) -> Option<Written> {
        let checks = self.options.mode == Mode::Check;
        if self.options.mode == Mode::Discard && kind != Kind::RemoteWrite(RemoteWrite::V2) {
            let mut counts = lock(&self.counts);
            counts.requests += 1;
            counts.bytes += body.len() as u64;
            return Some(Written::default());
        }
        if let (Kind::RemoteWrite(version), true) = (kind, checks) {
            lock(&self.checker).remote_write_envelope(version, headers, body);
        }
        let decoded = match decompress(kind, headers, body) {
            Ok(decoded) => decoded,
            Err(error) => {
                if checks {
                    lock(&self.checker).undecodable(error.to_string());
                }
                return None;
            }
        };
        let decoded = &*decoded;
        let (points, written) = match kind {
            Kind::OtlpGrpc(signal) | Kind::OtlpHttp(signal) | Kind::OtlpJson(signal) => {
                (count_items(signal, decoded).ok()?, Written::default())
            }
            Kind::RemoteWrite(RemoteWrite::V1) => (Default::default(), count_write_v1(decoded).ok()?),
            Kind::RemoteWrite(RemoteWrite::V2) => (Default::default(), count_write_v2(decoded).ok()?),
        };
        if checks {
            let mut checker = lock(&self.checker);
            match kind {
                Kind::OtlpGrpc(signal) | Kind::OtlpHttp(signal) | Kind::OtlpJson(signal) => {
                    if signal == Signal::Metrics {
                        checker.otlp(decoded);
                    }
                }
                Kind::RemoteWrite(version) => checker.remote_write(version, decoded),
            }
        }
        let mut counts = lock(&self.counts);
        counts.requests += 1;
        counts.v2_requests += u64::from(kind == Kind::RemoteWrite(RemoteWrite::V2));
        counts.bytes += body.len() as u64;
        counts.decompressed_bytes += decoded.len() as u64;
        counts.points += points;
        counts.written += written;
        Some(written)
    }
}

fn kind_of(path: &str, headers: &HeaderMap) -> Kind {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if content_type.starts_with("application/grpc") {
        Kind::OtlpGrpc(Signal::of_path(path).unwrap_or_default())
    } else if let Some(signal) = Signal::of_path(path) {
        if content_type.starts_with("application/json") {
            Kind::OtlpJson(signal)
        } else {
            Kind::OtlpHttp(signal)
        }
    } else {
        Kind::RemoteWrite(RemoteWrite::of(headers))
    }
}

/// Returns the protobuf message inside a body.
fn decompress<'a>(kind: Kind, headers: &HeaderMap, body: &'a [u8]) -> io::Result<Cow<'a, [u8]>> {
    let named = |name| {
        let name = headers
            .get(name)
            .and_then(|value: &http::HeaderValue| value.to_str().ok())
            .unwrap_or_default();
        Compression::of(name).ok_or_else(|| io::Error::other("unknown compression"))
    };
    let (compression, message) = match kind {
        Kind::RemoteWrite(_) => return decompress_snappy(body, MAX_BODY).map(Cow::Owned),
        Kind::OtlpHttp(_) | Kind::OtlpJson(_) => (named(CONTENT_ENCODING.as_str())?, body),
        Kind::OtlpGrpc(_) => {
            // One message per call: flag, length, message.
            let (header, message) = body
                .split_first_chunk::<5>()
                .ok_or(io::ErrorKind::UnexpectedEof)?;
            let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
            if length != message.len() {
                return Err(io::Error::other("gRPC message length is wrong"));
            }
            (
                if header[0] == 0 {
                    Compression::None
                } else {
                    named("grpc-encoding")?
                },
                message,
            )
        }
    };
    let message = match compression {
        Compression::None => Cow::Borrowed(message),
        compression => Cow::Owned(compression.decompress(message, MAX_BODY)?),
    };
    match kind {
        Kind::OtlpJson(signal) => from_json(signal, &message).map(Cow::Owned),
        _ => Ok(message),
    }
}
