//! The series of numbers, histograms and summaries.

mod exemplars;

use std::ops::Range;

use super::native::{put_times, times_len};
use super::relabeled::Relabeled;
use super::request::{Source, Tally};
use super::sample::Sample;
use super::{Codec, Frame, Named};
use crate::collect::Tables;
use crate::drops::Drops;
use crate::family::{FamilyId, Suffix};
use crate::labels::{LabelId, WellKnown};
use crate::relabel::Relabel;
use crate::rows::{Classic, Exemplar, Row, Value};
use crate::wire::put_header;

/// Writes whole series one after the other.
pub(super) struct SeriesWriter<C: Codec> {
    pub(super) codec: C,
    pub(super) tally: Tally,
    /// Labels of the current rows, without the generated ones.
    shared: Shared<C::Piece>,
    /// Labels of the current series before `le` or `quantile`.
    prefix: Vec<C::Piece>,
    /// The family whose metadata stands in each of the current series.
    described: Option<FamilyId>,
    metadata: Vec<u8>,
    sample: Sample,
    /// The bits of the first sample of the current series, as long as it is the only one.
    only: Option<u64>,
    /// What follows the labels of the current series.
    content: Vec<u8>,
    labels: Vec<LabelId>,
    /// Of the current series, until it ends.
    exemplars: Vec<Exemplar>,
    exemplar_labels: Vec<u8>,
    /// Rules for the labels of every series, if there are any. Then labels are encoded when a series ends.
    relabeled: Option<Relabeled>,
}

/// The labels of a row, and where in them generated ones go.
struct Shared<P> {
    pieces: Vec<P>,
    name_at: usize,
    extra_at: usize,
    /// End of a label that the generated one replaces.
    extra_end: usize,
    /// Where the labels after the generated one begin.
    rest_at: usize,
    /// Where in the prefix those of them begin that stand before it.
    list_at: usize,
    /// Says which labels they are.
    list: usize,
}

impl<C: Codec> SeriesWriter<C> {
    pub(super) fn new(codec: C, relabel: Option<Relabel>) -> Self {
        Self {
            codec,
            tally: Tally::default(),
            shared: Shared {
                pieces: Vec::new(),
                name_at: 0,
                extra_at: 0,
                extra_end: 0,
                rest_at: 0,
                list_at: 0,
                list: 0,
            },
            prefix: Vec::new(),
            described: None,
            metadata: Vec::new(),
            sample: Sample::default(),
            only: None,
            content: Vec::new(),
            labels: Vec::new(),
            exemplars: Vec::new(),
            exemplar_labels: Vec::new(),
            relabeled: relabel.map(Relabeled::new),
        }
    }

    /// Begins a batch.
    pub(super) fn begin_batch(&mut self) {
        self.described = None;
        self.codec.begin_batch();
    }

