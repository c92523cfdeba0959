//! One server that takes whatever a gateway sends: remote write 1.0 and 2.0, OTLP/gRPC and OTLP/HTTP, told apart by
//! path and headers, over HTTP/1.1 and HTTP/2 without TLS on one port.
//!
//! Counts everything; in [`Mode::Check`] also feeds a [`Checker`](crate::check::Checker). Can be slow, refuse or fall
//! silent on purpose. Stores nothing.

mod answer;
mod counts;
mod server;

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use counts::Counts;
pub use server::Sink;

/// How closely a sink looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Counts requests and bytes alone. Remote write 2.0 is counted as in `count`, since its answer needs the counts.
    /// For measuring throughput of 1.0, whose decompression would cost more than the gateway itself.
    Discard,
    /// Walks the structure and counts: cheap enough to stand beside a load.
    #[default]
    Count,
    /// Decodes everything and checks it against the specifications; traces and logs are counted alone.
    Check,
}

/// How a sink behaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// How closely to look.
    #[arg(long, value_enum, default_value = "count")]
    pub mode: Mode,
    /// Pause before each answer.
    #[arg(long, default_value = "0s", value_parser = crate::duration::parse)]
    #[serde(with = "crate::duration")]
    pub latency: Duration,
    /// Refuse every n-th request, unread; 0 refuses none.
    #[arg(long, default_value_t = 0)]
    pub error_every: u64,
    /// HTTP status of a refusal, 400 to 599; gRPC clients get the gRPC code that OTLP pairs with it.
    #[arg(long, default_value_t = 503)]
    pub error_status: u16,
    /// Never answer every n-th request, unread; 0 answers all.
    #[arg(long, default_value_t = 0)]
    pub hang_every: u64,
    /// Answer this many requests and none after them, as a backend that stops; without it all are answered.
    #[arg(long)]
    pub hang_after: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::Count,
            latency: Duration::ZERO,
            error_every: 0,
            error_status: 503,
            hang_every: 0,
            hang_after: None,
        }
    }
}
