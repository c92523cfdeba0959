//! The telemetry data model: what flows through a pipeline.
//!
//! A [`Batch`] is one signal's worth of OTLP data in one of two forms: the bytes of OTLP requests as they came off the socket
//! ([`wire`]), or decoded messages for those who edit freely. Readers do not care which: [`view`] shows both alike. [`rewrite`] changes
//! the bytes without decoding them, and [`regroup`] brings together what belongs together.
//!
//! This crate knows the structure of OTLP (opentelemetry-proto 1.10). It does not know transports, components or Prometheus.

mod batch;
mod budget;
mod context;
mod decoded;
mod digest;
pub mod json;
mod partial_success;
pub mod regroup;
pub mod rewrite;
#[cfg(test)]
mod sample;
mod signal;
#[cfg(test)]
mod transcript;
pub mod view;
pub mod wire;

pub use batch::{Batch, Payload, SignalMismatch};
pub use budget::{MemoryBudget, Permit};
pub use context::{Context, ContextParts, Identity, Metadata, Trace};
pub use decoded::{DecodeError, Decoded};
pub use digest::Digest;
pub use partial_success::PartialSuccess;
pub use signal::{Signal, UnknownSignal};
pub use wire::{WireChunk, WireError};
