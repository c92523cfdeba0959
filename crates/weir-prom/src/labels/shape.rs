//! Remembered label orders: which keys of a point and which labels of its scope end up where.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::base::Base;
use super::names::{KeyId, NameId, WellKnown};
use super::table::{Attr, Content, LabelId, LabelTable};
use crate::drops::DropReason;

/// Most plans that are kept from one batch to the next.
const MAX_KEPT: usize = 4096;

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
    /// The scope's shape, then the [`Attr::part`]s of a point in the order sent. None of them is bad.
    signature: Box<[u32]>,
    slots: Vec<Slot>,
    /// Where each attribute goes; nothing if some share a slot.
    fills: Option<Box<[Fill]>>,
    name: Place,
    le: Place,
    quantile: Place,
}

/// An attribute that fills a slot alone.
#[derive(Debug, Clone, Copy)]
struct Fill {
    /// Its [`Attr::part`].
    part: u32,
    /// The slot; [`NONE`] if it fills none.
    slot: u32,
}

/// All plans by signature.
#[derive(Default)]
pub(crate) struct Shapes {
    plans: Vec<Plan>,
    by_signature: HashMap<Box<[u32]>, u32, RandomState>,
    /// Room for the signature that is looked up.
    signature: Vec<u32>,
    last: Option<u32>,
    template: Template,
}

/// The labels of a plan for a scope, with those of a point yet to be filled in: most points have the plan and the scope of the one before.
#[derive(Default)]
struct Template {
    plan: u32,
    /// Number of the scope's [`Base`]; 0 is none.
    base: u64,
    labels: Vec<LabelId>,
    /// Sum of the hashes of the labels that are there.
    hash: u64,
    fills: Vec<Fill>,
}

/// No slot, and a label yet to be filled in.
const NONE: u32 = u32::MAX;

impl Shapes {
    pub(crate) fn clear(&mut self) {
        self.template.base = 0;
        self.plans.clear();
        self.by_signature.clear();
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
        if let Some(found) = self.template.fill(base, attrs, out) {
            return Ok(found);
        }
        if let Some(reason) = base.error {
            return Err(reason);
        }
        let id = match self.last {
            Some(last) if self.plans[last as usize].is_for(base, attrs) => last,
            _ => self.look_up(base, attrs, table)?,
        };
        self.last = Some(id);
        let Plan { slots, fills, .. } = &self.plans[id as usize];
        if let Some(fills) = fills {
            self.template.set(id, slots, fills, base, table);
            return Ok(self
                .template
                .fill(base, attrs, out)
                .expect("it is the template of this point"));
        }
        let mut sum = 0u64;
        out.extend(slots.iter().map(|slot| {
            let (label, hash) = match slot {
                Slot::Attr(at) => (attrs[*at].label(), attrs[*at].hash),
                Slot::Base(at) => (base.labels[*at].id, base.labels[*at].hash),
                Slot::Copied(at) => (base.copied[*at].id, table.hash(base.copied[*at].id)),
                Slot::Join(name, sources) => {
                    let label = join(*name, sources, base, attrs, table);
                    (label, table.hash(label))
                }
            };
            sum = sum.wrapping_add(hash);
            label
        }));
        Ok((PlanId(id), sum))
    }

    #[cold]
    fn look_up(&mut self, base: &Base, attrs: &[Attr], table: &LabelTable) -> Result<u32, DropReason> {
        if let Some(reason) = attrs.iter().find_map(|attr| attr.content().error()) {
            return Err(reason);
        }
        self.signature.clear();
        self.signature.push(base.shape);
        self.signature.extend(attrs.iter().map(|attr| attr.part()));
        if let Some(id) = self.by_signature.get(self.signature.as_slice()) {
            return Ok(*id);
        }
        let signature: Box<[u32]> = self.signature.as_slice().into();
        let id = u32::try_from(self.plans.len()).expect("memory ends before four billion plans");
        self.plans.push(plan(signature.clone(), base, attrs, table));
        self.by_signature.insert(signature, id);
        Ok(id)
    }
}

