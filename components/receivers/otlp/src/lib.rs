//! `otlp` receiver: takes metrics, traces and logs by OTLP over gRPC and HTTP.
//!
//! Owns the protocol: paths, media types, limits, answers. A request becomes a batch of checked bytes without being decoded
//! (OTLP/JSON is decoded, there is no other way), and is answered when the pipelines say that it is safe.
//!
//! Spec: OTLP 1.10, "OTLP/gRPC" and "OTLP/HTTP".

mod answer;
mod config;
mod grpc;
mod http;
mod ingest;
mod receiver;
mod under_way;

pub use config::{Config, GrpcProtocol, HttpProtocol, Protocols};

use weir_component::{ReceiverFactory, Stability};

/// What a binary lists to offer this receiver.
pub const FACTORY: ReceiverFactory = ReceiverFactory::of::<receiver::OtlpReceiver>("otlp", Stability::Stable);

#[cfg(test)]
mod tests;
