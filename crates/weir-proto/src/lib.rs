//! Message types on the wire: OTLP, Prometheus remote write 1.0 and 2.0, and the gRPC error model.
//!
//! Owns names and field numbers, nothing else: no validation, no conversion, no transport. The OTLP types come
//! from `opentelemetry-proto`; the others are generated from `proto/` by `cargo xtask codegen` and checked in.

/// OTLP messages by package: `collector` (requests and responses of each signal), `metrics`, `trace`, `logs`,
/// `common` and `resource`.
pub mod otlp {
    pub use opentelemetry_proto::tonic::{collector, common, logs, metrics, resource, trace};
}

/// Prometheus remote write.
pub mod prometheus {
    /// Remote write 1.0: package `prometheus`, request [`WriteRequest`](v1::WriteRequest).
    pub mod v1 {
        include!("generated/prometheus.rs");
    }

    /// Remote write 2.0: package `io.prometheus.write.v2`, request [`Request`](v2::Request).
    pub mod v2 {
        include!("generated/io.prometheus.write.v2.rs");
    }
}

/// The gRPC error model: package `google.rpc` and the well-known types that it needs.
pub mod rpc {
    include!("generated/google.rpc.rs");

    pub use prost_types::{Any, Duration};

    /// Type URL under which a [`RetryInfo`] stands in [`Status::details`].
    pub const RETRY_INFO_TYPE_URL: &str = "type.googleapis.com/google.rpc.RetryInfo";
}
