//! One batch to several steps at once.

use futures_util::future::join_all;
use weir_component::{Batch, Consumer, joined};

/// Makes one consumer of several: each gets the batch, at the same time, and the answer waits for all; see [`joined`] for which one
/// it is.
///
/// A slow branch delays the answer but not its siblings.
pub fn fan_out(targets: Vec<Consumer>) -> Consumer {
    Consumer::from_fn(move |batch: Batch| {
        let targets = targets.clone();
        async move { joined(join_all(targets.iter().map(|target| target.consume(batch.clone()))).await) }
    })
}
