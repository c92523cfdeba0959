//! A remote-write server of our own: keeps what it is sent and answers as a test wants.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};
use weir_proto::prometheus::{v1, v2};

use crate::series::Labels;

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// Headers.
    pub headers: HeaderMap,
    /// Message, decompressed and decoded.
    pub message: Written,
    /// What the sink answered.
    pub status: StatusCode,
}

/// The message of a request.
#[derive(Debug, Clone)]
pub enum Written {
    /// Remote write 1.0.
    V1(v1::WriteRequest),
    /// Remote write 2.0.
    V2(v2::Request),
}

/// One float sample with its labels.
pub type Sample = (Labels, i64, f64);

impl Written {
    /// Every float sample.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        match self {
            Self::V1(request) => {
                let of = |series: &v1::TimeSeries| {
                    let labels: Labels = series
                        .labels
                        .iter()
                        .map(|label| (label.name.clone(), label.value.clone()))
                        .collect();
                    let samples = series.samples.iter();
                    samples
                        .map(|sample| (labels.clone(), sample.timestamp, sample.value))
                        .collect::<Vec<_>>()
                };
                request.timeseries.iter().flat_map(of).collect()
            }
            Self::V2(request) => {
                let of = |series: &v2::TimeSeries| {
                    let labels = resolve(&request.symbols, &series.labels_refs);
                    let samples = series.samples.iter();
                    samples
                        .map(|sample| (labels.clone(), sample.timestamp, sample.value))
                        .collect::<Vec<_>>()
                };
                request.timeseries.iter().flat_map(of).collect()
            }
        }
    }
}

/// Labels that a list of references into a symbol table stands for.
///
/// # Panics
///
/// A reference points outside of the table.
#[must_use]
pub fn resolve(symbols: &[String], references: &[u32]) -> Labels {
    let symbol = |reference: u32| symbols[reference as usize].clone();
    references
        .chunks_exact(2)
        .map(|pair| (symbol(pair[0]), symbol(pair[1])))
        .collect()
}

/// Decides the answer to a request.
type Policy = dyn Fn(&Written) -> StatusCode + Send + Sync;

/// A running sink. Stops when dropped.
#[derive(Debug)]
pub struct Sink {
    port: u16,
    received: Arc<Mutex<Vec<Received>>>,
    _stop: DropGuard,
}

impl Sink {
    /// Starts a sink that accepts everything.
    ///
    /// # Errors
    ///
    /// No port can be opened.
    pub async fn accepting() -> Result<Self> {
        Self::start(|_| StatusCode::NO_CONTENT).await
    }

    /// Starts a sink that answers as `policy` says.
    ///
    /// # Errors
    ///
    /// No port can be opened.
    pub async fn start(policy: impl Fn(&Written) -> StatusCode + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let received = Arc::default();
        let stop = CancellationToken::new();
        let server = serve(listener, Arc::clone(&received), Arc::new(policy), stop.clone());
        // A thread and a runtime of its own: the sink answers while a test blocks, and ends with its handle.
        std::thread::Builder::new().name("sink".into()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be built").block_on(server);
        })?;
        Ok(Self {
            port,
            received,
            _stop: stop.drop_guard(),
        })
    }

    /// Where to send remote write.
    #[must_use]
    pub fn write_url(&self) -> String {
        format!("http://127.0.0.1:{}/api/v1/write", self.port)
    }

    /// What has arrived so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        lock(&self.received).clone()
    }

    /// Float samples of the requests that were accepted so far, in order of arrival.
    #[must_use]
    pub fn accepted_samples(&self) -> Vec<Sample> {
        let received = lock(&self.received);
        let accepted = received.iter().filter(|request| request.status.is_success());
        accepted.flat_map(|request| request.message.samples()).collect()
    }
}

fn lock(received: &Mutex<Vec<Received>>) -> MutexGuard<'_, Vec<Received>> {
    received.lock().expect("nothing panics under this lock")
}

async fn serve(
    listener: TcpListener,
    received: Arc<Mutex<Vec<Received>>>,
    policy: Arc<Policy>,
    stop: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _peer)) = accepted else { return };
        let (received, policy) = (Arc::clone(&received), Arc::clone(&policy));
        connections.spawn(async move {
            let answer = service_fn(move |request| {
                let (received, policy) = (Arc::clone(&received), Arc::clone(&policy));
                async move { Ok::<_, Infallible>(answer(request, &received, &*policy).await) }
            });
            // A peer that goes away is no matter of ours.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    received: &Mutex<Vec<Received>>,
    policy: &Policy,
) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let message = match read(&parts.headers, body).await {
        Ok(message) => message,
        Err(error) => return reply(StatusCode::BAD_REQUEST, format!("{error:#}")),
    };
    let status = policy(&message);
    let mut response = reply(status, String::new());
    if let (Written::V2(request), true) = (&message, status.is_success()) {
        for (name, count) in written(request) {
            let name = HeaderName::from_static(name);
            response.headers_mut().insert(name, count.into());
        }
    }
    lock(received).push(Received {
        headers: parts.headers,
        message,
        status,
    });
    response
}

fn reply(status: StatusCode, said: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(said)));
    *response.status_mut() = status;
    response
}

/// What was written, as remote write 2.0 answers it.
fn written(request: &v2::Request) -> [(&'static str, usize); 3] {
    let count = |of: fn(&v2::TimeSeries) -> usize| request.timeseries.iter().map(of).sum();
    [
        (
            "x-prometheus-remote-write-samples-written",
            count(|series| series.samples.len()),
        ),
        (
            "x-prometheus-remote-write-histograms-written",
            count(|series| series.histograms.len()),
        ),
        (
            "x-prometheus-remote-write-exemplars-written",
            count(|series| series.exemplars.len()),
        ),
    ]
}

async fn read(headers: &HeaderMap, body: Incoming) -> Result<Written> {
    let body = Limited::new(body, 64 << 20).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
    let raw = snap::raw::Decoder::new()
        .decompress_vec(&body)
        .context("the body is no snappy block")?;
    let kind = headers.get("content-type").context("no content type")?.to_str()?;
    if kind == "application/x-protobuf;proto=io.prometheus.write.v2.Request" {
        return Ok(Written::V2(v2::Request::decode(raw.as_slice())?));
    }
    Ok(Written::V1(v1::WriteRequest::decode(raw.as_slice())?))
}
