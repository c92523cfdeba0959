//! OTLP metrics to Prometheus remote write.
//!
//! Owns everything between a [`Batch`](weir_pdata::Batch) of metrics and the bytes of remote-write requests:
//! metric and label names, label sets, relabeling, histograms, staleness, exemplars, metadata, `target_info`, the two
//! protocol versions, and what a receiver's reply means. It does no I/O: connections, retries, queues and
//! compression headers are the exporter's.
//!
//! The entry point is [`Translator`]. It reads a batch once, in the form it has (wire bytes or messages), and
//! works in three steps:
//!
//! 1. collect: every point becomes a row of numbers. Each distinct attribute is translated once per batch;
//!    label orders are remembered by the keys that make them, whole lists from one metric to the next.
//! 2. group: rows of one series are found by a hash of their labels, put in order of time and rid of repeats.
//! 3. encode: rows become series, rules relabel them, series fill requests up to the limits, without messages in between. Requests are
//!    snappy blocks: those of 1.0, which repeat their labels over and over, are never written in full.

pub mod float;
pub mod hash;
pub mod label;
pub mod name;
pub mod native;
pub mod outcome;
pub mod sent;
pub mod stale;

mod collect;
mod compress;
mod drops;
mod encode;
mod family;
mod glob;
mod interner;
mod labels;
mod output;
mod relabel;
mod rows;
mod settings;
mod target_info;
mod translator;
mod wire;

pub use compress::{Compressor, TooLarge};
pub use drops::{DropReason, DropUnit, Drops};
pub use output::{EncodedRequest, Output, Requests};
pub use settings::{ResourceLabels, Settings, SettingsError};
pub use translator::Translator;

/// Version of the remote-write message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// Remote write 1.0, `prometheus.WriteRequest`.
    V1,
    /// Remote write 2.0, `io.prometheus.write.v2.Request`.
    V2,
}

impl Protocol {
    /// Returns the value of the `Content-Type` header.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::V1 => "application/x-protobuf",
            Self::V2 => "application/x-protobuf;proto=io.prometheus.write.v2.Request",
        }
    }

    /// Returns the value of the `X-Prometheus-Remote-Write-Version` header.
    #[must_use]
    pub fn version_header(self) -> &'static str {
        match self {
            Self::V1 => "0.1.0",
            Self::V2 => "2.0.0",
        }
    }
}
