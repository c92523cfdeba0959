//! One connection: its limits in time and its service.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, Version};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls_pki_types::CertificateDer;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::gather::GatherWrites;
use super::layers::Around;
use super::ping_guard::{PingGuard, PingPolicy};
use super::shared::{Answer, SharedService};
use super::write_timeout::WriteTimeout;
use crate::body::Body;
use crate::io::{Io, ReadAhead};

/// HTTP/2 receive window of a stream: 8 MiB, so that a batch of the usual size limit is sent without waiting for updates at
/// 10 ms of round trip and a gigabyte per second.
const STREAM_WINDOW: u32 = 8 << 20;

/// HTTP/2 receive window of a connection: 16 MiB bounds what all streams together may have in flight towards us.
const CONNECTION_WINDOW: u32 = 16 << 20;

/// Largest HTTP/2 frame that peers may send: a message that comes in one frame is not copied, and costs one header instead of dozens.
/// An announced frame reserves its room, so this is what a connection that sends nothing more can hold.
const MAX_FRAME: u32 = 1 << 20;

/// Largest header block of a request, in either version of HTTP.
const MAX_HEADER_BYTES: u32 = 64 << 10;

/// Time for the last answers of an HTTP/1 connection that is closed for idleness; nothing should be left.
const IDLE_GRACE: Duration = Duration::from_secs(1);

/// Time that a new connection has for its first request although the server is closing: the client could not know.
pub(super) const NEW_GRACE: Duration = Duration::from_secs(1);

/// A limit that never comes.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Who is at the other end of a connection. In the extensions of every request as `Arc<ConnectionInfo>`.
#[derive(Debug, Clone, Default)]
pub struct ConnectionInfo {
    /// Address of the peer; none on Unix sockets.
    pub peer: Option<SocketAddr>,
    /// What TLS knows of the peer; none in plaintext.
    pub tls: Option<PeerIdentity>,
}

/// What TLS knows of a client.
#[derive(Debug, Clone, Default)]
pub struct PeerIdentity {
    /// The verified certificate chain of the client, own certificate first; empty if it was not asked for one.
    pub certificates: Vec<CertificateDer<'static>>,
    /// The server name that the client asked for.
    pub server_name: Option<String>,
}

/// How connections are served. `None` means no limit.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) http2_only: bool,
    pub(super) keep_alive: bool,
    pub(super) header_timeout: Option<Duration>,
    pub(super) write_timeout: Option<Duration>,
    /// Without a request for this long, a connection is closed.
    pub(super) idle: Option<Duration>,
    /// Age at which a connection is asked to end, give or take 10 %.
    pub(super) age: Option<Duration>,
    /// Time that requests then have before the connection is cut.
    pub(super) age_grace: Option<Duration>,
    pub(super) ping_interval: Option<Duration>,
    pub(super) ping_timeout: Duration,
    /// How often clients may ping; `None`: as often as they like.
    pub(super) ping_policy: Option<PingPolicy>,
    pub(super) max_concurrent_streams: Option<u32>,
    /// Bytes to read ahead, at most; 0 reads directly.
    pub(super) read_buffer: usize,
    /// Bytes of answers that a stream may buffer; 0 for hyper's default.
    pub(super) write_buffer: usize,
    pub(super) around: Around,
}

/// Tasks of a server and the two signals that end them.
#[derive(Debug, Clone, Default)]
pub(super) struct Lifecycle {
    pub(super) tasks: TaskTracker,
    /// Connections finish what they have and close.
    pub(super) drain: CancellationToken,
    /// Connections are cut.
    pub(super) cut: CancellationToken,
}

/// Runs the tasks of HTTP/2 streams where shutdown waits for them.
#[derive(Debug, Clone)]
struct Tracked(TaskTracker);

impl<F> hyper::rt::Executor<F> for Tracked
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}

/// Serves one connection to its end.
pub(super) async fn serve(
    stream: Box<dyn Io>,
    info: ConnectionInfo,
    service: SharedService,
    settings: &Settings,
    lifecycle: &Lifecycle,
) {
    let activity = Arc::new(Activity::new());
    let service = ConnectionService {
        inner: service,
        around: settings.around.clone(),
        info: Arc::new(info),
        activity: Arc::clone(&activity),
        drain: lifecycle.drain.clone(),
    };
    let stream = WriteTimeout::new(stream, settings.write_timeout);
    let stream = PingGuard::new(stream, settings.ping_policy, &activity);
    let stream = ReadAhead::new(stream, settings.read_buffer);
    let stream = if settings.http2_only {
        stream.by_frame()
    } else {
        stream
    };
    let stream = GatherWrites::new(stream, settings.http2_only);
    let builder = settings.builder(lifecycle);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));

    let aged = settings
        .age
        .map_or(NEVER, |age| age.mul_f64(rand::random_range(0.9..=1.1)));
    let mut aged = pin!(tokio::time::sleep(aged));
    let mut idle = pin!(tokio::time::sleep(settings.idle.unwrap_or(NEVER)));
    let mut end = pin!(tokio::time::sleep(NEVER));
    let mut new = pin!(tokio::time::sleep(NEW_GRACE));
    // `draining`: is to close after its first request. `closing`: was told to close.
    let (mut draining, mut closing) = (false, false);
    loop {
        let grace = tokio::select! {
            biased;
            () = lifecycle.cut.cancelled() => return,
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(%error, "connection ended");
                }
                return;
            }
            // Requests begin while the connection is polled, just above.
            () = poll_fn(|_| activity.has_begun()), if draining && !closing => None,
            () = new.as_mut(), if draining && !closing => None,
            () = lifecycle.drain.cancelled(), if !draining && !closing => {
                draining = true;
                continue;
            }
            () = aged.as_mut(), if !closing => settings.age_grace,
            () = idle.as_mut(), if !closing => match activity.idle_since() {
                Some(since) if since.elapsed() >= settings.idle.unwrap_or(NEVER) => Some(IDLE_GRACE),
                since => {
                    idle.as_mut().reset(since.unwrap_or_else(Instant::now) + settings.idle.unwrap_or(NEVER));
                    continue;
                }
            },
            () = end.as_mut(), if closing => {
                tracing::debug!("connection cut: requests outlived its grace");
                return;
            }
        };
        closing = true;
        connection.as_mut().graceful_shutdown();
        end.as_mut().reset(Instant::now() + grace.unwrap_or(NEVER));
    }
}

