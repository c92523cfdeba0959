//! Reads a batch: every OTLP point becomes a row, or is dropped with a reason.
//!
//! Owns what a point turns into. It does not know messages or requests.

mod exemplar;
mod histogram;
mod resource;

use weir_pdata::view::{
    Attributes, Exemplars, ExponentialHistogramPoint, HistogramPoint, Metric, MetricsVisitor,
    NO_RECORDED_VALUE, Number, NumberPoint, Resource, Scope, SummaryPoint, Visit,
};

use crate::drops::{DropReason, Drops};
use crate::family::{Families, FamilyId, Suffix};
use crate::labels::{Attr, Base, Bases, LabelId, LabelSet, LabelTable, Repeats, Shapes, WellKnown};
use crate::native::NativeHistogram;
use crate::rows::{Index, Row, Rows, Span, Summary, Value};
use crate::settings::Settings;
use crate::stale;
use crate::target_info::{Target, TargetInfo};

pub(crate) use resource::ResourceParts;

/// Most bytes of the labels of a series, as they are in remote write 1.0. Stores allow far less.
const MAX_LABEL_SET: usize = 64 << 10;

/// Most bytes of the labels of all series of a point.
const MAX_POINT: usize = 64 << 20;

/// What a batch is read into.
pub(crate) struct Tables {
    pub(crate) labels: LabelTable,
    pub(crate) shapes: Shapes,
    pub(crate) bases: Bases,
    pub(crate) repeats: Repeats,
    pub(crate) families: Families,
    pub(crate) rows: Rows,
}

impl Tables {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            labels: LabelTable::new(settings.label_namer()),
            shapes: Shapes::default(),
            bases: Bases::default(),
            repeats: Repeats::default(),
            families: Families::new(settings),
            rows: Rows::default(),
        }
    }

    /// Begins a batch.
    pub(crate) fn begin(&mut self) {
        if self.labels.begin() || self.shapes.is_full() || self.bases.is_full() {
            self.shapes.clear();
            self.bases.clear();
        }
        self.repeats.begin_scope();
        self.families.begin();
        self.rows.clear();
    }
}

/// What of the settings a collector needs, ready to use.
#[derive(Debug)]
pub(crate) struct Choices {
    pub(crate) settings: Settings,
    /// External labels with their final names.
    pub(crate) external: Vec<(String, String)>,
    /// Whether explicit histograms become native ones.
    pub(crate) native: bool,
    /// Whether explicit histograms become classic series.
    pub(crate) classic: bool,
}

/// Reads one batch into [`Tables`].
pub(crate) struct Collector<'t> {
    choices: &'t Choices,
    tables: &'t mut Tables,
    scratch: &'t mut Scratch,
    targets: &'t mut TargetInfo,
    drops: &'t mut Drops,
    resource: ResourceParts,
    base: Base,
    family: FamilyId,
    target: Option<Target>,
}

/// Room that is kept from batch to batch.
#[derive(Default)]
pub(crate) struct Scratch {
    attrs: Vec<Attr>,
    /// Those of a resource that `target_info` tells.
    described: Vec<Attr>,
    /// What a resource gives to its `target_info`.
    target: Base,
    /// Labels of a scope.
    scope: Vec<LabelId>,
    text: String,
    bounds: Vec<f64>,
    counts: Vec<u64>,
    native: NativeHistogram,
}

/// What all kinds of points have.
struct Point<'p> {
    attributes: Attributes<'p>,
    start_ns: u64,
    time_ns: u64,
    exemplars: Option<Exemplars<'p>>,
}

impl<'t> Collector<'t> {
    pub(crate) fn new(
        choices: &'t Choices,
        tables: &'t mut Tables,
        scratch: &'t mut Scratch,
        targets: &'t mut TargetInfo,
        drops: &'t mut Drops,
    ) -> Self {
        let resource = ResourceParts::new(choices, &mut tables.labels);
        // Replaced by the first scope, before any point.
        let base = Base::default();
        // Replaced by the first metric, before any point.
        let family = FamilyId::FIRST;
        Self {
            choices,
            tables,
            scratch,
            targets,
            drops,
            resource,
            base,
            family,
            target: None,
        }
    }

