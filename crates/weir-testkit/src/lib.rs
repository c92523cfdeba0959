//! What the tests of components have in common.
//!
//! - [`batches`]: batches with known content.
//! - [`MemoryStorage`]: a storage whose owner can be crashed at any commit.
//! - [`Sink`]: the step behind the one under test; records, refuses and holds on demand.
//! - [`Bench`]: one component between counted edges, so that a test can ask whether the books balance.
//! - [`contract`]: what every component must do, as functions that a component's tests call.
//! - [`golden`]: configurations with the reports that they deserve beside them.
//! - [`json_schema`]: a judge of JSON Schemas.
//! - [`points`]: sums whose points say of which stream they are, and reading them back.
//! - [`remote_write`]: a loopback server that answers as a test tells it.
//!
//! A dependency of tests only. It panics where a test should fail, with a message that says what was expected.

pub mod batches;
mod bench;
pub mod contract;
pub mod golden;
pub mod json_schema;
pub mod points;
pub mod remote_write;
mod sink;
mod storage;

pub use bench::Bench;
pub use sink::Sink;
pub use storage::{MemoryStorage, NoOptions};
