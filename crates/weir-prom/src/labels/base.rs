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
#[derive(Debug)]
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
    shapes: Interner,
    signature: Vec<u8>,
    /// The labels of all sources of the scope that is made.
    all: Vec<BaseLabel>,
    /// Made so far.
    count: u64,
}

impl Bases {
    pub(crate) fn clear(&mut self) {
        self.shapes.clear();
    }

    pub(crate) fn is_full(&self) -> bool {
        self.shapes.len() > MAX_KEPT
    }

    pub(crate) fn make(&mut self, parts: &ScopeLabels<'_>, table: &LabelTable) -> Base {
        let sources = [
            (parts.promoted, false),
            (parts.identity, true),
            (parts.external, false),
            (parts.scope, true),
        ];
        let all = &mut self.all;
        all.clear();
        for (ids, wins) in sources {
            all.extend(ids.iter().map(|id| BaseLabel {
                id: *id,
                name: table.name(*id),
                hash: table.hash(*id),
                wins,
            }));
        }
        // The sort is stable, so labels of one name stay in order of precedence.
        all.sort_by(|a, b| table.names.text(a.name).cmp(table.names.text(b.name)));
        let effective = |run: &[BaseLabel]| *run.iter().rev().find(|label| label.wins).unwrap_or(&run[0]);
        let labels: Vec<BaseLabel> = all.chunk_by(|a, b| a.name == b.name).map(effective).collect();
        self.signature.clear();
        for label in &labels {
            self.signature
                .extend_from_slice(&label.name.number().to_le_bytes());
            self.signature.push(u8::from(label.wins));
        }
        // No name has this number, so the two lists cannot be mistaken for one another.
        self.signature.extend_from_slice(&u32::MAX.to_le_bytes());
        for copied in parts.copied {
            self.signature
                .extend_from_slice(&copied.key.number().to_le_bytes());
        }
        let (shape, _) = self.shapes.intern(&self.signature);
        self.count += 1;
        Base {
            number: self.count,
            labels,
            copied: parts.copied.to_vec(),
            error: parts.error,
            shape,
        }
    }
}
