//! Senders of OTLP: lanes of one request in flight each, in closed loop (as fast as the gateway
//! acknowledges) or open loop (at a fixed rate, late or not).
//!
//! Knows the wire and what an acknowledgement is; knows nothing of what the requests hold.

mod client;
mod lane;
mod meter;
mod pace;
mod transport;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::codec::Compression;
use crate::workload::{LaneSource, Spec, SpecError, Totals, lanes};
pub use client::Client;
use lane::Lane;
pub use meter::{MAX_CAUSES, Meter, Reading};
use pace::Pace;
use transport::Channel;

/// Protocol that the load is sent with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// OTLP/gRPC over HTTP/2 without TLS.
    #[default]
    OtlpGrpc,
    /// OTLP/HTTP over HTTP/1.1.
    OtlpHttp,
}

/// How requests are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Protobuf.
    #[default]
    Proto,
    /// OTLP/JSON, over OTLP/HTTP alone. Values are the same in each request, so sinks can count but not compare them.
    Json,
}

/// How to send.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Protocol.
    #[arg(long, value_enum, default_value = "otlp-grpc")]
    pub protocol: Protocol,
    /// How requests are written.
    #[arg(long, value_enum, default_value = "proto")]
    pub encoding: Encoding,
    /// Compression of each request.
    #[arg(long, value_enum, default_value = "none")]
    pub compression: Compression,
    /// Send the first requests again and again, so that the load costs next to nothing beside the gateway: nothing is
    /// patched, nothing compressed anew. Times and values repeat, so sinks can count but not compare them.
    #[arg(long)]
    pub replay: bool,
    /// TCP connections, 1 to 1000.
    #[arg(long, default_value_t = 4)]
    pub connections: usize,
    /// Requests in flight per connection, 1 to 1000. HTTP/1.1 carries one, so OTLP/HTTP opens this many connections
    /// for each one asked for. A gateway that acknowledges a batch once it is delivered needs enough
    /// points in flight to fill one.
    #[arg(long, default_value_t = 8)]
    pub in_flight: usize,
    /// Points per second over all lanes (open loop); as fast as acknowledged (closed loop) where absent.
    #[arg(long)]
    pub rate: Option<f64>,
    /// Time for one attempt, connecting included.
    #[arg(long, default_value = "10s", value_parser = crate::duration::parse)]
    #[serde(with = "crate::duration")]
    pub timeout: Duration,
    /// Attempts per request, the first included. A request that fails them all counts as refused.
    #[arg(long, default_value_t = 5)]
    pub attempts: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            protocol: Protocol::default(),
            encoding: Encoding::default(),
            replay: false,
            compression: Compression::default(),
            connections: 4,
            in_flight: 8,
            rate: None,
            timeout: Duration::from_secs(10),
            attempts: 5,
        }
    }
}

/// When a load ends by itself. Without either bound it runs until it is stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, clap::Args)]
pub struct Limit {
    /// Points to send, rounded up to whole requests.
    #[arg(id = "count", long)]
    pub points: Option<u64>,
    /// Time to send for.
    #[arg(long, value_parser = crate::duration::parse)]
    pub time: Option<Duration>,
}

/// Why a load cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The workload is out of bounds.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// An option is out of bounds.
    #[error("{0}")]
    Options(&'static str),
    /// The thread that keeps the time of an open loop cannot be started.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
}

impl Options {
    /// Whether values move from request to request, so that a sink can compare what arrives with what must.
    pub fn moves_values(&self) -> bool {
        self.encoding == Encoding::Proto && !self.replay
    }

    /// Checks the bounds of each option.
    ///
    /// # Errors
    /// [`SendError::Options`] with the first option out of range.
    pub fn validate(&self) -> Result<(), SendError> {
        let found = match () {
            () if !(1..=1000).contains(&self.connections) => "connections must be 1 to 1000",
            () if !(1..=1000).contains(&self.in_flight) => "in_flight must be 1 to 1000",
            () if self.rate.is_some_and(|rate| !(rate > 0.0 && rate.is_finite())) => "rate must be above 0",
            () if self.timeout.is_zero() => "timeout must be above 0",
            () if self.attempts == 0 => "attempts must be at least 1",
            () if self.encoding == Encoding::Json && self.protocol != Protocol::OtlpHttp => {
                "encoding json needs protocol otlp_http"
            }
            () => return Ok(()),
        };
        Err(SendError::Options(found))
    }
}

