//! One batch to several steps at once.

use futures_util::future::join_all;
use weir_component::{Batch, ConsumeError, Consumer, Extent};

/// Makes one consumer of several: each gets the batch, at the same time, and the answer waits for all.
///
/// A slow branch delays the answer but not its siblings. With one target there is no fan-out and no cost.
pub fn fan_out(mut targets: Vec<Consumer>) -> Consumer {
    if targets.len() == 1 {
        return targets.remove(0);
    }
    Consumer::from_fn(move |batch: Batch| {
        let targets = targets.clone();
        async move { verdict(join_all(targets.iter().map(|target| target.consume(batch.clone()))).await) }
    })
}

/// Joins the branches' answers into one.
///
/// If a branch may succeed later the whole is retryable, even beside a branch that refused for good: sending again may double what
/// the good branches have, but giving up would lose what the others lack. Refusals of parts matter only when no branch refused all.
fn verdict(answers: Vec<Result<(), ConsumeError>>) -> Result<(), ConsumeError> {
    let rank = |error: &ConsumeError| match (error.extent(), error.is_retryable()) {
        (Extent::Part(_), _) => 0,
        (Extent::All, false) => 1,
        (Extent::All, true) => 2,
    };
    match answers.into_iter().filter_map(Result::err).max_by_key(rank) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}