impl Settings {
    fn builder(&self, lifecycle: &Lifecycle) -> auto::Builder<Tracked> {
        let mut builder = auto::Builder::new(Tracked(lifecycle.tasks.clone()));
        if self.http2_only {
            builder = builder.http2_only();
        }
        builder
            .http1()
            .timer(TokioTimer::new())
            .keep_alive(self.keep_alive)
            .max_buf_size(MAX_HEADER_BYTES as usize)
            // hyper counts from the end of the previous request, so the wait between requests must fit in.
            .header_read_timeout(
                self.header_timeout
                    .map(|timeout| timeout.max(self.idle.unwrap_or_default())),
            );
        let mut http2 = builder.http2();
        http2
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(MAX_FRAME)
            .max_header_list_size(MAX_HEADER_BYTES)
            .max_concurrent_streams(self.max_concurrent_streams)
            // Calls of gRPC have no use for it.
            .auto_date_header(!self.http2_only)
            .keep_alive_interval(self.ping_interval)
            .keep_alive_timeout(self.ping_timeout);
        if self.write_buffer > 0 {
            http2.max_send_buf_size(self.write_buffer);
        }
        builder
    }
}

/// Requests in flight on a connection, and since when there are none.
#[derive(Debug)]
pub(super) struct Activity {
    start: Instant,
    /// Requests that were answered.
    answers: AtomicU64,
    in_flight: AtomicUsize,
    /// Milliseconds after `start`, or [`BUSY`]. Written when the first of several requests begins and when the last one ends.
    idle_since: AtomicU64,
}

/// Says that a request is in flight, or has just ended.
const BUSY: u64 = u64::MAX;

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            answers: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            idle_since: AtomicU64::new(0),
        }
    }

    /// Returns since when no request is in flight, or `None` if there is one.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        if self.in_flight.load(Ordering::Acquire) > 0 {
            return None;
        }
        let since = self.idle_since.load(Ordering::Acquire);
        (since != BUSY).then(|| self.start + Duration::from_millis(since))
    }

    /// Is ready when there was a request.
    fn has_begun(&self) -> Poll<()> {
        if self.in_flight.load(Ordering::Acquire) > 0 || self.answers() > 0 {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Returns the number of requests that were answered.
    pub(super) fn answers(&self) -> u64 {
        self.answers.load(Ordering::Acquire)
    }

    pub(super) fn begin(self: &Arc<Self>) -> InFlight {
        if self.in_flight.fetch_add(1, Ordering::AcqRel) == 0 {
            self.idle_since.store(BUSY, Ordering::Release);
        }
        InFlight(Arc::clone(self))
    }
}

/// One request in flight, until dropped.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.answers.fetch_add(1, Ordering::AcqRel);
        if self.0.in_flight.fetch_sub(1, Ordering::AcqRel) == 1 {
            let now = u64::try_from(self.0.start.elapsed().as_millis()).unwrap_or(BUSY);
            self.0.idle_since.store(now, Ordering::Release);
        }
    }
}

/// The service of one connection: adds [`ConnectionInfo`] to requests and keeps count of them.
#[derive(Debug, Clone)]
struct ConnectionService {
    inner: SharedService,
    around: Around,
    info: Arc<ConnectionInfo>,
    activity: Arc<Activity>,
    drain: CancellationToken,
}

impl hyper::service::Service<Request<Incoming>> for ConnectionService {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, mut request: Request<Incoming>) -> Answering {
        let in_flight = self.activity.begin();
        request.extensions_mut().insert(Arc::clone(&self.info));
        // HTTP/2 has a frame for it.
        let says_so = request.version() <= Version::HTTP_11;
        Answering {
            answer: self.around.call(&self.inner, request),
            in_flight: Some(in_flight),
            drain: says_so.then(|| self.drain.clone()),
        }
    }
}

/// A request under way.
struct Answering {
    answer: Answer,
    /// Goes into the answer's body.
    in_flight: Option<InFlight>,
    /// Where answers say that the connection ends.
    drain: Option<CancellationToken>,
}

impl Future for Answering {
    type Output = Result<Response<AnswerBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut response = ready!(self.answer.as_mut().poll(cx))?;
        if self.drain.as_ref().is_some_and(CancellationToken::is_cancelled) {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        let in_flight = self.in_flight.take();
        Poll::Ready(Ok(response.map(|body| AnswerBody { body, in_flight })))
    }
}

/// The body of an answer; its request is in flight until the body is taken.
#[derive(Debug)]
struct AnswerBody {
    body: Body,
    in_flight: Option<InFlight>,
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if self.body.is_end_stream() {
            self.in_flight = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
