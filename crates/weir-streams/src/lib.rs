//! What processors that remember streams of metrics have in common: who a stream is, where its state is kept, how histograms add up.
//!
//! - [`Identity`] makes a [`StreamId`] of a point: 128 bits over resource, scope, metric and attributes, in whatever order these come.
//! - [`Shards`] keeps one value per stream, in tables that several cores use at once, within a [`Budget`] of streams and bytes.
//! - [`Watch`] tells which streams have gone silent, and which have several writers.
//! - [`ExplicitHistogram`] and [`ExponentialHistogram`] are owned histograms that can be added to each other.
//!
//! This crate does no I/O, keeps no clock and knows neither components nor Prometheus.

mod budget;
mod histogram;
mod identity;
mod number;
mod shards;
mod table;
mod watch;

pub use budget::{Budget, Full, Limits};
pub use histogram::explicit::{BoundsDiffer, ExplicitHistogram};
pub use histogram::exponential::{Buckets, ExponentialHistogram, MAX_BUCKETS};
pub use histogram::{Extremes, Invalid, Overflow};
pub use identity::{Identity, StreamId};
pub use number::add;
pub use shards::{SHARDS, Shards, Walk};
pub use table::{Entry, PAGE, Slot, StreamTable, Weigh};
pub use watch::{Ended, Fate, Name, Rhythm, Said, Seen, Sighting, Silence, Watch, WatchRules};
