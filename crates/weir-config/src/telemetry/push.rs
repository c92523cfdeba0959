//! Where own telemetry is pushed to, and how it is gathered on the way.

use std::{path::PathBuf, time::Duration};

use serde::{Serialize, Serializer};
use weir_component::config::Secret;

use super::printed;

/// Where own telemetry is pushed to.
#[derive(Debug, Clone, PartialEq)]
pub enum Exporter {
    /// A server that speaks OTLP.
    Otlp(Otlp),
    /// Standard output, as OTLP/JSON, one request per line.
    Console,
}

impl Serialize for Exporter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Otlp(otlp) => printed::one(serializer, "otlp", otlp),
            Self::Console => printed::one(serializer, "console", &printed::NOTHING),
        }
    }
}

/// A server that speaks OTLP.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Otlp {
    /// How requests travel.
    pub protocol: Protocol,
    /// URL of the server; over HTTP, with the path of the signal. Its scheme says whether TLS is used.
    pub endpoint: String,
    /// Certificates that the server's must be signed by, PEM. Default: those of the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// Own certificate, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<PathBuf>,
    /// Key of the own certificate, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key: Option<PathBuf>,
    /// Coding of requests. Default: none.
    pub compression: Compression,
    /// Longest time for a request. Default: 10 s.
    #[serde(serialize_with = "printed::millis")]
    pub timeout: Duration,
    /// Headers of every request.
    pub headers: Vec<Header>,
    /// Which numbers are pushed; only of metrics. Default: cumulative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temporality_preference: Option<Temporality>,
}

/// How requests travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Protocol {
    /// As gRPC calls.
    #[serde(rename = "grpc")]
    Grpc,
    /// As HTTP requests.
    #[serde(rename = "http/protobuf")]
    Http,
}

/// Coding of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// As they are.
    None,
    /// gzip.
    Gzip,
}

/// A header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Secret,
}

/// Which numbers are pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Temporality {
    /// Totals since the start.
    Cumulative,
    /// What has come since the last push, of counters and histograms.
    Delta,
    /// As `delta`, but totals of what is counted elsewhere, such as CPU time.
    Lowmemory,
}

/// How records are gathered before they are pushed.
#[derive(Debug, Clone, PartialEq)]
pub enum Processor {
    /// Many at a time.
    Batch(Batch),
    /// Each at once, by itself.
    Simple(Exporter),
}

impl Serialize for Processor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Simple<'a> {
            exporter: &'a Exporter,
        }
        match self {
            Self::Batch(batch) => printed::one(serializer, "batch", batch),
            Self::Simple(exporter) => printed::one(serializer, "simple", &Simple { exporter }),
        }
    }
}

/// How many records are pushed at a time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Batch {
    /// How long records wait for others. Default: 5 s for spans, 1 s for log records.
    #[serde(serialize_with = "printed::millis")]
    pub schedule_delay: Duration,
    /// Longest time for a push. Default: 30 s.
    #[serde(serialize_with = "printed::millis")]
    pub export_timeout: Duration,
    /// Records that may wait; those beyond are dropped and counted. 1 to 1000000, default 2048.
    pub max_queue_size: usize,
    /// Records per push. 1 to `max_queue_size`, default 512.
    pub max_export_batch_size: usize,
    /// Where they go.
    pub exporter: Exporter,
}
