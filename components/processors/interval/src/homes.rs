//! What points stand in, kept once for all points of a metric.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weir_component::Context;
use weir_pdata::rewrite::{Envelope, Place};
use weir_streams::Budget;

/// What the points of one metric stand in, and whose they are.
#[derive(Debug)]
pub(crate) struct Home {
    /// Numbers of resource, scope and metric: sorted by these, what belongs together stands together.
    pub(crate) order: [u64; 3],
    /// Whom the points belong to.
    pub(crate) context: Context,
    pub(crate) place: Place,
}

/// A resource or scope that is kept.
#[derive(Debug, Clone)]
pub(crate) struct Numbered {
    number: u64,
    envelope: Arc<Envelope>,
}

/// Resources and scopes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Group {
    Resource,
    Scope,
}

/// All homes. What no point needs any more is forgotten by [`Self::forget_unused`].
#[derive(Debug)]
pub(crate) struct Homes {
    known: Mutex<Known>,
    /// Counts what homes take.
    budget: Arc<Budget>,
}

/// By the ids of [`weir_streams::Identity::levels`].
#[derive(Debug, Default)]
struct Known {
    groups: [HashMap<u128, Numbered>; 2],
    metrics: HashMap<u128, Arc<Home>>,
    next: u64,
}

/// What a home takes beside the bytes of its envelope, roughly: an entry of a map, and what stands behind it.
const ENTRY_BYTES: usize = 160;

fn weight(envelope: &Envelope) -> usize {
    ENTRY_BYTES + envelope.heap_bytes()
}

impl Known {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Homes {
    pub(crate) fn new(budget: Arc<Budget>) -> Self {
        Self {
            known: Mutex::default(),
            budget,
        }
    }

    /// Returns a resource or scope, which is kept from now on. `None` if there is no room.
    pub(crate) fn group(
        &self,
        group: Group,
        id: u128,
        envelope: impl FnOnce() -> Envelope,
    ) -> Option<Numbered> {
        let mut known = self.lock();
        if let Some(numbered) = known.groups[group as usize].get(&id) {
            return Some(numbered.clone());
        }
        let envelope = envelope();
        self.budget.reserve(weight(&envelope)).ok()?;
        let numbered = Numbered {
            number: known.number(),
            envelope: Arc::new(envelope),
        };
        known.groups[group as usize].insert(id, numbered.clone());
        Some(numbered)
    }

    /// Returns the home of a metric's points, which is kept from now on. `None` if there is no room.
    pub(crate) fn metric(
        &self,
        id: u128,
        [resource, scope]: [&Numbered; 2],
        context: &Context,
        envelope: impl FnOnce() -> Envelope,
    ) -> Option<Arc<Home>> {
        let mut known = self.lock();
        if let Some(home) = known.metrics.get(&id) {
            return Some(Arc::clone(home));
        }
        let envelope = envelope();
        self.budget.reserve(weight(&envelope)).ok()?;
        let home = Arc::new(Home {
            order: [resource.number, scope.number, known.number()],
            context: context.clone(),
            place: Place {
                resource: Arc::clone(&resource.envelope),
                scope: Arc::clone(&scope.envelope),
                metric: Arc::new(envelope),
            },
        });
        known.metrics.insert(id, Arc::clone(&home));
        Some(home)
    }

    /// Forgets the homes that nobody else holds.
    pub(crate) fn forget_unused(&self) {
        let mut known = self.lock();
        let Known { groups, metrics, .. } = &mut *known;
        let mut freed = 0;
        metrics.retain(|_, home| {
            let used = Arc::strong_count(home) > 1;
            freed += if used { 0 } else { weight(&home.place.metric) };
            used
        });
        for group in groups {
            group.retain(|_, Numbered { envelope, .. }| {
                let used = Arc::strong_count(envelope) > 1;
                freed += if used { 0 } else { weight(envelope) };
                used
            });
        }
        self.budget.resize(freed, 0);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
