//! The way to where own telemetry is pushed.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::HeaderMap;
use http::uri::PathAndQuery;
use tokio::time::{Instant, sleep, timeout_at};
use weir_component::config::Validate;
use weir_component::{Code, ConsumeError, Context, Host, Retry, Signal, Violations};
use weir_config::telemetry::{Compression, Exporter, Otlp, Protocol};
use weir_net::client::{self, GrpcClient, GrpcClientError, HttpClient, Outgoing, ProxyEnvironment, Target};
use weir_net::compression::Encoding;
use weir_net::config::Headers;
use weir_net::grpc::{self, ClientCall};
use weir_net::status::retry_after;
use weir_net::tls::{TlsClient, TlsFiles};
use weir_pdata::{Decoded, PartialSuccess, json};
use weir_telemetry::logs::QUIET;
use weir_telemetry::{Def, Metrics};

use crate::App;

/// Pause before a push is tried again, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Time between two lines that say that pushes fail.
const SAY_AGAIN: Duration = Duration::from_secs(60);

const PUSHES: Def = Def::new(
    "weir_own_telemetry_pushes_total",
    "Requests with own telemetry that were pushed, by signal and outcome (success, failure), after all retries.",
)
.observed();
const DROPPED: Def = Def::new(
    "weir_own_telemetry_dropped_total",
    "Own spans and log records that were not pushed, by signal and reason (queue_full, push_failed, rejected).",
)
.observed();

/// What became of own telemetry, by signal.
#[derive(Debug, Default)]
pub(crate) struct Counts([SignalCounts; 3]);

#[derive(Debug, Default)]
struct SignalCounts {
    succeeded: AtomicU64,
    failed: AtomicU64,
    dropped: [AtomicU64; 3],
}

/// Why a record is not pushed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Loss {
    /// There was no room for it.
    QueueFull,
    /// It could not be delivered.
    PushFailed,
    /// The server took the others only.
    Rejected,
}

impl Counts {
    const LOSSES: [&str; 3] = ["queue_full", "push_failed", "rejected"];

