//! The built program between real applications and real stores.
//!
//! Owns what the tests under `tests/` share: the gateway as a process, the stores it writes to, applications on
//! the official OpenTelemetry SDKs, and what those applications' measurements must look like in a store. Nothing
//! of the gateway is linked in: what is expected is stated here a second time, from the specifications. (The one test that links something,
//! the engine of relabeling, holds it against Prometheus.)
//!
//! `cargo xtask test` provides the servers, the SDKs and the program. Every server listens on loopback, keeps its
//! data in a folder that ends with it, and is killed when its handle is dropped, so a failing test leaves nothing.

pub mod application;
pub mod difference;
pub mod expected;
pub mod exposition;
pub mod gateway;
pub mod http;
pub mod influxdb;
pub mod installed;
pub mod otlp;
pub mod ports;
pub mod process;
pub mod prometheus;
pub mod samples;
pub mod series;
pub mod sink;
pub mod victoria_metrics;
pub mod wait;
