//! One batch to several steps at once.

use std::time::Duration;

use futures_util::future::join_all;
use weir_component::{Batch, ConsumeError, Consumer, Extent, Retry};

/// Makes one consumer of several: each gets the batch, at the same time, and the answer waits for all.
///
/// A slow branch delays the answer but not its siblings.
pub fn fan_out(targets: Vec<Consumer>) -> Consumer {
    Consumer::from_fn(move |batch: Batch| {
        let targets = targets.clone();
        async move { verdict(join_all(targets.iter().map(|target| target.consume(batch.clone()))).await) }
    })
}

/// Joins the branches' answers into one.
///
/// If a branch may succeed later the whole is retryable, even beside a branch that refused for good: sending again may double what
/// the good branches have, but giving up would lose what the others lack. The longest delay counts. Refusals of parts matter only
/// when no branch refused all, and then the largest is told.
fn verdict(answers: Vec<Result<(), ConsumeError>>) -> Result<(), ConsumeError> {
    let rank = |error: &ConsumeError| match (error.extent(), error.retry()) {
        (Extent::Part(_), _) => (0, Duration::ZERO, error.refused_items(u64::MAX)),
        (Extent::All, Retry::Never) => (1, Duration::ZERO, 0),
        (Extent::All, Retry::Later) => (2, Duration::ZERO, 0),
        (Extent::All, Retry::After(delay)) => (2, delay, 0),
    };
    match answers.into_iter().filter_map(Result::err).max_by_key(rank) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}
