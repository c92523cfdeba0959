//! The accepted points of one batch, and the grouping of those that are one series.

mod group;
mod numbers;
mod span;

use crate::family::FamilyId;
use crate::labels::{LabelId, LabelTable, PlanId, WellKnown};

pub(crate) use group::Groups;
pub(crate) use numbers::{Numbers, NumbersId};
pub(crate) use span::{Index, Span};

/// Room for a batch of so many points is kept; that of a larger one is given back.
const KEPT_ROWS: usize = 1 << 17;

/// One accepted point, with numbers of things in [`Rows`]. Rows are written, grouped and read again once for each point of a batch, so
/// they are small.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) family: FamilyId,
    pub(crate) plan: PlanId,
    /// Sorted labels without the generated ones, in [`Rows::labels`].
    pub(crate) labels: Span,
    /// Sum of the hashes of the labels and of the family's name.
    pub(crate) hash: u64,
    /// Milliseconds since the epoch.
    pub(crate) time: i64,
    /// Milliseconds since the epoch, 0 for none.
    pub(crate) start: i64,
    pub(crate) value: Value,
    /// If there are any, in [`Rows::exemplar_lists`].
    pub(crate) exemplars: Option<Index>,
    /// Whether an OTLP point stands behind the row: not for `target_info`.
    pub(crate) is_point: bool,
}

const _: () = assert!(size_of::<Row>() <= 64, "a cache line");

/// The value of a point. Points of one series have one kind.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value {
    /// Bits of a float sample.
    Number(u64),
    /// A histogram in one or both forms.
    Histogram {
        /// In [`Rows::classics`].
        classic: Option<Index>,
        /// Encoded histogram without its times: see [`Rows::native`].
        native: Option<Index>,
    },
    /// In [`Rows::summaries`].
    Summary(Index),
}

/// A histogram with explicit buckets as float samples.
#[derive(Debug)]
pub(crate) struct Classic {
    pub(crate) sum: Option<u64>,
    pub(crate) count: u64,
    /// Bounds of the buckets but the last.
    pub(crate) bounds: NumbersId,
    /// Bits of the running totals, one per bound, in [`Rows::values`].
    pub(crate) totals: Span,
}

/// A summary as float samples.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) sum: u64,
    pub(crate) count: u64,
    pub(crate) quantiles: NumbersId,
    /// Bits of the values, one per quantile, in [`Rows::values`].
    pub(crate) values: Span,
}

/// An exemplar.
#[derive(Debug, Clone)]
pub(crate) struct Exemplar {
    pub(crate) value: f64,
    /// Milliseconds since the epoch.
    pub(crate) time: i64,
    /// In [`Rows::labels`].
    pub(crate) labels: Span,
    /// Sum of the hashes of the labels.
    pub(crate) hash: u64,
}

/// All accepted points of a batch.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Row>,
    pub(crate) labels: Vec<LabelId>,
    pub(crate) classics: Vec<Classic>,
    natives: Vec<u8>,
    /// For each native histogram where its bytes end.
    native_ends: Vec<usize>,
    pub(crate) summaries: Vec<Summary>,
    pub(crate) values: Vec<u64>,
    pub(crate) exemplars: Vec<Exemplar>,
    /// Those of a point, in `exemplars`.
    pub(crate) exemplar_lists: Vec<Span>,
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
        self.native_ends.clear();
        self.summaries.clear();
        self.values.clear();
        self.exemplars.clear();
        self.exemplar_lists.clear();
        self.bounds.clear();
        self.quantiles.clear();
        self.infinite = None;
    }

    /// Touches rows that will be read at once, and their labels. They have left the nearest caches, and the loads here do not wait for
    /// each other as those of a reader do.
    #[inline]
    pub(crate) fn warm(&self, rows: &[u32]) {
        let seen = rows.iter().fold(0, |seen, at| {
            let labels = self.labels_of(&self.rows[*at as usize]);
            let ends = labels.first().zip(labels.last());
            seen ^ ends.map_or(0, |(first, last)| first.number() ^ last.number())
        });
        std::hint::black_box(seen);
    }

    /// Returns the label of the last bucket of classic histograms.
    pub(crate) fn infinite_bound(&mut self, table: &mut LabelTable) -> LabelId {
        *self
            .infinite
            .get_or_insert_with(|| table.add(WellKnown::Le.id(), "+Inf"))
    }

    /// Returns about how many series a value makes.
    #[inline]
    pub(crate) fn series_of(&self, value: Value) -> usize {
        match value {
            Value::Number(_) => 1,
            Value::Histogram { classic, .. } => {
                classic.map_or(1, |at| self.classics[at.number()].totals.range().len())
            }
            Value::Summary(at) => self.summaries[at.number()].values.range().len(),
        }
    }

    /// Returns the float samples of a histogram that has that form.
    #[inline]
    pub(crate) fn classic(&self, row: &Row) -> &Classic {
        match row.value {
            Value::Histogram {
                classic: Some(classic),
                ..
            } => &self.classics[classic.number()],
            _ => unreachable!("only rows with a classic form are asked"),
        }
    }

    /// Appends a native histogram, which `put` encodes.
    pub(crate) fn add_native(&mut self, put: impl FnOnce(&mut Vec<u8>)) -> Index {
        put(&mut self.natives);
        Index::push(&mut self.native_ends, self.natives.len())
    }

    /// Returns an encoded histogram without its times.
    pub(crate) fn native(&self, at: Index) -> &[u8] {
        let number = at.number();
        let start = number.checked_sub(1).map_or(0, |before| self.native_ends[before]);
        &self.natives[start..self.native_ends[number]]
    }

    pub(crate) fn labels_of(&self, row: &Row) -> &[LabelId] {
        &self.labels[row.labels.range()]
    }

    pub(crate) fn exemplars_of(&self, row: &Row) -> &[Exemplar] {
        row.exemplars.map_or(&[], |list| {
            &self.exemplars[self.exemplar_lists[list.number()].range()]
        })
    }

    /// Returns whether two points say the same, times aside.
    fn same_value(&self, a: &Row, b: &Row) -> bool {
        match (a.value, b.value) {
            (Value::Number(a), Value::Number(b)) => a == b,
            (
                Value::Histogram { classic, native },
                Value::Histogram {
                    classic: other,
                    native: other_native,
                },
            ) => {
                let native_of = |at: Option<Index>| at.map(|at| self.native(at));
                let classic_of = |at: Option<Index>| {
                    at.map(|at| &self.classics[at.number()])
                        .map(|c| self.classic_parts(c))
                };
                native_of(native) == native_of(other_native) && classic_of(classic) == classic_of(other)
            }
            (Value::Summary(a), Value::Summary(b)) => {
                let parts = |at: Index| self.summary_parts(&self.summaries[at.number()]);
                parts(a) == parts(b)
            }
            _ => false,
        }
    }

    fn classic_parts(&self, c: &Classic) -> (Option<u64>, u64, NumbersId, &[u64]) {
        (c.sum, c.count, c.bounds, &self.values[c.totals.range()])
    }

    fn summary_parts(&self, s: &Summary) -> (u64, u64, NumbersId, &[u64]) {
        (s.sum, s.count, s.quantiles, &self.values[s.values.range()])
    }
}
