//! The labels of the current series where rules have the last word on them.
//!
//! Without rules, labels that series share are encoded once. With rules each series has its own, and whether it is sent at all is known
//! when it is complete: nothing of a series that is dropped may be left in the request, not even a symbol.

use crate::collect::Tables;
use crate::drops::{DropReason, Drops};
use crate::family::FamilyId;
use crate::labels::{LabelId, WellKnown};
use crate::outcome::Counts;
use crate::relabel::Relabel;

/// What the labels of the current series are made of, and what rules dropped of its group.
pub(super) struct Relabeled {
    relabel: Relabel,
    /// One row of the series, and which label will be added to it.
    row: u32,
    generated: WellKnown,
    name: Option<LabelId>,
    /// The family, until its metadata is filed.
    undescribed: Option<FamilyId>,
    labels: Vec<LabelId>,
    /// What the series before it carry.
    kept: Counts,
    /// Series of the group that were dropped.
    dropped: u64,
    /// Why the last of them was.
    reason: DropReason,
}

impl Relabeled {
    pub(super) fn new(relabel: Relabel) -> Self {
        Self {
            relabel,
            row: 0,
            generated: WellKnown::Name,
            name: None,
            undescribed: None,
            labels: Vec::new(),
            kept: Counts::default(),
            dropped: 0,
            reason: DropReason::Relabel,
        }
    }

    /// Begins rows that stay together.
    pub(super) fn begin_group(&mut self, counts: Counts) {
        self.kept = counts;
        self.dropped = 0;
    }

    /// Begins series of a row; `generated` will be added to some of them.
    pub(super) fn begin(&mut self, tables: &Tables, row: u32, generated: WellKnown) -> FamilyId {
        self.row = row;
        self.generated = generated;
        let family = tables.rows.rows[row as usize].family;
        self.undescribed = Some(family);
        family
    }

    /// Gives the series that follow their name.
    pub(super) fn select(&mut self, name: LabelId) {
        self.name = Some(name);
    }

    /// Applies the rules to a series that is complete but for its exemplars, `counts` included. Returns its labels, and the family whose
    /// metadata is to be filed if it is the first. Nothing if it is dropped: then `counts` are without it.
    pub(super) fn end(
        &mut self,
        tables: &mut Tables,
        extra: Option<LabelId>,
        counts: &mut Counts,
    ) -> Option<(&[LabelId], Option<FamilyId>)> {
        self.gather(tables, extra);
        match self.relabel.apply(&mut self.labels, &mut tables.labels) {
            Ok(()) => {
                self.kept = *counts;
                Some((&self.labels, self.undescribed.take()))
            }
            Err(reason) => {
                // Its exemplars have not been counted yet.
                counts.samples = self.kept.samples;
                counts.histograms = self.kept.histograms;
                self.dropped += 1;
                self.reason = reason;
                None
            }
        }
    }

    /// Lists the labels of the series. Without `extra`, a label of the row that has its name stays.
    fn gather(&mut self, tables: &Tables, extra: Option<LabelId>) {
        let row = &tables.rows.rows[self.row as usize];
        let labels = tables.rows.labels_of(row);
        let name = tables.shapes.place(row.plan, WellKnown::Name);
        let place = tables.shapes.place(row.plan, self.generated);
        let rest = match extra {
            Some(_) => place.at + usize::from(place.taken),
            None => place.at,
        };
        self.labels.clear();
        self.labels.extend_from_slice(&labels[..name.at]);
        self.labels.extend(self.name);
        self.labels.extend_from_slice(&labels[name.at..place.at]);
        self.labels.extend(extra);
        self.labels.extend_from_slice(&labels[rest..]);
    }

    /// Counts what was dropped of the group: its points if nothing is left of it, else series.
    pub(super) fn note_dropped(&self, drops: &mut Drops, points: u64) {
        if points > 0 {
            drops.add(self.reason, points);
        } else if self.dropped > 0 {
            drops.add(DropReason::RelabelSeries, self.dropped);
        }
    }
}
