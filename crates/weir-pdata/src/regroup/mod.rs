//! Bringing records that belong together under one resource, without decoding them.
//!
//! [`Batch::regroup`](crate::Batch::regroup) moves attributes of data points, spans and log records to their resources, and merges what
//! is then equal: resources, their scopes, their metrics.
//!
//! ```
//! # use bytes::Bytes;
//! use weir_pdata::{Batch, Signal};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let request = Bytes::new();
//! let mut batch = Batch::from_wire(Signal::Logs, request)?;
//! let regrouped = batch.regroup(&["host.name".to_owned()])?;
//! println!("{} records now belong to {} resources", batch.items(), regrouped.resources);
//! # Ok(())
//! # }
//! ```
//!
//! # Rules
//!
//! - A record that has any of the keys loses these attributes, and belongs to a resource that is like its own but for them: they are
//!   added, or take the place of those with the same keys. Where a record repeats a key, which it must not, its first value counts.
//! - Equal are resources with the same attributes, in any order, and the same other fields, schema URL and such that OTLP does not know
//!   yet included; scopes likewise; metrics with the same name, unit, kind, temporality, monotonicity and metadata. Of metrics with
//!   different descriptions the first one's stays. Nothing else gets lost.
//! - Resources, scopes, metrics and records stand in the order in which their first record came.
//! - Resources, scopes and metrics without records are left out.
//! - A batch in which nothing moves, is merged or left out keeps its very bytes. Otherwise a record from which nothing was taken keeps
//!   its bytes.
//!
//! # Bounds
//!
//! What is kept while a batch is regrouped is in proportion to the batch. Resources that are repeated for many groups may add 256 MiB.
//!
//! # Why the result needs no check
//!
//! It is made of checked fields, none deeper than it was.

mod head;
mod tree;
mod walk;

pub(crate) use walk::regroup;

/// What a regrouping did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Regrouped {
    /// Records that had any of the keys.
    pub moved: usize,
    /// Resources that there are now.
    pub resources: usize,
}

#[cfg(test)]
mod tests;