impl Template {
    /// Makes it one of a plan and a scope.
    fn set(&mut self, plan: u32, slots: &[Slot], fills: &[Fill], base: &Base, table: &LabelTable) {
        self.fills.clear();
        self.fills.extend_from_slice(fills);
        (self.plan, self.base) = (plan, base.number);
        let shared = |slot: &Slot| match slot {
            Slot::Base(at) => Some(base.labels[*at].id),
            Slot::Copied(at) => Some(base.copied[*at].id),
            Slot::Attr(_) | Slot::Join(..) => None,
        };
        let shared = slots.iter().map(shared);
        self.hash = shared
            .clone()
            .flatten()
            .fold(0, |sum, id| sum.wrapping_add(table.hash(id)));
        self.labels.clear();
        self.labels
            .extend(shared.map(|id| id.unwrap_or(LabelId::from_number(NONE))));
    }

    /// Appends the labels with those of a point's attributes to `out`. Returns the plan and the sum of their hashes; nothing if the
    /// point has another plan or scope.
    #[inline]
    fn fill(&self, base: &Base, attrs: &[Attr], out: &mut Vec<LabelId>) -> Option<(PlanId, u64)> {
        if self.base != base.number || self.fills.len() != attrs.len() {
            return None;
        }
        let start = out.len();
        out.extend_from_slice(&self.labels);
        let labels = &mut out[start..];
        let (mut hash, mut differ) = (self.hash, 0);
        for (fill, attr) in self.fills.iter().zip(attrs) {
            differ |= fill.part ^ attr.part();
            if let Some(label) = labels.get_mut(fill.slot as usize) {
                *label = attr.label();
                hash = hash.wrapping_add(attr.hash);
            }
        }
        if differ != 0 {
            out.truncate(start);
            return None;
        }
        Some((PlanId(self.plan), hash))
    }
}

impl Plan {
    /// Returns whether the plan orders these labels. Never true for a bad attribute.
    #[inline]
    fn is_for(&self, base: &Base, attrs: &[Attr]) -> bool {
        let (shape, keys) = self
            .signature
            .split_first()
            .expect("begins with the scope's shape");
        *shape == base.shape
            && keys.len() == attrs.len()
            && keys.iter().zip(attrs).all(|(key, attr)| *key == attr.part())
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

fn join(name: NameId, sources: &[Source], base: &Base, attrs: &[Attr], table: &mut LabelTable) -> LabelId {
    let parts: Vec<LabelId> = sources
        .iter()
        .map(|source| match source {
            Source::Attr(at) => attrs[*at].label(),
            Source::Copied(at) => base.copied[*at].id,
        })
        .collect();
    table.join(name, &parts)
}

/// Sorts the keys of a point and the labels of its scope into a plan.
fn plan(signature: Box<[u32]>, base: &Base, attrs: &[Attr], table: &LabelTable) -> Plan {
    let names = &table.names;
    let replaced: HashSet<KeyId> = base.copied.iter().map(|copied| copied.key).collect();
    let mut parts: Vec<(NameId, KeyId, Source)> = Vec::new();
    for (at, attr) in attrs.iter().enumerate() {
        if let (Content::Label(id), false) = (attr.content(), replaced.contains(&attr.key)) {
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
    let slots: Vec<Slot> = slots.into_iter().map(|(.., slot)| slot).collect();
    Plan {
        fills: fills(&slots, attrs),
        signature,
        slots,
        name,
        le,
        quantile,
    }
}

/// Returns which slot each attribute fills alone; nothing if some share one.
fn fills(slots: &[Slot], attrs: &[Attr]) -> Option<Box<[Fill]>> {
    let mut fills: Vec<Fill> = attrs
        .iter()
        .map(|attr| Fill {
            part: attr.part(),
            slot: NONE,
        })
        .collect();
    for (slot, index) in slots.iter().zip(0..) {
        match slot {
            Slot::Attr(at) => fills[*at].slot = index,
            Slot::Base(_) | Slot::Copied(_) => {}
            Slot::Join(..) => return None,
        }
    }
    Some(fills.into())
}

fn slot(run: &[(NameId, KeyId, Source)]) -> Slot {
    match run {
        [(_, _, Source::Attr(at))] => Slot::Attr(*at),
        [(_, _, Source::Copied(at))] => Slot::Copied(*at),
        many => Slot::Join(many[0].0, many.iter().map(|(_, _, source)| *source).collect()),
    }
}