    /// Ends a request: returns it, and begins the next.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        self.described = None;
        self.codec.finish()
    }

    /// Goes back to a place in the request. It must be finished next.
    pub(super) fn rewind(&mut self, tally: Tally, mark: C::Mark) {
        self.tally = tally;
        self.codec.rewind(mark);
    }

    /// Begins rows that stay together.
    pub(super) fn begin_group(&mut self) {
        if let Some(relabeled) = &mut self.relabeled {
            relabeled.begin_group(self.tally.counts);
        }
    }

    /// Counts what rules dropped of the rows that stay together: `points`, if nothing is left of them, else series.
    pub(super) fn note_dropped(&self, drops: &mut Drops, points: u64) {
        if let Some(relabeled) = &self.relabeled {
            relabeled.note_dropped(drops, points);
        }
    }

    /// Writes the series of number points.
    pub(super) fn numbers(&mut self, source: &mut Source<'_>, rows: &[u32]) {
        if let Some(row) = self.plain(source, rows) {
            return self.number(source, row);
        }
        let family = self.begin(source, rows[0], WellKnown::Name);
        for at in rows {
            let row = source.row(*at);
            if let Value::Number(bits) = row.value {
                self.sample(bits, row.time, row.start);
            }
        }
        self.gather_exemplars(source, rows);
        self.select(source, family, Suffix::None, false);
        self.end(source, None);
    }

    /// Returns the row of one point alone, without exemplars and rules, which is nearly every point. There is a short way for it.
    #[inline]
    fn plain(&self, source: &Source<'_>, rows: &[u32]) -> Option<u32> {
        match rows {
            [row] if self.relabeled.is_none() && source.row(*row).exemplars.is_none() => Some(*row),
            _ => None,
        }
    }

    /// Writes the series of a [plain](Self::plain) row.
    fn number(&mut self, source: &mut Source<'_>, at: u32) {
        let tables = &mut *source.tables;
        let Row {
            family,
            plan,
            labels: list,
            time,
            start,
            value: Value::Number(bits),
            ..
        } = tables.rows.rows[at as usize]
        else {
            unreachable!("rows of one series have one kind");
        };
        self.describe(tables, family);
        self.set_times(time, start);
        let list = list.range();
        let labels = &tables.rows.labels[list.clone()];
        let (before, after) = labels.split_at(tables.shapes.place(plan, WellKnown::Name).at);
        let labels = Named {
            name: tables.families.get(family).name(Suffix::None),
            before,
            after,
            list: list.start,
        };
        self.tally.series += 1;
        self.tally.counts.samples += 1;
        self.codec
            .only(labels, bits, &mut self.sample, &mut tables.labels);
    }

    /// Writes the series of histogram points: the native one, the classic ones, or both.
    pub(super) fn histograms(&mut self, source: &mut Source<'_>, rows: &[u32]) {
        self.natives(source, rows);
        let has_classic =
            |at: &u32| matches!(source.row(*at).value, Value::Histogram { classic: Some(_), .. });
        if rows.iter().all(has_classic) {
            self.classics(source, rows);
        } else if rows.iter().any(has_classic) {
            // Explicit and exponential points under one name.
            let classic: Vec<u32> = rows.iter().copied().filter(has_classic).collect();
            self.classics(source, &classic);
        }
    }

    fn natives(&mut self, source: &mut Source<'_>, rows: &[u32]) {
        let has_native =
            |at: &&u32| matches!(source.row(**at).value, Value::Histogram { native: Some(_), .. });
        let native: Vec<u32> = rows.iter().filter(has_native).copied().collect();
        let Some(first) = native.first() else { return };
        let family = self.begin(source, *first, WellKnown::Name);
        for at in &native {
            let row = source.row(*at);
            if let Value::Histogram {
                native: Some(native), ..
            } = row.value
            {
                let start = if C::START_TIMES { row.start } else { 0 };
                let body = source.tables.rows.native(native);
                put_header(
                    &mut self.content,
                    C::HISTOGRAM,
                    body.len() + times_len(row.time, start),
                );
                self.content.extend_from_slice(body);
                put_times(&mut self.content, row.time, start);
                self.tally.counts.histograms += 1;
            }
        }
        self.gather_exemplars(source, &native);
        self.select(source, family, Suffix::None, false);
        self.end(source, None);
    }

    fn classics(&mut self, source: &mut Source<'_>, rows: &[u32]) {
        let family = self.begin(source, rows[0], WellKnown::Le);
        for at in rows {
            let (row, classic) = (source.row(*at), classic(source, *at));
            if let Some(sum) = classic.sum {
                self.sample(sum, row.time, row.start);
            }
        }
        if self.only.is_some() || !self.content.is_empty() {
            self.select(source, family, Suffix::Sum, false);
            self.end(source, None);
        }
        self.counts(source, rows);
        self.select(source, family, Suffix::Count, false);
        self.end(source, None);

        self.select(source, family, Suffix::Bucket, true);
        if let Some(row) = self.plain(source, rows) {
            return self.buckets(source, row);
        }
        let shared_bounds = classic(source, rows[0]).bounds;
        let is_shared = rows.iter().all(|at| classic(source, *at).bounds == shared_bounds);
        let bounds = if is_shared {
            source.tables.rows.bounds.get(shared_bounds).to_vec()
        } else {
            all_bounds(source, rows)
        };
        let mut exemplars = self.place_exemplars(source, rows, &bounds).into_iter().peekable();
        for (index, (bound, le)) in bounds.iter().enumerate() {
            for at in rows {
                let (row, classic) = (source.row(*at), classic(source, *at));
                let own = source.tables.rows.bounds.get(classic.bounds);
                let index = if is_shared {
                    Some(index)
                } else {
                    index_of(own, *bound)
                };
                if let Some(index) = index {
                    let totals = &source.tables.rows.values[classic.totals.range()];
                    self.sample(totals[index], row.time, row.start);
                }
            }
            self.exemplars.clear();
            while let Some((_, exemplar)) = exemplars.next_if(|(bucket, _)| *bucket == index) {
                self.exemplars.push(exemplar);
            }
            self.end(source, Some(*le));
        }
        self.counts(source, rows);
        self.exemplars.clear();
        self.exemplars.extend(exemplars.map(|(_, exemplar)| exemplar));
        let infinite = source.tables.rows.infinite_bound(&mut source.tables.labels);
        self.end(source, Some(infinite));
    }

    /// Writes the bucket series of a [plain](Self::plain) row.
    fn buckets(&mut self, source: &mut Source<'_>, at: u32) {
        let Tables { labels, rows, .. } = &mut *source.tables;
        let infinite = rows.infinite_bound(labels);
        let row = &rows.rows[at as usize];
        let classic = rows.classic(row);
        let totals = &rows.values[classic.totals.range()];
        let bounds = rows.bounds.get(classic.bounds).iter().map(|(_, le)| *le);
        let buckets = bounds.zip(totals.iter().copied());
        let series = totals.len() as u64 + 1;
        self.tally.series += series;
        self.tally.counts.samples += series;
        self.set_times(row.time, row.start);
        let frame = self.shared.frame(&self.prefix);
        let all = buckets.chain([(infinite, classic.count)]);
        self.codec.buckets(frame, all, &mut self.sample, labels);
    }

    fn counts(&mut self, source: &Source<'_>, rows: &[u32]) {
        for at in rows {
            let row = source.row(*at);
            self.sample(classic(source, *at).count, row.time, row.start);
        }
    }

    /// Writes the series of summary points.
    pub(super) fn summaries(&mut self, source: &mut Source<'_>, rows: &[u32]) {
        let family = self.begin(source, rows[0], WellKnown::Quantile);
        for at in rows {
            let row = source.row(*at);
            self.sample(summary(source, *at).sum, row.time, row.start);
        }
        self.select(source, family, Suffix::Sum, false);
        self.end(source, None);
        for at in rows {
            let row = source.row(*at);
            self.sample(summary(source, *at).count, row.time, row.start);
        }
        self.select(source, family, Suffix::Count, false);
        self.end(source, None);
        let quantiles = all_quantiles(source, rows);
        // Not without a series to follow: in 2.0 the name would become a symbol that nothing refers to.
        if !quantiles.is_empty() {
            self.select(source, family, Suffix::None, true);
        }
        for (quantile, label) in quantiles {
            for at in rows {
                let (row, summary) = (source.row(*at), summary(source, *at));
                let own = source.tables.rows.quantiles.get(summary.quantiles);
                if let Some(index) = own
                    .iter()
                    .position(|(other, _)| other.to_bits() == quantile.to_bits())
                {
                    let values = &source.tables.rows.values[summary.values.range()];
                    self.sample(values[index], row.time, row.start);
                }
            }
            self.end(source, Some(label));
        }
    }

    // === one series ===

    /// Encodes the labels that the series of a row share; `generated` will be added to some of them.
    fn begin(&mut self, source: &mut Source<'_>, row: u32, generated: WellKnown) -> FamilyId {
        let tables = &mut *source.tables;
        self.content.clear();
        self.only = None;
        if let Some(relabeled) = &mut self.relabeled {
            return relabeled.begin(tables, row, generated);
        }
        let row = &tables.rows.rows[row as usize];
        let name = tables.shapes.place(row.plan, WellKnown::Name);
        let extra = tables.shapes.place(row.plan, generated);
        let shared = &mut self.shared;
        shared.pieces.clear();
        let labels = tables.rows.labels_of(row);
        shared.list = row.labels.range().start;
        let mut put = |range: Range<usize>| {
            self.codec
                .labels(&labels[range], &mut tables.labels, &mut shared.pieces);
            shared.pieces.len()
        };
        // `__name__` comes before both `le` and `quantile`.
        let replaced = extra.at + usize::from(extra.taken);
        shared.name_at = put(0..name.at);
        shared.extra_at = put(name.at..extra.at);
        shared.extra_end = put(extra.at..replaced);
        put(replaced..labels.len());
        let family = row.family;
        self.describe(tables, family);
        family
    }

    /// Files the metadata of a family.
    #[inline]
    fn describe(&mut self, tables: &mut Tables, family: FamilyId) {
        if self.described == Some(family) {
            return;
        }
        self.described = Some(family);
        self.metadata.clear();
        self.codec.metadata(
            tables.families.get_mut(family),
            &tables.labels,
            &mut self.metadata,
        );
        self.sample.set_metadata(&self.metadata);
    }

    #[inline]
    fn sample(&mut self, bits: u64, time: i64, start: i64) {
        self.tally.counts.samples += 1;
        self.keep_only();
        self.set_times(time, start);
        if self.content.is_empty() {
            self.only = Some(bits);
        } else {
            self.sample.put(bits, &mut self.content);
        }
    }

    /// Makes content of a sample that was the only one.
    #[inline]
    fn keep_only(&mut self) {
        if let Some(bits) = self.only.take() {
            self.sample.put(bits, &mut self.content);
        }
    }

    #[inline]
    fn set_times(&mut self, time: i64, start: i64) {
        self.sample
            .set_times(time, if C::START_TIMES { start } else { 0 });
    }

    /// Makes the series that follow those of a suffix. `is_generated` says that each will have a generated label.
    fn select(&mut self, source: &mut Source<'_>, family: FamilyId, suffix: Suffix, is_generated: bool) {
        let tables = &mut *source.tables;
        let name = tables.families.get(family).name(suffix);
        if let Some(relabeled) = &mut self.relabeled {
            return relabeled.select(name);
        }
        let shared = &mut self.shared;
        self.prefix.clear();
        self.prefix.extend_from_slice(&shared.pieces[..shared.name_at]);
        self.codec.labels(&[name], &mut tables.labels, &mut self.prefix);
        shared.list_at = self.prefix.len();
        self.prefix
            .extend_from_slice(&shared.pieces[shared.name_at..shared.extra_at]);
        // Without a generated label, one of its name stays.
        shared.rest_at = if is_generated {
            shared.extra_end
        } else {
            shared.extra_at
        };
    }

    /// Writes the series that `content` and `exemplars` belong to, unless rules drop it, and clears them for the next.
    fn end(&mut self, source: &mut Source<'_>, extra: Option<LabelId>) {
        let extra = if self.relabeled.is_none() {
            extra
        } else if self.relabel(source, extra) {
            None
        } else {
            return;
        };
        if !self.exemplars.is_empty() {
            self.keep_only();
            self.put_exemplars(source);
        }
        self.tally.series += 1;
        let frame = self.shared.frame(&self.prefix);
        let table = &mut source.tables.labels;
        if let Some(bits) = self.only.take() {
            return self.codec.sample(frame, extra, bits, &mut self.sample, table);
        }
        self.codec
            .series(frame, extra, &self.content, &self.metadata, table);
        self.content.clear();
    }

    /// Applies the rules to the series that ends. Returns whether it stays; then all its labels are in `prefix`.
    #[inline(never)]
    fn relabel(&mut self, source: &mut Source<'_>, extra: Option<LabelId>) -> bool {
        let Some(relabeled) = &mut self.relabeled else {
            return true;
        };
        let tables = &mut *source.tables;
        let Some((labels, undescribed)) = relabeled.end(tables, extra, &mut self.tally.counts) else {
            self.content.clear();
            self.only = None;
            self.exemplars.clear();
            return false;
        };
        self.prefix.clear();
        self.codec.labels(labels, &mut tables.labels, &mut self.prefix);
        self.shared.list_at = self.prefix.len();
        if let Some(family) = undescribed {
            self.describe(tables, family);
        }
        true
    }
}

