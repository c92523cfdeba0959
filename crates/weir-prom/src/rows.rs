//! The accepted points of one batch, and the grouping of those that are one series.

mod group;
mod numbers;

use std::ops::Range;

use crate::family::FamilyId;
use crate::labels::{LabelId, LabelTable, PlanId, WellKnown};

pub(crate) use group::Groups;
pub(crate) use numbers::{Numbers, NumbersId};

/// Room for a batch of so many points is kept; that of a larger one is given back.
const KEPT_ROWS: usize = 1 << 17;

/// One accepted point, with numbers of things in [`Rows`].
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) family: FamilyId,
    pub(crate) plan: PlanId,
    /// Sorted labels without the generated ones, in [`Rows::labels`].
    pub(crate) labels: Range<usize>,
    /// Sum of the hashes of the labels and of the family's name.
    pub(crate) hash: u64,
    /// Milliseconds since the epoch.
    pub(crate) time: i64,
    /// Milliseconds since the epoch, 0 for none.
    pub(crate) start: i64,
    pub(crate) value: Value,
    /// In [`Rows::exemplars`].
    pub(crate) exemplars: Range<usize>,
    /// Whether an OTLP point stands behind the row: not for `target_info`.
    pub(crate) is_point: bool,
}

/// The value of a point. Points of one series have one kind.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// Bits of a float sample.
    Number(u64),
    /// A histogram in one or both forms.
    Histogram {
        /// In [`Rows::classics`].
        classic: Option<usize>,
        /// Encoded histogram without its times, in [`Rows::natives`].
        native: Option<Range<usize>>,
    },
    /// In [`Rows::summaries`].
    Summary(usize),
}

/// A histogram with explicit buckets as float samples.
#[derive(Debug)]
pub(crate) struct Classic {
    pub(crate) sum: Option<u64>,
    pub(crate) count: u64,
    /// Bounds of the buckets but the last.
    pub(crate) bounds: NumbersId,
    /// Bits of the running totals, one per bound, in [`Rows::values`].
    pub(crate) totals: Range<usize>,
}

/// A summary as float samples.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) sum: u64,
    pub(crate) count: u64,
    pub(crate) quantiles: NumbersId,
    /// Bits of the values, one per quantile, in [`Rows::values`].
    pub(crate) values: Range<usize>,
}

/// An exemplar.
#[derive(Debug, Clone)]
pub(crate) struct Exemplar {
    pub(crate) value: f64,
    /// Milliseconds since the epoch.
    pub(crate) time: i64,
    /// In [`Rows::labels`].
    pub(crate) labels: Range<usize>,
    /// Sum of the hashes of the labels.
    pub(crate) hash: u64,
}

/// All accepted points of a batch.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Row>,
    pub(crate) labels: Vec<LabelId>,
    pub(crate) classics: Vec<Classic>,
    pub(crate) natives: Vec<u8>,
    pub(crate) summaries: Vec<Summary>,
    pub(crate) values: Vec<u64>,
    pub(crate) exemplars: Vec<Exemplar>,
    pub(crate) bounds: Numbers,
    pub(crate) quantiles: Numbers,
    /// `le="+Inf"`, once it is needed.
    infinite: Option<LabelId>,
}

impl Rows {
    pub(crate) fn clear(&mut self) {
        if self.rows.len() > KEPT_ROWS || self.values.len() > 16 * KEPT_ROWS {
            *self = Self::default();
            return;
        }
        self.rows.clear();
        self.labels.clear();
        self.classics.clear();
        self.natives.clear();
        self.summaries.clear();
        self.values.clear();
        self.exemplars.clear();
        self.bounds.clear();
        self.quantiles.clear();
        self.infinite = None;
    }

    /// Returns the label of the last bucket of classic histograms.
    pub(crate) fn infinite_bound(&mut self, table: &mut LabelTable) -> LabelId {
        *self
            .infinite
            .get_or_insert_with(|| table.add(WellKnown::Le.id(), "+Inf"))
    }

    /// Returns about how many series a value makes.
    #[inline]
    pub(crate) fn series_of(&self, value: &Value) -> usize {
        match value {
            Value::Number(_) => 1,
            Value::Histogram { classic, .. } => classic.map_or(1, |at| self.classics[at].totals.len()),
            Value::Summary(at) => self.summaries[*at].values.len(),
        }
    }

    /// Returns the float samples of a histogram that has that form.
    #[inline]
    pub(crate) fn classic(&self, row: &Row) -> &Classic {
        match row.value {
            Value::Histogram {
                classic: Some(classic),
                ..
            } => &self.classics[classic],
            _ => unreachable!("only rows with a classic form are asked"),
        }
    }

    pub(crate) fn labels_of(&self, row: &Row) -> &[LabelId] {
        &self.labels[row.labels.clone()]
    }

    /// Returns whether two points say the same, times aside.
    fn same_value(&self, a: &Row, b: &Row) -> bool {
        match (&a.value, &b.value) {
            (Value::Number(a), Value::Number(b)) => a == b,
            (
                Value::Histogram { classic, native },
                Value::Histogram {
                    classic: other,
                    native: other_native,
                },
            ) => {
                let native_of =
                    |range: &Option<Range<usize>>| range.clone().map(|range| &self.natives[range]);
                let classic_of =
                    |at: &Option<usize>| at.map(|at| &self.classics[at]).map(|c| self.classic_parts(c));
                native_of(native) == native_of(other_native) && classic_of(classic) == classic_of(other)
            }
            (Value::Summary(a), Value::Summary(b)) => {
                let parts = |at: usize| self.summary_parts(&self.summaries[at]);
                parts(*a) == parts(*b)
            }
            _ => false,
        }
    }

    fn classic_parts(&self, c: &Classic) -> (Option<u64>, u64, NumbersId, &[u64]) {
        (c.sum, c.count, c.bounds, &self.values[c.totals.clone()])
    }

    fn summary_parts(&self, s: &Summary) -> (u64, u64, NumbersId, &[u64]) {
        (s.sum, s.count, s.quantiles, &self.values[s.values.clone()])
    }
}
