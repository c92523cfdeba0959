//! Puts what came since the point before in the place of each total.

use std::sync::Arc;

use weir_component::{BuildError, Signal};
use weir_edit::{MatchProperties, Matcher, Selecting, Selection};
use weir_pdata::rewrite::{
    Answer, Editor, ExponentialHistogramEdit, HistogramEdit, MetricEdit, NumberEdit, ResourceEdit, ScopeEdit,
};
use weir_pdata::view::{
    Attributes, ExponentialHistogramPoint, HistogramPoint, Metric, MetricKind, NO_RECORDED_VALUE, Number,
    NumberPoint, Resource, Scope, Temporality,
};
use weir_streams::{Budget, Entry, ExplicitHistogram, ExponentialHistogram, Identity, Shards, StreamId};

use crate::stream::{Stream, Total};
use crate::tally::{Reason, Tally};
use crate::{Config, InitialValue, MetricType};

/// The last totals of all streams, and the rules by which they are compared.
pub(crate) struct Converter {
    table: Shards<Stream>,
    names: Selection,
    included: Vec<MetricType>,
    excluded: Vec<MetricType>,
    initial: InitialValue,
    /// When the processor began, Unix time in nanoseconds.
    begun_ns: u64,
    seed: u64,
}

impl Converter {
    pub(crate) fn new(config: &Config, begun_ns: u64, seed: u64) -> Result<Self, BuildError> {
        let matcher = |properties: MatchProperties| Matcher::new(&properties, Signal::Metrics);
        let include = config.include.as_ref().and_then(|section| section.names());
        let exclude = config.exclude.as_ref().and_then(|section| section.names());
        let types = |section: &Option<crate::MetricMatch>| {
            let section = section.as_ref();
            section.map_or_else(Vec::new, |section| section.metric_types.clone())
        };
        Ok(Self {
            table: Shards::new(config.limits()),
            names: Selection::new(
                include.map(matcher).transpose()?,
                exclude.into_iter().map(matcher).collect::<Result<_, _>>()?,
            ),
            included: types(&config.include),
            excluded: types(&config.exclude),
            initial: config.initial_value,
            begun_ns,
            seed,
        })
    }

    /// Returns what the table takes.
    pub(crate) fn budget(&self) -> &Budget {
        self.table.budget()
    }

    /// Begins with a batch of a tenant, at a time in seconds.
    pub(crate) fn begin(&self, tenant: Option<&str>, now: u32) -> Conversion<'_> {
        let mut identity = Identity::new(self.seed);
        identity.owner(tenant);
        Conversion {
            converter: self,
            identity,
            selecting: self.names.begin(),
            bounds: None,
            now,
            tally: Tally::default(),
            undo: Vec::new(),
        }
    }

    /// Puts back what a batch replaced, save where a later batch has gone on from it.
    pub(crate) fn roll_back(&self, undo: Vec<Undo>) {
        for Undo { id, wrote_ns, before } in undo.into_iter().rev() {
            self.table.with(Shards::<Stream>::shard_of(id), |table, ()| {
                let Some(slot) = table.find(id) else { return };
                if table
                    .get(slot)
                    .is_none_or(|entry| entry.value.time_ns != wrote_ns)
                {
                    return;
                }
                match before {
                    Some(before) => {
                        table.change(slot, |entry| entry.value = before);
                    }
                    None => {
                        table.remove(slot);
                    }
                }
            });
        }
    }

    /// Forgets streams that were last seen more than `stale` seconds before `now`. Returns how many.
    pub(crate) fn sweep(&self, now: u32, stale: u32) -> usize {
        (0..weir_streams::SHARDS)
            .map(|shard| {
                self.table.with(shard, |table, ()| {
                    table.sweep(|entry| now.saturating_sub(entry.seen) > stale)
                })
            })
            .sum()
    }

    fn is_converted(&self, kind: MetricKind) -> Option<MetricType> {
        let converted = match kind {
            MetricKind::Sum {
                temporality: Temporality::Cumulative,
                monotonic: true,
            } => MetricType::Sum,
            MetricKind::Histogram {
                temporality: Temporality::Cumulative,
            } => MetricType::Histogram,
            MetricKind::ExponentialHistogram {
                temporality: Temporality::Cumulative,
            } => MetricType::ExponentialHistogram,
            _ => return None,
        };
        let selected = (self.included.is_empty() || self.included.contains(&converted))
            && !self.excluded.contains(&converted);
        selected.then_some(converted)
    }

    /// Returns true if a first point covers nothing that the destination may have seen already, or that it never will.
    fn takes_first(&self, start_ns: u64, time_ns: u64) -> bool {
        match self.initial {
            InitialValue::Auto => start_ns >= self.begun_ns && start_ns != time_ns,
            InitialValue::Keep => true,
            InitialValue::Drop => false,
        }
    }
}

