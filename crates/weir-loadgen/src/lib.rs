//! Load for a telemetry gateway: OTLP with known totals in, sinks that count or check what comes out, and the rig
//! that measures the process in between.
//!
//! Owns the payloads, the senders, the sinks, the measurements and the self-checking demo. Knows no gateway: it
//! drives any process that speaks OTLP on one side and remote write or OTLP on the other, and so depends on the wire
//! types alone.
//!
//! - [`workload`]: requests with known totals, encoded once and patched in place.
//! - [`send`]: OTLP/gRPC and OTLP/HTTP senders, open or closed loop.
//! - [`sink`]: one server for remote write 1.0, 2.0, OTLP/gRPC and OTLP/HTTP.
//! - [`check`]: what the specifications demand of a request, and what the generator says must arrive.
//! - [`rig`]: starts a gateway, loads it, measures it, compares it with others.
//! - [`demo`]: every kind of metric through a gateway, compared with what arrives.

pub mod check;
pub mod codec;
pub mod count;
pub mod demo;
pub mod duration;
pub mod latency;
pub mod rig;
pub mod send;
pub mod sink;
pub mod wire;
pub mod workload;
