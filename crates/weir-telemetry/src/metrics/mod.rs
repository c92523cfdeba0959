//! The registry of own metrics.
//!
//! Handles are those of the `metrics` crate, over cells of the registry; whoever reads takes a [`Snapshot`] and writes it out in a form
//! of their own, each reader by itself. Views are applied where handles are made, so recording costs the same with them.

mod cells;
mod def;
mod select;
mod snapshot;
mod text;
mod views;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use metrics::{Counter, Gauge, Histogram};

pub use cells::Distribution;
use cells::{Cell, Each, Spread};
pub use def::{BYTE_BUCKETS, COUNT_BUCKETS, Def, Level, OWN_SCOPE, Unit, UnknownLevel};
pub use select::{Selection, matches};
pub use snapshot::{Kind, Metric, Series, Snapshot, Value};
pub use text::Exposition;
pub use views::{Aggregation, InstrumentKind, View, ViewSelector};
use views::{Instrument, Stream};

/// Labels of a handle: names to values. The set of values must be bounded. Names are those of OpenTelemetry attributes, with dots.
pub type Labels<'a> = &'a [(&'static str, &'a str)];

/// A registry of metrics. Clones are the same registry.
#[derive(Clone)]
pub struct Metrics {
    shared: Arc<Shared>,
}

struct Shared {
    level: Level,
    views: Vec<View>,
    since: SystemTime,
    /// By name. Bounded by what is declared, and by the bounded sets of labels.
    families: Mutex<BTreeMap<String, Family>>,
}

/// One metric.
struct Family {
    help: String,
    unit: Option<Unit>,
    scope: &'static str,
    kind: Kind,
    observed: bool,
    only_sum: bool,
    extremes: bool,
    keys: Selection,
    series: BTreeMap<Vec<(&'static str, String)>, Cell>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics")
            .field("level", &self.shared.level)
            .finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(Level::default())
    }
}

impl Metrics {
    /// Creates an empty registry that keeps metrics up to `level`.
    pub fn new(level: Level) -> Self {
        Self::with_views(level, Vec::new())
    }

    /// Creates an empty registry that keeps metrics up to `level`, changed by views.
    pub fn with_views(level: Level, views: Vec<View>) -> Self {
        Self {
            shared: Arc::new(Shared {
                level,
                views,
                since: SystemTime::now(),
                families: Mutex::default(),
            }),
        }
    }

    /// Returns the level up to which metrics are kept.
    pub fn level(&self) -> Level {
        self.shared.level
    }

    /// Returns the handle of a counter; one that does nothing if the metric is above the level.
    pub fn counter(&self, def: &Def, labels: Labels<'_>) -> Counter {
        let kind = match def.observed {
            true => InstrumentKind::ObservableCounter,
            false => InstrumentKind::Counter,
        };
        let cells = self.cells(def, kind, Kind::Counter, labels, |_| Cell::Count(Arc::default()));
        handle(cells.into_iter().filter_map(|cell| match cell {
            Cell::Count(count) => Some(count),
            _ => None,
        }))
        .map_or_else(Counter::noop, |cells| match cells {
            Cells::One(cell) => Counter::from_arc(cell),
            Cells::Several(cells) => Counter::from_arc(Arc::new(Each(cells))),
        })
    }

    /// Returns the handle of a gauge; one that does nothing if the metric is above the level.
    pub fn gauge(&self, def: &Def, labels: Labels<'_>) -> Gauge {
        let (instrument, kind) = match (def.up_down, def.observed) {
            (false, false) => (InstrumentKind::Gauge, Kind::Gauge),
            (false, true) => (InstrumentKind::ObservableGauge, Kind::Gauge),
            (true, false) => (InstrumentKind::UpDownCounter, Kind::UpDownCounter),
            (true, true) => (InstrumentKind::ObservableUpDownCounter, Kind::UpDownCounter),
        };
        let cells = self.cells(def, instrument, kind, labels, |_| zero());
        handle(cells.into_iter().filter_map(number_of)).map_or_else(Gauge::noop, |cells| match cells {
            Cells::One(cell) => Gauge::from_arc(cell),
            Cells::Several(cells) => Gauge::from_arc(Arc::new(Each(cells))),
        })
    }

    /// Returns the handle of a histogram; one that does nothing if the metric is above the level.
    pub fn histogram(&self, def: &Def, labels: Labels<'_>) -> Histogram {
        let cells = self.cells(
            def,
            InstrumentKind::Histogram,
            Kind::Histogram,
            labels,
            |stream| Cell::Spread(Arc::new(Spread::new(Arc::clone(&stream.bounds)))),
        );
        handle(cells.into_iter().filter_map(|cell| match cell {
            Cell::Spread(spread) => Some(spread),
            _ => None,
        }))
        .map_or_else(Histogram::noop, |cells| match cells {
            Cells::One(cell) => Histogram::from_arc(cell),
            Cells::Several(cells) => Histogram::from_arc(Arc::new(Each(cells))),
        })
    }

    /// Sets a counter of fractions, such as seconds of CPU time. Such counters are kept elsewhere and have no labels.
    pub fn set_total(&self, def: &Def, value: f64) {
        let cells = self.cells(def, InstrumentKind::ObservableCounter, Kind::Counter, &[], |_| {
            zero()
        });
        for cell in cells.into_iter().filter_map(number_of) {
            cell.store(value.to_bits(), Ordering::Relaxed);
        }
    }