    /// Ends the batch.
    pub(crate) fn finish(mut self) {
        self.end_resource();
        self.targets.emit(self.tables);
    }

    fn end_resource(&mut self) {
        if let Some(target) = self.target.take() {
            self.targets.note(target, &self.tables.rows, &self.tables.labels);
        }
    }

    fn point(&mut self, point: &Point<'_>, value: impl FnOnce(&mut Self) -> Result<Value, DropReason>) {
        if let Err(reason) = self.try_point(point, value) {
            self.drops.add(reason, 1);
        }
    }

    #[inline]
    fn try_point(
        &mut self,
        point: &Point<'_>,
        value: impl FnOnce(&mut Self) -> Result<Value, DropReason>,
    ) -> Result<(), DropReason> {
        let LabelSet { plan, labels, hash } = self.label_set(point.attributes)?;
        let tables = &mut *self.tables;
        let family = tables.families.get(self.family);
        let hash = hash.wrapping_add(tables.labels.hash(family.name(Suffix::None)));
        let (has_start, has_exemplars) = (family.has_start, family.has_exemplars);
        let value = value(self)?;
        self.check_size(labels, value)?;
        let exemplars = match &point.exemplars {
            Some(exemplars) if has_exemplars && self.choices.settings.exemplars && !exemplars.is_empty() => {
                self.exemplars(exemplars)
            }
            _ => None,
        };
        let time = milliseconds(point.time_ns);
        if let Some(target) = &mut self.target {
            target.latest = target.latest.max(time);
        }
        let start = if has_start {
            start_milliseconds(point.start_ns, point.time_ns)
        } else {
            0
        };
        let family = self.family;
        let row = Row {
            family,
            plan,
            labels,
            hash,
            time,
            start,
            value,
            exemplars,
            is_point: true,
        };
        self.tables.rows.rows.push(row);
        Ok(())
    }

    /// Refuses a point whose labels, which each of its series repeats, would make far more of it than was received.
    #[inline]
    fn check_size(&self, labels: Span, value: Value) -> Result<(), DropReason> {
        let (rows, table) = (&self.tables.rows, &self.tables.labels);
        let limit = MAX_LABEL_SET.min(MAX_POINT / rows.series_of(value).max(1));
        if table.exceed(&rows.labels[labels.range()], limit) {
            return Err(DropReason::LabelSetTooLarge);
        }
        Ok(())
    }

    #[inline]
    fn label_set(&mut self, attributes: Attributes<'_>) -> Result<LabelSet, DropReason> {
        let tables = &mut *self.tables;
        let raw = attributes.raw();
        if let Some(set) = raw.and_then(|raw| tables.repeats.guessed(raw)) {
            tables.labels.skip_list();
            return Ok(set);
        }
        tables.labels.translate(attributes, &mut self.scratch.attrs);
        let first = tables.rows.labels.len();
        let (plan, hash) = tables.shapes.resolve(
            &self.base,
            &self.scratch.attrs,
            &mut tables.labels,
            &mut tables.rows.labels,
        )?;
        let labels = (first..tables.rows.labels.len()).into();
        let set = LabelSet { plan, labels, hash };
        if let Some(raw) = raw {
            tables.repeats.note(raw, &set);
        }
        Ok(set)
    }