impl<P> Shared<P> {
    /// Returns the labels of the current series, of which `prefix` are those before the generated one.
    #[inline]
    fn frame<'f>(&'f self, prefix: &'f [P]) -> Frame<'f, P> {
        Frame {
            before: prefix,
            list_at: self.list_at,
            after: &self.pieces[self.rest_at..],
            list: self.list,
        }
    }
}

fn classic<'s>(source: &'s Source<'_>, at: u32) -> &'s Classic {
    source.tables.rows.classic(source.row(at))
}

fn summary<'s>(source: &'s Source<'_>, at: u32) -> &'s crate::rows::Summary {
    match source.row(at).value {
        Value::Summary(summary) => &source.tables.rows.summaries[summary.number()],
        _ => unreachable!("rows of one series have one kind"),
    }
}

/// Finds a bound in an ordered list.
fn index_of(bounds: &[(f64, LabelId)], bound: f64) -> Option<usize> {
    bounds.binary_search_by(|(other, _)| other.total_cmp(&bound)).ok()
}

/// Returns the bounds of all rows in order, each once.
fn all_bounds(source: &Source<'_>, rows: &[u32]) -> Vec<(f64, LabelId)> {
    let lists = &source.tables.rows.bounds;
    let mut all: Vec<_> = rows
        .iter()
        .flat_map(|at| lists.get(classic(source, *at).bounds))
        .copied()
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.dedup_by(|a, b| a.0.to_bits() == b.0.to_bits());
    all
}

/// Returns the quantiles of all rows, each once: as sent if there is one row, else in order.
fn all_quantiles(source: &Source<'_>, rows: &[u32]) -> Vec<(f64, LabelId)> {
    let lists = &source.tables.rows.quantiles;
    let mut all: Vec<_> = rows
        .iter()
        .flat_map(|at| lists.get(summary(source, *at).quantiles))
        .copied()
        .collect();
    if rows.len() > 1 {
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all.dedup_by(|a, b| a.0.to_bits() == b.0.to_bits());
    }
    all
}