/// One stream as it was before a point.
#[derive(Debug)]
pub(crate) struct Undo {
    id: StreamId,
    /// Time of the point.
    wrote_ns: u64,
    /// Nothing if the point was the first.
    before: Option<Stream>,
}

/// A pass over one batch.
pub(crate) struct Conversion<'a> {
    converter: &'a Converter,
    identity: Identity,
    selecting: Selecting<'a>,
    /// Bounds of the last histogram: the next one nearly always has the same.
    bounds: Option<Arc<[f64]>>,
    now: u32,
    pub(crate) tally: Tally,
    pub(crate) undo: Vec<Undo>,
}

/// What becomes of a point.
enum Outcome {
    /// It goes on as it came.
    First,
    /// It goes on with the difference to the one before.
    Delta { start_ns: u64, delta: Total },
    /// It goes.
    Drop(Reason),
}

/// What all kinds of points have.
struct Place<'p> {
    attributes: &'p Attributes<'p>,
    start_ns: u64,
    time_ns: u64,
    flags: u32,
}

impl Conversion<'_> {
    /// Decides on a point and counts it.
    fn decide(&mut self, kind: MetricType, place: &Place<'_>, total: Option<Total>) -> Outcome {
        let outcome = match total {
            _ if place.flags & NO_RECORDED_VALUE != 0 => Outcome::Drop(Reason::NoRecordedValue),
            None => Outcome::Drop(Reason::Invalid),
            Some(total) => self.compare(place, total),
        };
        match outcome {
            Outcome::Drop(reason) => self.tally.dropped[kind as usize][reason as usize] += 1,
            Outcome::First | Outcome::Delta { .. } => self.tally.taken[kind as usize] += 1,
        }
        outcome
    }

    /// Compares a total with the last one of its stream, and remembers it.
    fn compare(&mut self, place: &Place<'_>, total: Total) -> Outcome {
        let Self {
            converter,
            undo,
            now,
            identity,
            ..
        } = self;
        let id = incarnation(identity.stream(place.attributes), place.start_ns, &total);
        let time_ns = place.time_ns;
        converter.table.with(Shards::<Stream>::shard_of(id), |table, ()| {
            let Some(slot) = table.find(id) else {
                let value = Stream { time_ns, total };
                let entry = Entry {
                    id,
                    seen: *now,
                    value,
                };
                if table.insert(entry).is_err() {
                    return Outcome::Drop(Reason::Limit);
                }
                undo.push(Undo {
                    id,
                    wrote_ns: time_ns,
                    before: None,
                });
                return match converter.takes_first(place.start_ns, time_ns) {
                    true => Outcome::First,
                    false => Outcome::Drop(Reason::Initial),
                };
            };
            let compared = table.change(slot, |entry| {
                entry.seen = *now;
                let start_ns = entry.value.time_ns;
                if time_ns <= start_ns {
                    return Outcome::Drop(Reason::OutOfOrder);
                }
                let delta = total.since(&entry.value.total);
                undo.push(Undo {
                    id,
                    wrote_ns: time_ns,
                    before: Some(std::mem::replace(&mut entry.value, Stream { time_ns, total })),
                });
                match delta {
                    Ok(delta) => Outcome::Delta { start_ns, delta },
                    Err(reason) => Outcome::Drop(reason),
                }
            });
            compared.expect("a slot that was found has an entry")
        })
    }
}

