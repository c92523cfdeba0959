//! OTLP to Prometheus: names, labels, series, remote-write codecs.

pub mod float;
pub mod hash;
pub mod label;
pub mod name;
pub mod native;
pub mod outcome;
pub mod stale;

/// Version of the remote-write message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// Remote write 1.0, `prometheus.WriteRequest`.
    V1,
    /// Remote write 2.0, `io.prometheus.write.v2.Request`.
    V2,
}
