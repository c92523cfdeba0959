//! The budget of bytes in flight.
//!
//! One budget bounds what a process holds: a [`Permit`] is taken before a request's body is read, travels with the [`Batch`](crate::Batch)
//! and returns its bytes when the last part of the batch is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A bounded number of bytes that may be in flight. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryBudget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limit: AtomicU64,
    used: AtomicU64,
    refused: AtomicU64,
}

impl MemoryBudget {
    /// Creates a budget of `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self {
            shared: Arc::new(Shared {
                limit: AtomicU64::new(limit),
                used: AtomicU64::new(0),
                refused: AtomicU64::new(0),
            }),
        }
    }

    /// Creates a budget that never refuses but still counts.
    pub fn unlimited() -> Self {
        Self::new(u64::MAX)
    }

    /// Changes the limit. Permits already out stay out.
    pub fn set_limit(&self, limit: u64) {
        self.shared.limit.store(limit, Ordering::Relaxed);
    }

    /// Returns the limit in bytes; `u64::MAX` when unlimited.
    pub fn limit(&self) -> u64 {
        self.shared.limit.load(Ordering::Relaxed)
    }

    /// Returns the bytes now taken.
    pub fn used(&self) -> u64 {
        self.shared.used.load(Ordering::Relaxed)
    }

    /// Returns how often a permit was refused.
    pub fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Relaxed)
    }

    /// Takes `bytes`, or refuses when they would exceed the limit.
    ///
    /// A single request larger than the whole limit is refused always.
    pub fn try_acquire(&self, bytes: u64) -> Option<Permit> {
        self.take(bytes).then(|| Permit {
            shared: Arc::new(Held {
                bytes: AtomicU64::new(bytes),
                budget: self.clone(),
            }),
        })
    }

    fn take(&self, bytes: u64) -> bool {
        let limit = self.limit();
        let taken = self
            .shared
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= limit)
            });
        if taken.is_err() {
            self.shared.refused.fetch_add(1, Ordering::Relaxed);
        }
        taken.is_ok()
    }

    fn give_back(&self, bytes: u64) {
        self.shared.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A share of a [`MemoryBudget`]. Clones are the same share; it returns when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Permit {
    shared: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    bytes: AtomicU64,
    budget: MemoryBudget,
}

impl Permit {
    /// Returns the bytes of this share.
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Changes the share to `bytes`, once the true size is known. Growing may refuse, and then leaves the share as it was.
    pub fn resize(&self, bytes: u64) -> bool {
        let budget = &self.shared.budget;
        let mut held = self.bytes();
        loop {
            let more = bytes.saturating_sub(held);
            if more > 0 && !budget.take(more) {
                return false;
            }
            // A clone may resize the same share at the same time: whoever comes second starts again from what it finds.
            match self
                .shared
                .bytes
                .compare_exchange(held, bytes, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => {
                    budget.give_back(held.saturating_sub(bytes));
                    return true;
                }
                Err(now) => {
                    budget.give_back(more);
                    held = now;
                }
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.give_back(*self.bytes.get_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_return_their_bytes() {
        let budget = MemoryBudget::new(100);
        let first = budget.try_acquire(60).expect("fits");
        assert!(budget.try_acquire(41).is_none());
        assert!(first.resize(100));
        assert!(!first.resize(101));
        assert!(first.resize(10));
        assert_eq!(budget.used(), 10);
        let clone = first.clone();
        drop(first);
        assert_eq!(budget.used(), 10);
        drop(clone);
        assert_eq!((budget.used(), budget.refused()), (0, 2));
    }

    #[test]
    fn a_lower_limit_takes_effect_as_permits_return() {
        let budget = MemoryBudget::new(100);
        let first = budget.try_acquire(80).expect("fits");
        budget.set_limit(50);
        assert!(budget.try_acquire(0).is_none());
        assert!(first.resize(50), "shrinking never refuses");
        assert!(budget.try_acquire(1).is_none());
        assert_eq!(budget.used(), 50);
    }

    #[test]
    fn no_number_overflows() {
        let budget = MemoryBudget::unlimited();
        let all = budget.try_acquire(u64::MAX).expect("unlimited");
        assert!(
            budget.try_acquire(1).is_none(),
            "more than 64 bits of bytes is too much even so"
        );
        drop(all);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn clones_that_resize_at_the_same_time_keep_the_sum() {
        let budget = MemoryBudget::unlimited();
        let permit = budget.try_acquire(10).expect("unlimited");
        std::thread::scope(|scope| {
            for step in 1..5 {
                let permit = permit.clone();
                scope.spawn(move || (0..1_000).for_each(|round| assert!(permit.resize(round * step % 100))));
            }
        });
        assert_eq!(budget.used(), permit.bytes());
        drop(permit);
        assert_eq!(budget.used(), 0);
    }
}
