//! Tables that several cores use at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Budget, Limits, StreamId, StreamTable, Weigh};

/// Number of tables. Part of the stored form of whoever stores pages of them: it does not change.
///
/// Few enough that a batch brings several points to each (whose look-ups then overlap in memory), many enough that cores do not wait for
/// each other and that growing one of them is short: at a million streams about half a millisecond.
pub const SHARDS: usize = 32;

/// Tables of streams, each under its own lock, with one budget. `S` is what a shard has beside its table.
#[derive(Debug)]
pub struct Shards<V, S = ()> {
    shards: Box<[Mutex<Shard<V, S>>]>,
    budget: Arc<Budget>,
}

/// One table and what belongs to it.
#[derive(Debug)]
struct Shard<V, S> {
    table: StreamTable<V>,
    side: S,
}

impl<V: Weigh, S: Default> Shards<V, S> {
    /// Makes empty tables.
    pub fn new(limits: Limits) -> Self {
        Self::sharing(Arc::new(Budget::new(limits)))
    }

    /// Makes empty tables that count against a budget together with others.
    pub fn sharing(budget: Arc<Budget>) -> Self {
        let shard = || {
            Mutex::new(Shard {
                table: StreamTable::new(Arc::clone(&budget)),
                side: S::default(),
            })
        };
        Self {
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
            budget,
        }
    }
}

impl<V, S> Shards<V, S> {
    /// Returns what the tables take.
    pub const fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Returns the shard of a stream, below [`SHARDS`].
    #[inline]
    pub const fn shard_of(id: StreamId) -> usize {
        (id.shard_bits() >> (u64::BITS - SHARDS.trailing_zeros())) as usize
    }

    /// Uses one shard alone.
    pub fn with<R>(&self, shard: usize, use_it: impl FnOnce(&mut StreamTable<V>, &mut S) -> R) -> R {
        let mut shard = lock(&self.shards[shard]);
        let Shard { table, side } = &mut *shard;
        use_it(table, side)
    }

    /// Begins a walk over all shards, see [`Walk`]. `first` runs while no other walk can begin: what it returns, for example a number,
    /// is in the order of walks.
    pub fn walk<R>(&self, first: impl FnOnce() -> R) -> (Walk<'_, V, S>, R) {
        let guard = lock(&self.shards[0]);
        let order = first();
        let walk = Walk {
            shards: &self.shards,
            at: 0,
            guard: Some(guard),
        };
        (walk, order)
    }
}

fn lock<V, S>(shard: &Mutex<Shard<V, S>>) -> MutexGuard<'_, Shard<V, S>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A walk over all shards in order that no other walk overtakes: each takes the next lock before it lets go of the last one. So what
/// two walks do happens in the same order on all shards, and yet both work at the same time, one behind the other.
///
/// Locks are held for what is done to one shard; do nothing that waits.
#[derive(Debug)]
pub struct Walk<'a, V, S> {
    shards: &'a [Mutex<Shard<V, S>>],
    at: usize,
    guard: Option<MutexGuard<'a, Shard<V, S>>>,
}

impl<V, S> Walk<'_, V, S> {
    /// Uses the next shard. Returns `None` after the last.
    pub fn next<R>(&mut self, use_it: impl FnOnce(usize, &mut StreamTable<V>, &mut S) -> R) -> Option<R> {
        let guard = self.guard.as_mut()?;
        let Shard { table, side } = &mut **guard;
        let result = use_it(self.at, table, side);
        self.at += 1;
        let next = self.shards.get(self.at).map(lock);
        self.guard = next;
        Some(result)
    }
}

#[cfg(test)]
mod tests;