    fn summary_value(&mut self, point: &SummaryPoint<'_>, is_stale: bool) -> Result<Value, DropReason> {
        let rows = &mut self.tables.rows;
        let quantiles = &mut self.scratch.bounds;
        quantiles.clear();
        quantiles.extend(point.quantiles.iter().map(|(quantile, _)| *quantile));
        let quantiles = rows.quantiles.intern(
            quantiles,
            WellKnown::Quantile.id(),
            &mut self.tables.labels,
            all_distinct,
        )?;
        let bits = |value| {
            if is_stale {
                stale::STALE_NAN
            } else {
                stale::observed_bits(value)
            }
        };
        let first = rows.values.len();
        rows.values
            .extend(point.quantiles.iter().map(|(_, value)| bits(*value)));
        let summary = Summary {
            sum: bits(point.sum),
            count: bits(point.count as f64),
            quantiles,
            values: (first..rows.values.len()).into(),
        };
        Ok(Value::Summary(Index::push(&mut rows.summaries, summary)))
    }
}

impl MetricsVisitor for Collector<'_> {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.begin_resource(resource);
    }

    fn scope(&mut self, scope: &Scope<'_>) {
        self.begin_scope(scope);
    }

    fn metric(&mut self, metric: &Metric<'_>) -> Visit {
        if metric.points == 0 {
            self.drops.add(DropReason::NoData, 1);
            return Visit::Skip;
        }
        match self.tables.families.of(metric, &mut self.tables.labels) {
            Ok(family) => {
                self.family = family;
                self.tables.repeats.begin_metric();
                Visit::Points
            }
            Err(reason) => {
                self.drops.add(reason, metric.points as u64);
                Visit::Skip
            }
        }
    }

    fn number(&mut self, point: &NumberPoint<'_>) {
        let bits = if is_stale(point.flags) {
            stale::STALE_NAN
        } else {
            // A point without a value counts as 0, as everywhere else.
            stale::observed_bits(point.value.map_or(0.0, Number::as_f64))
        };
        let common = Point {
            attributes: point.attributes,
            start_ns: point.start_ns,
            time_ns: point.time_ns,
            exemplars: Some(point.exemplars),
        };
        self.point(&common, |_| Ok(Value::Number(bits)));
    }

    fn histogram(&mut self, point: &HistogramPoint<'_>) {
        let common = Point {
            attributes: point.attributes,
            start_ns: point.start_ns,
            time_ns: point.time_ns,
            exemplars: Some(point.exemplars),
        };
        self.point(&common, |this| this.histogram_value(point, is_stale(point.flags)));
    }

    fn exponential_histogram(&mut self, point: &ExponentialHistogramPoint<'_>) {
        let common = Point {
            attributes: point.attributes,
            start_ns: point.start_ns,
            time_ns: point.time_ns,
            exemplars: Some(point.exemplars),
        };
        self.point(&common, |this| {
            this.exponential_value(point, is_stale(point.flags))
        });
    }

    fn summary(&mut self, point: &SummaryPoint<'_>) {
        let common = Point {
            attributes: point.attributes,
            start_ns: point.start_ns,
            time_ns: point.time_ns,
            exemplars: None,
        };
        self.point(&common, |this| this.summary_value(point, is_stale(point.flags)));
    }
}

fn is_stale(flags: u32) -> bool {
    flags & NO_RECORDED_VALUE != 0
}

/// Nanoseconds to milliseconds, cut off. Fits: 2^64 ns are less than 2^45 ms.
fn milliseconds(ns: u64) -> i64 {
    (ns / 1_000_000) as i64
}

/// Returns the start time in milliseconds; 0 says that there is none, so a start in the very first
/// millisecond is moved on. A start after the point's own time is meaningless and left out.
fn start_milliseconds(start_ns: u64, time_ns: u64) -> i64 {
    if start_ns == 0 || start_ns > time_ns {
        0
    } else {
        milliseconds(start_ns).max(1)
    }
}

/// Equal quantiles would be equal series.
fn all_distinct(numbers: &[f64]) -> bool {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    // Positive and negative zero differ as text, all NaNs read the same.
    numbers.iter().all(|number| !number.is_nan())
        && sorted
            .windows(2)
            .all(|pair| pair[0].to_bits() != pair[1].to_bits())
}