    /// Returns the cells that a handle writes to, one per metric that views make of the instrument; none above the level.
    fn cells(
        &self,
        def: &Def,
        instrument: InstrumentKind,
        kind: Kind,
        labels: Labels<'_>,
        new: impl Fn(&Stream) -> Cell,
    ) -> Vec<Cell> {
        if def.level > self.shared.level {
            return Vec::new();
        }
        let streams = views::streams(
            &self.shared.views,
            Instrument {
                def,
                kind: instrument,
            },
        );
        let mut families = self.families();
        let cells = streams.into_iter().filter_map(|stream| {
            let family = families.entry(stream.name.clone()).or_insert_with(|| Family {
                help: stream.help.clone(),
                unit: def.unit,
                scope: def::scope(def.name),
                kind: if stream.only_sum { Kind::Counter } else { kind },
                observed: matches!(
                    instrument,
                    InstrumentKind::ObservableCounter
                        | InstrumentKind::ObservableGauge
                        | InstrumentKind::ObservableUpDownCounter
                ),
                only_sum: stream.only_sum,
                extremes: stream.extremes,
                keys: stream.keys.clone(),
                series: BTreeMap::new(),
            });
            // Counters keep all labels: they may be set to a figure kept elsewhere, so those that become one are added when read.
            let kept = |name: &str| kind == Kind::Counter || stream.keys.takes(name);
            let key = labels
                .iter()
                .filter(|(name, _)| kept(name))
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect();
            let cell = family.series.entry(key).or_insert_with(|| new(&stream));
            let fits = (family.only_sum == stream.only_sum)
                && (stream.only_sum || family.kind == kind)
                && std::mem::discriminant(cell) == std::mem::discriminant(&new(&stream));
            if !fits {
                tracing::warn!(
                    metric = stream.name,
                    instrument = def.name,
                    "two instruments of different kinds have one name; the second is left out"
                );
            }
            fits.then(|| cell.clone())
        });
        cells.collect()
    }

    /// Returns what all metrics say at this moment.
    pub fn snapshot(&self) -> Snapshot {
        let families = self.families();
        let metrics = families.iter().filter(|(_, family)| !family.series.is_empty());
        Snapshot {
            since: self.shared.since,
            at: SystemTime::now(),
            metrics: metrics.map(|(name, family)| family.read(name)).collect(),
        }
    }

    /// Writes all metrics in the Prometheus text format, in the default way.
    pub fn render(&self) -> String {
        Exposition::default().render(&self.snapshot())
    }

    fn families(&self) -> MutexGuard<'_, BTreeMap<String, Family>> {
        self.shared
            .families
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Family {
    fn read(&self, name: &str) -> Metric {
        let value = |cell: &Cell| match cell {
            Cell::Count(count) => Value::Count(count.load(Ordering::Relaxed)),
            Cell::Number(bits) => Value::Number(f64::from_bits(bits.load(Ordering::Relaxed))),
            Cell::Spread(spread) if self.only_sum => Value::Number(spread.read().sum),
            Cell::Spread(spread) => {
                let mut read = spread.read();
                read.extremes = read.extremes.filter(|_| self.extremes);
                Value::Spread(read)
            }
        };
        let series: Vec<Series> = if self.kind == Kind::Counter && !self.keys.takes_all() {
            let mut added: BTreeMap<Vec<(&'static str, String)>, Value> = BTreeMap::new();
            for (labels, cell) in &self.series {
                let kept = labels.iter().filter(|(name, _)| self.keys.takes(name)).cloned();
                let sum = added.entry(kept.collect()).or_insert(match cell {
                    Cell::Count(_) => Value::Count(0),
                    _ => Value::Number(0.0),
                });
                match (sum, value(cell)) {
                    (Value::Count(sum), Value::Count(count)) => *sum += count,
                    (Value::Number(sum), Value::Number(number)) => *sum += number,
                    // A family has cells of one kind.
                    _ => {}
                }
            }
            let series = added.into_iter().map(|(labels, value)| Series { labels, value });
            series.collect()
        } else {
            let series = self.series.iter().map(|(labels, cell)| Series {
                labels: labels.clone(),
                value: value(cell),
            });
            series.collect()
        };
        Metric {
            name: name.to_owned(),
            help: self.help.clone(),
            unit: self.unit.map_or("", Unit::ucum),
            unit_suffix: self.unit.and_then(Unit::suffix),
            scope: self.scope,
            kind: self.kind,
            observed: self.observed,
            series,
        }
    }
}

/// One cell or several.
enum Cells<T> {
    One(Arc<T>),
    Several(Vec<Arc<T>>),
}

fn handle<T>(cells: impl Iterator<Item = Arc<T>>) -> Option<Cells<T>> {
    let mut cells: Vec<Arc<T>> = cells.collect();
    match cells.len() {
        0 => None,
        1 => cells.pop().map(Cells::One),
        _ => Some(Cells::Several(cells)),
    }
}

fn zero() -> Cell {
    Cell::Number(Arc::new(AtomicU64::new(0.0_f64.to_bits())))
}

fn number_of(cell: Cell) -> Option<Arc<AtomicU64>> {
    match cell {
        Cell::Number(bits) => Some(bits),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
