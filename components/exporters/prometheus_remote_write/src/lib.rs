//! `prometheus_remote_write` exporter: sends metrics to a Prometheus-compatible server, by remote write 1.0 or 2.0.
//!
//! A delivery, read from the top (the stack above it, queue and books, is [`weir_export`]'s):
//!
//! 1. `encoder`: a merged batch becomes compressed requests, sorted into lanes by a hash of their series.
//! 2. `lane`: each lane sends its requests one after the other, so that a series is never in two requests in flight. Lanes run at
//!    the same time. What the receiver finds too large is cut in two and goes out in its place.
//! 3. `sender`: one attempt of one request, judged by its answer. Around it stand cutoff, retry and timeout.
//! 4. `tally`: what became of every data point, as the answer for the whole batch.
//!
//! `negotiation` remembers that a receiver does not know remote write 2.0. Translation itself, and what an answer means, is
//! `weir-prom`'s; connections are `weir-net`'s.

mod config;
mod delivery;
mod encoder;
mod exporter;
mod lane;
mod lookout;
mod markers;
mod metrics;
mod negotiation;
mod sender;
mod tally;

use weir_component::{ExporterFactory, Signal, Stability};

pub use config::{
    Config, Conflicts, ExportCreatedMetric, HttpBlock, ProtobufMessage, RemoteWriteQueue,
    ResourceConstantLabels, ResourceToTelemetry, Staleness, TargetInfo, TranslationStrategy, Wal,
};
pub use exporter::PrometheusRemoteWrite;
pub use tally::reason;

/// What a binary lists to offer this exporter.
pub const FACTORY: ExporterFactory =
    ExporterFactory::of::<PrometheusRemoteWrite>("prometheus_remote_write", Stability::Beta)
        .aliases(&["prometheusremotewrite"])
        .signals(&[Signal::Metrics]);