/// Returns the id of a stream from one start to the next: a counter that begins anew, and says so, is a stream of its own, and so are two
/// senders of one stream that began at different times. As in the Collector, integers and doubles are streams of their own too.
fn incarnation(id: StreamId, start_ns: u64, total: &Total) -> StreamId {
    const MULTIPLIER: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    let begun = u128::from(start_ns) << 1 | u128::from(matches!(total, Total::Double(_)));
    StreamId::from(u128::from_le_bytes(id.to_bytes()) ^ begun.wrapping_mul(MULTIPLIER))
}

impl Editor for Conversion<'_> {
    fn resource(&mut self, resource: &Resource<'_>, _: &mut ResourceEdit<'_>) -> Answer {
        self.selecting.resource(resource);
        self.identity.resource(resource);
        Answer::Enter
    }

    fn scope(&mut self, scope: &Scope<'_>, _: &mut ScopeEdit<'_>) -> Answer {
        self.selecting.scope(scope);
        self.identity.scope(scope);
        Answer::Enter
    }

    fn metric(&mut self, metric: &Metric<'_>, edit: &mut MetricEdit<'_>) -> Answer {
        if self.converter.is_converted(metric.kind).is_none() || !self.selecting.metric(metric) {
            return Answer::Keep;
        }
        self.identity.metric(metric);
        edit.set_temporality(Temporality::Delta);
        Answer::Enter
    }

    fn number(&mut self, point: &NumberPoint<'_>, edit: &mut NumberEdit<'_>) -> Answer {
        let total = match point.value {
            Some(Number::Int(value)) => Some(Total::Int(value)),
            Some(Number::Double(value)) if value.is_finite() => Some(Total::Double(value)),
            _ => None,
        };
        let place = Place {
            attributes: &point.attributes,
            start_ns: point.start_ns,
            time_ns: point.time_ns,
            flags: point.flags,
        };
        let (start_ns, value) = match self.decide(MetricType::Sum, &place, total) {
            Outcome::First => return Answer::Keep,
            Outcome::Delta {
                start_ns,
                delta: Total::Int(value),
            } => (start_ns, Number::Int(value)),
            Outcome::Delta {
                start_ns,
                delta: Total::Double(value),
            } => (start_ns, Number::Double(value)),
            Outcome::Delta { .. } | Outcome::Drop(_) => return Answer::Drop,
        };
        edit.point.set_start_ns(start_ns);
        edit.set_value(value);
        Answer::Keep
    }

    fn histogram(&mut self, point: &HistogramPoint<'_>, edit: &mut HistogramEdit<'_>) -> Answer {
        let histogram = ExplicitHistogram::of(point, self.bounds.as_ref()).ok();
        if let Some(histogram) = &histogram {
            self.bounds = Some(Arc::clone(&histogram.bounds));
        }
        let place = Place {
            attributes: &point.attributes,
            start_ns: point.start_ns,
            time_ns: point.time_ns,
            flags: point.flags,
        };
        let total = histogram.map(|histogram| Total::Histogram(Box::new(histogram)));
        let (start_ns, delta) = match self.decide(MetricType::Histogram, &place, total) {
            Outcome::First => return Answer::Keep,
            Outcome::Delta {
                start_ns,
                delta: Total::Histogram(delta),
            } => (start_ns, delta),
            Outcome::Delta { .. } | Outcome::Drop(_) => return Answer::Drop,
        };
        edit.point.set_start_ns(start_ns);
        delta.write_to(edit);
        Answer::Keep
    }

    fn exponential_histogram(
        &mut self,
        point: &ExponentialHistogramPoint<'_>,
        edit: &mut ExponentialHistogramEdit<'_>,
    ) -> Answer {
        let histogram = ExponentialHistogram::of(point).ok();
        let place = Place {
            attributes: &point.attributes,
            start_ns: point.start_ns,
            time_ns: point.time_ns,
            flags: point.flags,
        };
        let total = histogram.map(|histogram| Total::Exponential(Box::new(histogram)));
        let (start_ns, delta) = match self.decide(MetricType::ExponentialHistogram, &place, total) {
            Outcome::First => return Answer::Keep,
            Outcome::Delta {
                start_ns,
                delta: Total::Exponential(delta),
            } => (start_ns, delta),
            Outcome::Delta { .. } | Outcome::Drop(_) => return Answer::Drop,
        };
        edit.point.set_start_ns(start_ns);
        delta.write_to(edit);
        Answer::Keep
    }
}
