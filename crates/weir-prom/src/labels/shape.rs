//! Remembered label orders: which keys of a point and which labels of its scope end up where.

use std::collections::HashSet;

use super::base::Base;
use super::names::{KeyId, NameId, WellKnown};
use super::table::{Attr, Content, LabelId, LabelTable};
use crate::drops::DropReason;
use crate::interner::Interner;

/// Most plans that are kept from one batch to the next.
const MAX_KEPT: usize = 4096;

/// Stands for an attribute without a value in a signature. No key has this number.
const EMPTY: u32 = u32::MAX;

/// A remembered label order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlanId(u32);

/// Where a generated label goes in a sorted list.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    /// Number of labels before it.
    pub(crate) at: usize,
    /// Whether the list has a label of that name there, which the generated one replaces.
    pub(crate) taken: bool,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Attr(usize),
    Copied(usize),
}

#[derive(Debug)]
enum Slot {
    Attr(usize),
    Copied(usize),
    Base(usize),
    /// Keys that became one name; their values are joined in order of the keys.
    Join(NameId, Box<[Source]>),
}

#[derive(Debug)]
struct Plan {
    slots: Vec<Slot>,
    name: Place,
    le: Place,
    quantile: Place,
}

/// All plans by signature: the scope's shape and the keys of a point in the order sent.
#[derive(Default)]
pub(crate) struct Shapes {
    plans: Vec<Plan>,
    signatures: Interner,
    last: Option<u32>,
    signature: Vec<u8>,
}

impl Shapes {
    pub(crate) fn clear(&mut self) {
        self.plans.clear();
        self.signatures.clear();
        self.last = None;
    }

    pub(crate) fn is_full(&self) -> bool {
        self.plans.len() > MAX_KEPT
    }

    /// Returns where `__name__`, `le` or `quantile` goes in the lists of a plan.
    #[inline]
    pub(crate) fn place(&self, plan: PlanId, label: WellKnown) -> Place {
        let plan = &self.plans[plan.0 as usize];
        match label {
            WellKnown::Le => plan.le,
            WellKnown::Quantile => plan.quantile,
            _ => plan.name,
        }
    }

    /// Appends the sorted labels of a point to `out` and returns their plan and the sum of their hashes.
    ///
    /// # Errors
    /// Why the point has no label set.
    #[inline]
    pub(crate) fn resolve(
        &mut self,
        base: &Base,
        attrs: &[Attr],
        table: &mut LabelTable,
        out: &mut Vec<LabelId>,
    ) -> Result<(PlanId, u64), DropReason> {
        if let Some(reason) = base.error {
            return Err(reason);
        }
        self.sign(base, attrs)?;
        let id = match self.last {
            Some(last) if self.signatures.get(last) == self.signature => last,
            _ => self.look_up(base, attrs, table),
        };
        self.last = Some(id);
        let mut hash = 0u64;
        for slot in &self.plans[id as usize].slots {
            let label = match slot {
                Slot::Attr(at) => label_of(attrs, *at),
                Slot::Copied(at) => base.copied[*at].id,
                Slot::Base(at) => base.labels[*at].id,
                Slot::Join(name, sources) => join(*name, sources, base, attrs, table),
            };
            hash = hash.wrapping_add(table.hash(label));
            out.push(label);
        }
        Ok((PlanId(id), hash))
    }

    #[inline]
    fn sign(&mut self, base: &Base, attrs: &[Attr]) -> Result<(), DropReason> {
        self.signature.clear();
        self.signature.extend_from_slice(&base.shape.to_le_bytes());
        for attr in attrs {
            let part = match attr.content {
                Content::Label(_) => attr.key.number(),
                Content::Empty => EMPTY,
                Content::Bad(reason) => return Err(reason),
            };
            self.signature.extend_from_slice(&part.to_le_bytes());
        }
        Ok(())
    }

    fn look_up(&mut self, base: &Base, attrs: &[Attr], table: &LabelTable) -> u32 {
        let (id, new) = self.signatures.intern(&self.signature);
        if new {
            self.plans.push(plan(base, attrs, table));
        }
        id
    }
}

/// Where `__name__`, `le` and `quantile` go in a sorted list of names.
fn places(names: &[&str]) -> (Place, Place, Place) {
    let place = |wanted: &str| match names.binary_search(&wanted) {
        Ok(at) => Place { at, taken: true },
        Err(at) => Place { at, taken: false },
    };
    (place("__name__"), place("le"), place("quantile"))
}

fn label_of(attrs: &[Attr], at: usize) -> LabelId {
    match attrs[at].content {
        Content::Label(id) => id,
        Content::Empty | Content::Bad(_) => unreachable!("the signature says that there is a label"),
    }
}

fn join(name: NameId, sources: &[Source], base: &Base, attrs: &[Attr], table: &mut LabelTable) -> LabelId {
    let parts: Vec<LabelId> = sources
        .iter()
        .map(|source| match source {
            Source::Attr(at) => label_of(attrs, *at),
            Source::Copied(at) => base.copied[*at].id,
        })
        .collect();
    table.join(name, &parts)
}

/// Sorts the keys of a point and the labels of its scope into a plan.
fn plan(base: &Base, attrs: &[Attr], table: &LabelTable) -> Plan {
    let names = &table.names;
    let replaced: HashSet<KeyId> = base.copied.iter().map(|copied| copied.key).collect();
    let mut parts: Vec<(NameId, KeyId, Source)> = Vec::new();
    for (at, attr) in attrs.iter().enumerate() {
        if let (Content::Label(id), false) = (attr.content, replaced.contains(&attr.key)) {
            parts.push((table.name(id), attr.key, Source::Attr(at)));
        }
    }
    for (at, copied) in base.copied.iter().enumerate() {
        parts.push((copied.name, copied.key, Source::Copied(at)));
    }
    let order = |part: &(NameId, KeyId, Source)| (names.text(part.0), names.key_raw(part.1));
    parts.sort_by(|a, b| order(a).cmp(&order(b)));

    // A point's label comes before the scope's of that name; one of the two stays.
    let own = parts
        .chunk_by(|a, b| a.0 == b.0)
        .map(|run| (run[0].0, false, slot(run)));
    let shared = base
        .labels
        .iter()
        .enumerate()
        .map(|(at, label)| (label.name, label.wins, Slot::Base(at)));
    let mut slots: Vec<(NameId, bool, Slot)> = own.chain(shared).collect();
    slots.sort_by(|a, b| names.text(a.0).cmp(names.text(b.0)));
    slots.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same && later.1 {
            std::mem::swap(later, kept);
        }
        same
    });
    let ordered: Vec<&str> = slots.iter().map(|(name, ..)| names.text(*name)).collect();
    let (name, le, quantile) = places(&ordered);
    Plan {
        slots: slots.into_iter().map(|(.., slot)| slot).collect(),
        name,
        le,
        quantile,
    }
}

fn slot(run: &[(NameId, KeyId, Source)]) -> Slot {
    match run {
        [(_, _, Source::Attr(at))] => Slot::Attr(*at),
        [(_, _, Source::Copied(at))] => Slot::Copied(*at),
        many => Slot::Join(many[0].0, many.iter().map(|(_, _, source)| *source).collect()),
    }
}
