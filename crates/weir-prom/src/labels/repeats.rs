//! Lists of attributes that repeat from metric to metric.

use std::ops::Range;

use super::shape::PlanId;
use crate::rows::Span;

/// Most bytes of lists that are remembered.
const MAX_BYTES: usize = 4 << 20;

/// Wrong guesses in a row after which lists of a scope are not remembered any more.
const MAX_MISSES: usize = 64;

/// Most points of a metric whose lists are remembered.
const MAX_POINTS: usize = 1 << 14;

/// The labels of a point without the generated ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LabelSet {
    pub(crate) plan: PlanId,
    /// In the rows' labels, sorted.
    pub(crate) labels: Span,
    /// Sum of the hashes of the labels.
    pub(crate) hash: u64,
}

/// Guesses that the points of a metric have the attributes of the metric before in the same order, as metrics that
/// are measured together do.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    bytes: Vec<u8>,
    before: Vec<Repeat>,
    current: Vec<Repeat>,
    /// Wrong guesses since the last right one.
    misses: usize,
}

#[derive(Debug, Clone)]
struct Repeat {
    /// The list as it was sent, in `bytes`.
    raw: Range<usize>,
    set: LabelSet,
}

impl Repeats {
    /// Begins a scope: the sets of the one before are void.
    pub(crate) fn begin_scope(&mut self) {
        self.bytes.clear();
        self.before.clear();
        self.current.clear();
        self.misses = 0;
    }

    /// Begins a metric.
    pub(crate) fn begin_metric(&mut self) {
        std::mem::swap(&mut self.before, &mut self.current);
        self.current.clear();
    }

    /// Returns the set of the next point if it has the list that was guessed.
    #[inline]
    pub(crate) fn guessed(&mut self, raw: &[u8]) -> Option<LabelSet> {
        let repeat = self.before.get(self.current.len())?;
        if self.bytes[repeat.raw.clone()] != *raw {
            self.misses += 1;
            return None;
        }
        self.misses = 0;
        let set = repeat.set;
        self.current.push(repeat.clone());
        Some(set)
    }

    /// Notes the set of the next point, for the next metric.
    pub(crate) fn note(&mut self, raw: &[u8], set: &LabelSet) {
        let start = self.bytes.len();
        if self.misses > MAX_MISSES || start + raw.len() > MAX_BYTES || self.current.len() == MAX_POINTS {
            return;
        }
        self.bytes.extend_from_slice(raw);
        self.current.push(Repeat {
            raw: start..self.bytes.len(),
            set: *set,
        });
    }
}