    pub(super) fn lose(&self, signal: Signal, loss: Loss, items: u64) {
        self.0[signal as usize].dropped[loss as usize].fetch_add(items, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(super) fn lost(&self, signal: Signal, loss: Loss) -> u64 {
        self.0[signal as usize].dropped[loss as usize].load(Ordering::Relaxed)
    }

    pub(super) fn publish(&self, metrics: &Metrics) {
        for signal in Signal::ALL {
            let counts = &self.0[signal as usize];
            let outcomes = [("success", &counts.succeeded), ("failure", &counts.failed)];
            for (outcome, count) in outcomes {
                let labels = [("signal", signal.as_str()), ("outcome", outcome)];
                absolute(metrics, &PUSHES, &labels, count);
            }
            for (reason, count) in Self::LOSSES.iter().zip(&counts.dropped) {
                let labels = [("signal", signal.as_str()), ("reason", *reason)];
                absolute(metrics, &DROPPED, &labels, count);
            }
        }
    }
}

/// Shows a count, once there is something to count.
fn absolute(metrics: &Metrics, def: &Def, labels: weir_telemetry::Labels<'_>, count: &AtomicU64) {
    let count = count.load(Ordering::Relaxed);
    if count > 0 {
        metrics.counter(def, labels).absolute(count);
    }
}

/// Why there is no way to where own telemetry should be pushed.
#[derive(Debug, thiserror::Error)]
pub enum DestinationError {
    /// The endpoint, or a header.
    #[error("{0}")]
    Settings(String),
    /// The client for gRPC.
    #[error(transparent)]
    Grpc(#[from] GrpcClientError),
    /// The client for HTTP.
    #[error(transparent)]
    Http(#[from] client::ClientError),
    /// The URL.
    #[error(transparent)]
    Target(#[from] client::TargetError),
}

/// Where own telemetry of one signal is pushed.
#[derive(Debug)]
pub(super) struct Destination {
    signal: Signal,
    way: Way,
    /// Of one attempt.
    timeout: Duration,
    counts: Arc<Counts>,
    said: Mutex<Said>,
}

#[derive(Debug)]
enum Way {
    Grpc(grpc::Client, PathAndQuery),
    Http(client::Client, Target),
    Console,
}

/// What was last said about failures.
#[derive(Debug, Default)]
struct Said {
    at: Option<Instant>,
    /// Failures since, the one that was said left out.
    since: u64,
}

impl Destination {
    /// Sets up the client. Blocks on the file system for certificates, opens no connection.
    pub(super) fn new(app: &App, exporter: &Exporter, signal: Signal) -> Result<Self, DestinationError> {
        let user_agent = app.build_info().user_agent();
        let (way, timeout) = match exporter {
            Exporter::Console => (Way::Console, Duration::from_secs(10)),
            Exporter::Otlp(otlp) => (way(otlp, signal, &user_agent)?, otlp.timeout),
        };
        Ok(Self {
            signal,
            way,
            timeout,
            counts: Arc::clone(app.pushes()),
            said: Mutex::default(),
        })
    }

    /// Pushes a request, again and again until `limit` has passed if the server may take it later. Returns whether it was taken.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the push; the server may have got it.
    pub(super) async fn push(&self, request: Decoded, limit: Duration) -> bool {
        let (deadline, items) = (Instant::now() + limit, request.items() as u64);
        let counts = &self.counts.0[self.signal as usize];
        match self.try_until(&request, deadline).await {
            Ok(()) => {
                counts.succeeded.fetch_add(1, Ordering::Relaxed);
                self.say_success();
                true
            }
            Err(error) if error.is_partial() => {
                counts.succeeded.fetch_add(1, Ordering::Relaxed);
                self.counts
                    .lose(self.signal, Loss::Rejected, error.refused_items(items));
                self.say_failure(&error);
                true
            }
            Err(error) => {
                counts.failed.fetch_add(1, Ordering::Relaxed);
                self.say_failure(&error);
                false
            }
        }
    }

    async fn try_until(&self, request: &Decoded, deadline: Instant) -> Result<(), ConsumeError> {
        let message = match self.way {
            Way::Console => to_json(request),
            _ => request.to_bytes(),
        };
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match timeout_at(deadline, self.attempt(message.clone())).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error,
                Err(_) => return Err(ConsumeError::unavailable("not pushed in time")),
            };
            let wait = match error.retry() {
                Retry::Never => return Err(error),
                Retry::Later => pause,
                Retry::After(delay) => delay.max(pause),
            };
            if error.is_partial() || Instant::now() + wait >= deadline {
                return Err(error);
            }
            sleep(wait).await;
            pause = pause.saturating_mul(2);
        }
    }

    async fn attempt(&self, message: Bytes) -> Result<(), ConsumeError> {
        match &self.way {
            Way::Grpc(client, path) => {
                let call = ClientCall {
                    path: path.clone(),
                    message: vec![message],
                    metadata: HeaderMap::new(),
                    timeout: Some(self.timeout),
                    context: Context::default(),
                };
                let reply = client.unary(call).await?;
                partial(self.signal, &reply.message)
            }
            Way::Http(client, target) => {
                let post = Outgoing::post(target, "application/x-protobuf", message);
                let reply = client.send(post).await?;
                if reply.status.is_success() {
                    return partial(self.signal, &reply.body);
                }
                let code = Code::from_http(reply.status.as_u16());
                let error = ConsumeError::new(code, format!("server answered with {}", reply.status));
                Err(match retry_after(&reply.headers, SystemTime::now()) {
                    Some(delay) if code.is_retryable() => error.retry_after(delay),
                    _ => error,
                })
            }
            Way::Console => tokio::task::spawn_blocking(move || write(&message))
                .await
                .map_err(|error| ConsumeError::permanent("cannot write").caused_by(error))?
                .map_err(|error| ConsumeError::permanent("cannot write to standard output").caused_by(error)),
        }
    }

    fn say_success(&self) {
        let said = std::mem::take(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner));
        if said.at.is_some() {
            tracing::info!(target: QUIET, signal = %self.signal, "own telemetry is pushed again");
        }
    }

    fn say_failure(&self, error: &ConsumeError) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if said.at.is_some_and(|at| now.duration_since(at) < SAY_AGAIN) {
            said.since += 1;
            return;
        }
        let before = std::mem::replace(
            &mut *said,
            Said {
                at: Some(now),
                since: 0,
            },
        );
        drop(said);
        tracing::warn!(
            target: QUIET,
            signal = %self.signal,
            error = error as &dyn std::error::Error,
            unsaid = before.since,
            "own telemetry cannot be pushed"
        );
    }
}

fn way(otlp: &Otlp, signal: Signal, user_agent: &str) -> Result<Way, DestinationError> {
    let path = |path: &Option<std::path::PathBuf>| {
        path.as_ref()
            .map(|path| path.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let tls = TlsClient {
        files: TlsFiles {
            ca_file: path(&otlp.certificate),
            cert_file: path(&otlp.client_certificate),
            key_file: path(&otlp.client_key),
            ..TlsFiles::default()
        },
        ..TlsClient::default()
    };
    let headers = otlp.headers.iter();
    let headers = Headers::new(headers.map(|header| (header.name.clone(), header.value.expose())));
    let compression = weir_net::client::Compression(match otlp.compression {
        Compression::None => Encoding::Identity,
        Compression::Gzip => Encoding::Gzip,
    });
    // Own telemetry has no authenticator, and is not traced itself.
    let (host, environment) = (Host::default(), ProxyEnvironment::of_process());
    match otlp.protocol {
        Protocol::Grpc => {
            let client = GrpcClient {
                endpoint: otlp.endpoint.clone(),
                compression,
                tls,
                headers,
                ..GrpcClient::default()
            };
            valid(&client)?;
            let path = PathAndQuery::from_static(export_method(signal));
            Ok(Way::Grpc(client.build(&host, &environment, user_agent)?, path))
        }
        Protocol::Http => {
            let client = HttpClient {
                endpoint: otlp.endpoint.clone(),
                compression,
                tls,
                headers,
                timeout: otlp.timeout,
                ..HttpClient::default()
            };
            valid(&client)?;
            let target = Target::parse(&otlp.endpoint)?;
            Ok(Way::Http(client.build(&host, &environment, user_agent)?, target))
        }
    }
}

/// Checks the settings of a client, which were written for another one.
fn valid(client: &impl Validate) -> Result<(), DestinationError> {
    let mut found = Violations::default();
    client.validate(&mut found);
    match found.into_found().into_iter().next() {
        Some(violation) => Err(DestinationError::Settings(format!(
            "{}: {}",
            violation.path.join("::"),
            violation.message
        ))),
        None => Ok(()),
    }
}

/// Returns the path of the method that takes a signal.
const fn export_method(signal: Signal) -> &'static str {
    match signal {
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    }
}

/// Reads what a server says about what it took. A response that cannot be read is a success: the status has said so.
fn partial(signal: Signal, response: &[u8]) -> Result<(), ConsumeError> {
    match PartialSuccess::from_wire(signal, response) {
        Ok(PartialSuccess { rejected, message }) => weir_export::partial_success(rejected, &message),
        Err(_) => Ok(()),
    }
}

fn to_json(request: &Decoded) -> Bytes {
    let mut line = match request {
        Decoded::Metrics(request) => json::encode(request),
        Decoded::Traces(request) => json::encode(request),
        Decoded::Logs(request) => json::encode(request),
    };
    line.push(b'\n');
    line.into()
}

fn write(line: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line)?;
    stdout.flush()
}
