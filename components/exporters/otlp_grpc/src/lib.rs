//! `otlp_grpc` exporter: sends metrics, traces and logs to an OTLP/gRPC server.
//!
//! One call per delivery. A batch that nobody changed goes out as the bytes it came in as; merged batches are several such messages in
//! a row, which protobuf reads as one. The stack above a call, queue, books and retries, is [`weir_export`]'s, and what a status means
//! is told by the one table in `weir-component`; connections and framing are `weir-net`'s.
//!
//! Spec: OTLP 1.x, "OTLP/gRPC".

mod config;
mod exporter;

use weir_component::{ExporterFactory, Stability};

pub use config::Config;
pub use exporter::OtlpGrpc;

/// What a binary lists to offer this exporter.
pub const FACTORY: ExporterFactory =
    ExporterFactory::of::<OtlpGrpc>("otlp_grpc", Stability::Beta).aliases(&["otlp"]);