/// What was sent, once a load has ended.
#[derive(Debug, Clone)]
pub struct SendReport {
    /// Time from the first request to the last acknowledgement.
    pub elapsed: Duration,
    /// Counters and latencies over the whole load.
    pub reading: Reading,
    /// What all requests together amount to.
    pub totals: Totals,
    /// Failed attempts by cause; at most [`MAX_CAUSES`] causes, the rest under `other`.
    pub failures: Vec<(String, u64)>,
}

impl SendReport {
    /// Whether each request was acknowledged in full, so that `totals` is what the gateway answers for.
    pub fn is_exact(&self) -> bool {
        self.reading.acknowledged == self.totals.points.total()
    }
}

/// A load that runs. Dropping it aborts its lanes.
#[derive(Debug)]
pub struct Load {
    meter: Arc<Meter>,
    began: Instant,
    /// Told to all lanes; each ends after the request it is at.
    stop: CancellationToken,
    /// One task per lane, each ends with its source.
    lanes: JoinSet<LaneSource>,
    /// Tasks that drive connections; they end with the lanes that hold the senders.
    connections: Arc<transport::Drivers>,
}

impl Load {
    /// Starts sending to `endpoint` (`host:port`).
    ///
    /// # Errors
    /// Options or workload out of bounds, or no thread for an open loop. Connections are made by the lanes: failures to connect are counted and tried
    /// again as any other failure.
    pub fn start(spec: &Spec, options: &Options, limit: Limit, endpoint: &str) -> Result<Self, SendError> {
        options.validate()?;
        let count = options.connections * options.in_flight;
        let meter = Arc::new(Meter::default());
        let stop = CancellationToken::new();
        let connections = Arc::new(transport::Drivers::default());
        let began = Instant::now();
        let budget = limit
            .points
            .map(|points| Arc::new(AtomicI64::new(i64::try_from(points).unwrap_or(i64::MAX))));
        let signal = spec.payload.signal();
        let new_channel = || Channel::new(options, signal, endpoint, connections.clone());
        let mut channel = new_channel();
        let shared = Arc::new(options.clone());
        let mut tasks = JoinSet::new();
        let paces = options
            .rate
            .map_or(Ok(Vec::new()), |rate| {
                Pace::of_lanes(rate, spec.points, count, began)
            })
            .map_err(SendError::Thread)?;
        let mut paces = paces.into_iter();
        for (index, source) in lanes(spec, count)?.into_iter().enumerate() {
            // HTTP/2 shares a connection among neighbours; HTTP/1.1 cannot.
            if index % options.in_flight == 0 || options.protocol == Protocol::OtlpHttp {
                channel = new_channel();
            }
            let source = match options.encoding {
                Encoding::Proto => source,
                Encoding::Json => source.into_json(),
            };
            let source = if options.replay {
                source.into_replay(lane::now())
            } else {
                source
            };
            let lane = Lane {
                source,
                client: Client {
                    channel: channel.clone(),
                    options: shared.clone(),
                    meter: meter.clone(),
                },
                pace: paces.next(),
                budget: budget.clone(),
                until: limit.time.map(|time| began + time),
                stop: stop.clone(),
            };
            tasks.spawn(lane.run());
        }
        Ok(Self {
            meter,
            began,
            stop,
            lanes: tasks,
            connections,
        })
    }

    /// Returns the counters, which move while the load runs.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Ends the load: no new request begins, those in flight are seen through with their retries.
    ///
    /// # Cancel safety
    /// Cancelling aborts the lanes; what they had in flight is then neither acknowledged nor refused.
    pub async fn stop(self) -> SendReport {
        self.stop.cancel();
        self.finish().await
    }

    /// Waits until the load ends by its [`Limit`].
    ///
    /// # Cancel safety
    /// Cancelling aborts the lanes; what they had in flight is then neither acknowledged nor refused.
    pub async fn finish(mut self) -> SendReport {
        let mut totals = Totals::default();
        while let Some(source) = self.lanes.join_next().await {
            // A lane has no way to panic; one that is lost takes its totals along, which the report then lacks.
            if let Ok(source) = source {
                totals += source.totals();
            }
        }
        let elapsed = self.began.elapsed();
        self.connections.close().await;
        SendReport {
            elapsed,
            reading: self.meter.read(),
            totals,
            failures: self.meter.failures(),
        }
    }
}
