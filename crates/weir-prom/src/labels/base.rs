//! Labels that all points of a scope share, with their precedence.

use super::names::{KeyId, NameId};
use super::table::{LabelId, LabelTable};
use crate::drops::DropReason;
use crate::interner::Interner;

/// Most shapes that are kept from one batch to the next.
const MAX_KEPT: usize = 4096;

/// A label of a scope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BaseLabel {
    pub(crate) id: LabelId,
    pub(crate) name: NameId,
    pub(crate) hash: u64,
    /// Replaces a point's label of that name; otherwise it only fills a gap.
    pub(crate) wins: bool,
}

/// A resource attribute that stands for an attribute of every point.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Copied {
    pub(crate) key: KeyId,
    pub(crate) name: NameId,
    pub(crate) id: LabelId,
}

/// What the labels of a scope are made of, lowest precedence first.
#[derive(Debug, Default)]
pub(crate) struct ScopeLabels<'s> {
    /// Promoted resource attributes: fill gaps.
    pub(crate) promoted: &'s [LabelId],
    /// `job` and `instance`: replace.
    pub(crate) identity: &'s [LabelId],
    /// External labels: fill gaps.
    pub(crate) external: &'s [LabelId],
    /// `otel_scope_*`: replace.
    pub(crate) scope: &'s [LabelId],
    /// Resource attributes copied onto the points.
    pub(crate) copied: &'s [Copied],
    /// Why nothing of this scope can be sent.
    pub(crate) error: Option<DropReason>,
}

/// The shared labels of one scope.
#[derive(Debug, Default)]
pub(crate) struct Base {
    /// In order of name, no name twice.
    pub(crate) labels: Vec<BaseLabel>,
    pub(crate) copied: Vec<Copied>,
    pub(crate) error: Option<DropReason>,
    /// Number of the combination of names and keys; scopes of one shape share plans.
    pub(crate) shape: u32,
    /// Tells it from all others.
    pub(crate) number: u64,
}

/// Makes [`Base`]s and numbers their shapes, across batches.
#[derive(Debug, Default)]
pub(crate) struct Bases {
    /// Names of all sources in their order, each with whether it wins, and the keys of what is copied.
    sources: Interner,
    /// What becomes of them, by the number that they have there.
    layouts: Vec<Layout>,
    /// The same for the names of what is left.
    shapes: Interner,
    signature: Vec<u8>,
    /// The labels of all sources of the scope that is made.
    all: Vec<BaseLabel>,
    /// Made so far.
    count: u64,
}

/// Which labels of all sources are left, and in which order.
#[derive(Debug)]
struct Layout {
    places: Box<[usize]>,
    shape: u32,
}

impl Bases {
    pub(crate) fn clear(&mut self) {
        self.sources.clear();
        self.layouts.clear();
        self.shapes.clear();
    }

    pub(crate) fn is_full(&self) -> bool {
        self.layouts.len() > MAX_KEPT
    }

    /// Makes `base` the one of these parts.
    pub(crate) fn make(&mut self, base: &mut Base, parts: &ScopeLabels<'_>, table: &LabelTable) {
        let sources = [
            (parts.promoted, false),
            (parts.identity, true),
            (parts.external, false),
            (parts.scope, true),
        ];
        self.all.clear();
        for (ids, wins) in sources {
            self.all.extend(ids.iter().map(|id| BaseLabel {
                id: *id,
                name: table.name(*id),
                hash: table.hash(*id),
                wins,
            }));
        }
        sign(&mut self.signature, &self.all, parts.copied);
        let (number, is_new) = self.sources.intern(&self.signature);
        if is_new {
            let layout = self.lay_out(parts.copied, table);
            self.layouts.push(layout);
        }
        let Layout { places, shape } = &self.layouts[number as usize];
        self.count += 1;
        base.number = self.count;
        base.shape = *shape;
        base.error = parts.error;
        base.labels.clear();
        base.labels.extend(places.iter().map(|place| self.all[*place]));
        base.copied.clear();
        base.copied.extend_from_slice(parts.copied);
    }

    #[cold]
    fn lay_out(&mut self, copied: &[Copied], table: &LabelTable) -> Layout {
        let all = &self.all;
        let mut places: Vec<usize> = (0..all.len()).collect();
        // The sort is stable, so labels of one name stay in order of precedence.
        places.sort_by_key(|place| table.names.text(all[*place].name));
        let effective = |run: &[usize]| {
            *run.iter()
                .rev()
                .find(|place| all[**place].wins)
                .unwrap_or(&run[0])
        };
        let places: Box<[usize]> = places
            .chunk_by(|a, b| all[*a].name == all[*b].name)
            .map(effective)
            .collect();
        let left: Vec<BaseLabel> = places.iter().map(|place| all[*place]).collect();
        sign(&mut self.signature, &left, copied);
        let (shape, _) = self.shapes.intern(&self.signature);
        Layout { places, shape }
    }
}

/// Writes what tells combinations of names and keys apart.
fn sign(out: &mut Vec<u8>, labels: &[BaseLabel], copied: &[Copied]) {
    out.clear();
    for label in labels {
        out.extend_from_slice(&label.name.number().to_le_bytes());
        out.push(u8::from(label.wins));
    }
    // No name has this number, so the two lists cannot be mistaken for one another.
    out.extend_from_slice(&u32::MAX.to_le_bytes());
    for copied in copied {
        out.extend_from_slice(&copied.key.number().to_le_bytes());
    }
}
