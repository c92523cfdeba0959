//! Finds the points of a batch that belong to one series, puts them in order of time and removes repeats.

use std::num::NonZeroUsize;

use hashbrown::HashTable;

use super::{KEPT_ROWS, Row, Rows, Value};
use crate::drops::{DropReason, Drops};
use crate::family::{Families, Suffix};
use crate::labels::LabelTable;

/// No further row.
const END: u32 = u32::MAX;

/// Series that are put in order of their families at a time, a few requests' worth. If it were the whole batch, each request would hold the
/// labels of all senders.
const WINDOW: usize = 2048;

/// Rows by series. Series come in order of their first row, but those of a family stand together: neighbours then have name and metadata
/// in common, also if the batch was gathered from many small requests.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    table: HashTable<u32>,
    /// First row of each series.
    heads: Vec<u32>,
    /// For each family of a window where its next series goes in `by_family`.
    starts: Vec<u32>,
    /// The families of a window.
    met: Vec<usize>,
    /// The window, family by family.
    by_family: Vec<u32>,
    /// Those of each lane.
    lanes: Vec<Vec<u32>>,
    /// For each row the next one of its series.
    next: Vec<u32>,
    /// For each first row the last one of its series.
    tails: Vec<u32>,
}

impl Groups {
    /// Groups all rows and spreads the series over lanes by their hashes. Labels are compared in full: a shared hash alone joins
    /// nothing.
    pub(crate) fn build(
        &mut self,
        rows: &Rows,
        families: &Families,
        table: &LabelTable,
        lanes: NonZeroUsize,
    ) {
        let all = &rows.rows;
        let count = u32::try_from(all.len()).expect("memory ends before four billion points");
        if self.table.capacity() > KEPT_ROWS {
            *self = Self::default();
        }
        self.table.clear();
        self.heads.clear();
        self.next.clear();
        self.next.resize(all.len(), END);
        self.tails.clear();
        self.tails.extend(0..count);
        let hash = |row: &Row| row.hash;
        self.table.reserve(all.len(), |at| hash(&all[*at as usize]));
        for at in 0..count {
            let row = &all[at as usize];
            let same = |other: &u32| same_series(rows, families, table, row, &all[*other as usize]);
            match self.table.find(hash(row), same) {
                Some(&head) => {
                    let tail = std::mem::replace(&mut self.tails[head as usize], at);
                    self.next[tail as usize] = at;
                }
                None => {
                    self.table
                        .insert_unique(hash(row), at, |at| hash(&all[*at as usize]));
                    self.heads.push(at);
                }
            }
        }
        self.spread(all, families.len(), lanes);
    }

    /// Spreads the series over lanes, window by window in order of their families.
    fn spread(&mut self, rows: &[Row], families: usize, lanes: NonZeroUsize) {
        self.lanes.resize_with(lanes.get(), Vec::new);
        self.lanes.iter_mut().for_each(Vec::clear);
        self.starts.clear();
        self.starts.resize(families, 0);
        let family = |at: u32| rows[at as usize].family.number();
        for window in self.heads.chunks(WINDOW) {
            self.met.clear();
            for at in window {
                let family = family(*at);
                if self.starts[family] == 0 {
                    self.met.push(family);
                }
                self.starts[family] += 1;
            }
            let mut start = 0;
            for family in &self.met {
                start += std::mem::replace(&mut self.starts[*family], start);
            }
            self.by_family.resize(window.len(), 0);
            for at in window {
                let start = &mut self.starts[family(*at)];
                self.by_family[*start as usize] = *at;
                *start += 1;
            }
            for family in &self.met {
                self.starts[*family] = 0;
            }
            for at in &self.by_family {
                self.lanes[lane_of(rows[*at as usize].hash, lanes)].push(*at);
            }
        }
    }

    /// Returns the first row of each series of each lane.
    pub(crate) fn lanes(&self) -> impl Iterator<Item = &[u32]> {
        self.lanes.iter().map(Vec::as_slice)
    }

    /// Writes the rows of a series into `out`: ascending times, each time once. What goes is counted.
    pub(crate) fn members(&self, head: u32, rows: &Rows, drops: &mut Drops, out: &mut Vec<u32>) {
        out.clear();
        out.push(head);
        let mut at = self.next[head as usize];
        if at == END {
            return;
        }
        while at != END {
            out.push(at);
            at = self.next[at as usize];
        }
        let row = |at: u32| &rows.rows[at as usize];
        // Stable: of rows with one time the last to arrive stays last, and is the one that is kept.
        out.sort_by_key(|at| row(*at).time);
        out.dedup_by(|later, kept| {
            let (new, old) = (row(*later), row(*kept));
            if new.time != old.time {
                return false;
            }
            let reason = if rows.same_value(old, new) {
                DropReason::Duplicate
            } else {
                DropReason::Superseded
            };
            drops.add(reason, u64::from(old.is_point));
            std::mem::swap(later, kept);
            true
        });
    }
}

/// Spreads hashes evenly by their upper bits.
fn lane_of(hash: u64, lanes: NonZeroUsize) -> usize {
    // The product shifted down is below `lanes`.
    ((u128::from(hash) * lanes.get() as u128) >> 64) as usize
}

fn same_series(rows: &Rows, families: &Families, table: &LabelTable, a: &Row, b: &Row) -> bool {
    let name = |row: &Row| families.get(row.family).name(Suffix::None);
    a.hash == b.hash
        && std::mem::discriminant::<Value>(&a.value) == std::mem::discriminant(&b.value)
        && table.same(name(a), name(b))
        && table.same_list(rows.labels_of(a), rows.labels_of(b))
}
