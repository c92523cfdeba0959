//! `target_info`: one series per resource that tells what the resource's other attributes are.
//!
//! Owns when a sample is due: at the latest time of the resource's points, and not more often than needed to
//! keep the series alive at the receiver.

use std::time::Duration;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::collect::Tables;
use crate::family::Suffix;
use crate::labels::{LabelTable, PlanId};
use crate::rows::{Row, Rows, Span, Value};

/// Most series whose last sample is remembered. Beyond it samples are sent more often than needed.
const MAX_REMEMBERED: usize = 100_000;

/// The `target_info` of one resource of the current batch.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) plan: PlanId,
    pub(crate) labels: Span,
    pub(crate) hash: u64,
    /// Latest time of the resource's points in milliseconds; 0 without any.
    pub(crate) latest: i64,
}

/// When each `target_info` series had its last sample.
#[derive(Debug)]
pub(crate) struct TargetInfo {
    interval: i64,
    /// By hash of the labels, in milliseconds.
    last: HashMap<u64, i64, RandomState>,
    pending: Vec<Target>,
}

impl TargetInfo {
    pub(crate) fn new(interval: Duration) -> Self {
        let interval = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
        Self {
            interval,
            last: HashMap::default(),
            pending: Vec::new(),
        }
    }

    /// Files the target of a resource whose points were all seen.
    pub(crate) fn note(&mut self, target: Target, rows: &Rows, table: &LabelTable) {
        if target.latest == 0 {
            return;
        }
        let list = |target: &Target| &rows.labels[target.labels.range()];
        // Only the neighbour is compared, which is where a repeated resource of one request stands; the
        // interval takes care of the others.
        match self.pending.last_mut() {
            Some(other) if other.hash == target.hash && table.same_list(list(other), list(&target)) => {
                other.latest = other.latest.max(target.latest);
            }
            _ => self.pending.push(target),
        }
    }

    /// Adds a row for each series that is due.
    pub(crate) fn emit(&mut self, tables: &mut Tables) {
        if self.pending.is_empty() {
            return;
        }
        let Some(family) = tables.families.target_info(&mut tables.labels) else {
            self.pending.clear();
            return;
        };
        let name = tables.labels.hash(tables.families.get(family).name(Suffix::None));
        // Latest first, so that of several in one batch the latest is sent.
        self.pending
            .sort_by_key(|target| std::cmp::Reverse(target.latest));
        for target in self.pending.drain(..) {
            let due = match self.last.get(&target.hash) {
                Some(last) => target.latest.saturating_sub(*last) >= self.interval.max(1),
                None => true,
            };
            if !due {
                continue;
            }
            if self.last.len() >= MAX_REMEMBERED {
                // What is older than the interval is due anyway.
                let oldest = target.latest.saturating_sub(self.interval);
                self.last.retain(|_, last| *last > oldest);
                if self.last.len() >= MAX_REMEMBERED {
                    self.last.clear();
                }
            }
            self.last.insert(target.hash, target.latest);
            tables.rows.rows.push(Row {
                family,
                plan: target.plan,
                labels: target.labels,
                hash: target.hash.wrapping_add(name),
                time: target.latest,
                start: 0,
                value: Value::Number(1f64.to_bits()),
                exemplars: None,
                is_point: false,
            });
        }
    }
}
