//! `otlp_http` exporter: sends metrics, traces and logs to an OTLP/HTTP server, as protobuf or JSON.
//!
//! A delivery, read from the top (the stack above it, queue and books, is [`weir_export`]'s):
//!
//! 1. `body`: the batch becomes one request body. As protobuf, a batch that nobody changed goes out as the bytes it came in as.
//! 2. `exporter`: cutoff, retry and timeout stand around each attempt to send it.
//! 3. `answer`: what the server's answer means, by the one table in `weir-component`.
//!
//! Connections, compression and proxies are `weir-net`'s. Spec: OTLP 1.x, "OTLP/HTTP".

mod answer;
mod body;
mod config;
mod exporter;

use weir_component::{ExporterFactory, Stability};

pub use body::Format;
pub use config::Config;
pub use exporter::OtlpHttp;

/// What a binary lists to offer this exporter.
pub const FACTORY: ExporterFactory =
    ExporterFactory::of::<OtlpHttp>("otlp_http", Stability::Beta).aliases(&["otlphttp"]);
