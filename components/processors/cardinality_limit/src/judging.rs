//! The second look at a batch, at the points that may not pass unseen: what becomes of each.

use std::sync::Arc;

use weir_pdata::view::{
    AnyValue, Attribute, Attributes, ExponentialHistogramPoint, HistogramPoint, Metric, MetricKind,
    MetricsVisitor, NO_RECORDED_VALUE, NumberPoint, Resource, Scope, SummaryPoint, Temporality, Visit,
    push_text,
};
use weir_proto::otlp::common::v1::KeyValue;
use weir_streams::{ExplicitHistogram, ExponentialHistogram, Identity, StreamId};

use crate::Action;
use crate::groups::Place;
use crate::guard::{Guard, OVERFLOW_MARK, text_attribute};
use crate::ids::Kind;
use crate::limit::{Limit, Tally};
use crate::merging::{Added, Amount, Change, Merges, Share, Unmergeable};
use crate::offenders::Offender;
use crate::reading::owned_by;
use crate::state::Home;

/// What becomes of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It stays as it came.
    Keep,
    /// It goes.
    Drop,
    /// It stays with the sum of this number.
    Carry(u32),
}

/// When a batch is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Now {
    /// Since the processor began.
    pub(crate) seconds: u32,
    /// Unix time.
    pub(crate) unix_ns: u64,
}

/// How far ahead of our clock the time of a sum may be. It is the time of many series, so one sender's clock must not spoil it.
const AHEAD_NS: u64 = 60_000_000_000;

/// A look at one batch.
pub(crate) struct Judging<'a> {
    guard: &'a Guard,
    now: Now,
    ids: &'a [StreamId],
    /// Points that pass.
    pass: &'a [bool],
    /// Ordinal of the next point.
    at: usize,
    identity: Identity,
    owner: Owner,
    metric: Current,
    /// What was named last: the next one is nearly always the same.
    named: Option<(Limit, StreamId)>,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) merges: Merges,
    pub(crate) tally: Tally,
}

/// The tenant whose data comes.
pub(crate) struct Owner {
    pub(crate) name: String,
    pub(crate) bits: u128,
    /// Where its series count.
    pub(crate) series: Place,
    /// Where its overflow series count.
    pub(crate) overflow: Place,
}

/// The metric whose points come.
struct Current {
    name: Vec<u8>,
    series: Place,
    /// Its points may be added up.
    adds_up: bool,
    /// It never falls.
    grows: bool,
}

/// Values of a point that are beyond a limit.
#[derive(Default)]
struct Values {
    beyond: Option<Limit>,
    keys: Vec<Vec<u8>>,
    /// A value stands for others already.
    marked: bool,
}

impl<'a> Judging<'a> {
    pub(crate) fn new(
        guard: &'a Guard,
        tenant: &str,
        ids: &'a [StreamId],
        pass: &'a [bool],
        now: Now,
    ) -> Self {
        let owner = guard.owner(tenant);
        Self {
            guard,
            now,
            ids,
            pass,
            at: 0,
            identity: owned_by(tenant, guard.seed),
            metric: Current {
                name: Vec::new(),
                series: owner.series,
                adds_up: false,
                grows: false,
            },
            owner,
            named: None,
            decisions: vec![Decision::Keep; ids.len()],
            merges: Merges::default(),
            tally: Tally::default(),
        }
    }

    fn point(&mut self, attributes: &Attributes<'_>, share: impl FnOnce(&Current, &mut Merges) -> Share) {
        let at = self.at;
        self.at += 1;
        if self.pass.get(at) == Some(&false) {
            self.decisions[at] = self.judge(self.ids[at], attributes, share);
        }
    }

    /// Says what becomes of a point. Values come first: what a value beyond its limit is replaced by may be a series that is known.
    fn judge(
        &mut self,
        own: StreamId,
        attributes: &Attributes<'_>,
        share: impl FnOnce(&Current, &mut Merges) -> Share,
    ) -> Decision {
        let guard = self.guard;
        let Values {
            mut beyond,
            keys,
            marked,
        } = self.judge_values(attributes);
        if let Some(limit) = beyond
            && !(guard.values.action == Action::Overflow && self.metric.adds_up)
        {
            self.tally.drop(limit);
            return Decision::Drop;
        }
        let mut change = Change {
            values: keys,
            all: false,
        };
        let mut id = own;
        if beyond.is_some() {
            id = self.id_with(attributes, &change);
        }
        let marked = marked || guard.is_marked(attributes);
        let merged = self.metric.adds_up && (marked || beyond.is_some());
        let home = Home::Own {
            tenant: self.owner.series,
            metric: self.metric.series,
        };
        match guard.state.series_seen(id, self.now.seconds, home, merged) {
            Ok(()) if !merged => return Decision::Keep,
            Ok(()) => {}
            Err(limit) => {
                self.name_series(limit, attributes);
                change.all = true;
                let overflows = guard.series.action == Action::Overflow && self.metric.adds_up;
                if overflows {
                    id = self.id_with(attributes, &change);
                }
                if !(overflows && self.has_room(id)) {
                    self.tally.drop(limit);
                    return Decision::Drop;
                }
                beyond = Some(limit);
            }
        }
        let share = share(&self.metric, &mut self.merges);
        self.merge(id, share, change, beyond)
    }

    /// Returns true if there is room for this overflow series.
    fn has_room(&self, id: StreamId) -> bool {
        let home = Home::Overflow(self.owner.overflow);
        self.guard
            .state
            .series_seen(id, self.now.seconds, home, true)
            .is_ok()
    }

    /// Adds a point to a sum. It may have been one before, then it is beyond no limit.
    fn merge(&mut self, id: StreamId, share: Share, change: Change, beyond: Option<Limit>) -> Decision {
        let time_ns = share.time_ns.min(self.now.unix_ns.saturating_add(AHEAD_NS));
        let added = match share.amount {
            // It says nothing, so nothing is lost.
            None => Ok(Added::ToAnother),
            Some(Err(_)) if beyond.is_none() => return Decision::Keep,
            Some(Err(unmergeable)) => Err(unmergeable),
            Some(Ok(amount)) => self.merges.add(id, [share.start_ns, time_ns], amount, change),
        };
        if let (Some(limit), Ok(_)) = (beyond, &added) {
            self.tally.overflow(limit);
        }
        match added {
            Ok(Added::First(number)) => Decision::Carry(number),
            Ok(Added::ToAnother) => {
                self.tally.merged += 1;
                Decision::Drop
            }
            Err(Unmergeable) => {
                self.tally.unmergeable += 1;
                Decision::Drop
            }
        }
    }

    fn judge_values(&mut self, attributes: &Attributes<'_>) -> Values {
        let guard = self.guard;
        let mut found = Values::default();
        if !guard.values.is_limited() {
            return found;
        }
        for attribute in attributes.iter() {
            let key = attribute.key().as_bytes();
            let Some(limit) = guard.values.of(key) else {
                continue;
            };
            if guard.values.action == Action::Overflow && is_text(attribute.value(), &guard.values.overflow) {
                found.marked = true;
                continue;
            }
            let pair = self.identity.attribute(&attribute);
            let id = guard.ids.of(Kind::Value, self.owner.bits, pair);
            let place = || Place {
                id: guard
                    .ids
                    .of(Kind::Attribute, self.owner.bits, guard.ids.name(key)),
                limit,
            };
            if let Err(limit) = guard.state.value_seen(id, self.now.seconds, place) {
                self.name_value(limit, place(), key, attributes);
                found.beyond.get_or_insert(limit);
                found.keys.push(key.to_vec());
            }
        }
        found
    }

    /// Returns the series of a point whose attributes are changed.
    fn id_with(&mut self, attributes: &Attributes<'_>, change: &Change) -> StreamId {
        let guard = self.guard;
        let goes =
            |attribute: &Attribute<'_>| change.values.iter().any(|key| key == attribute.key().as_bytes());
        let stays = |attribute: &Attribute<'_>| !change.all || guard.is_kept(attribute);
        let replaced: Vec<KeyValue> = attributes
            .iter()
            .filter(|attribute| goes(attribute) && stays(attribute))
            .map(|attribute| {
                let key = String::from_utf8_lossy(attribute.key().as_bytes());
                text_attribute(&key, &guard.values.overflow)
            })
            .collect();
        let same = attributes
            .iter()
            .filter(|attribute| !goes(attribute) && stays(attribute));
        let mark = change.all.then_some(Attribute::Decoded(&guard.mark));
        self.identity
            .stream_of(same.chain(replaced.iter().map(Attribute::Decoded)).chain(mark))
    }

    fn name_series(&mut self, limit: Limit, attributes: &Attributes<'_>) {
        let place = match limit {
            Limit::Tenant => self.owner.series,
            Limit::Total | Limit::Metric | Limit::Attribute | Limit::Bytes => self.metric.series,
        };
        let most = match limit {
            Limit::Total => self.guard.series.total,
            _ => place.limit,
        };
        self.name(limit, Place { limit: most, ..place }, None, attributes);
    }

    fn name_value(&mut self, limit: Limit, place: Place, key: &[u8], attributes: &Attributes<'_>) {
        self.name(limit, place, Some(key), attributes);
    }

    fn name(&mut self, limit: Limit, place: Place, key: Option<&[u8]>, attributes: &Attributes<'_>) {
        if self.named == Some((limit, place.id)) {
            return;
        }
        self.named = Some((limit, place.id));
        self.guard.offenders.name(limit, place, || Offender {
            tenant: self.owner.name.clone(),
            metric: String::from_utf8_lossy(&self.metric.name).into_owned(),
            attribute: key.map(|key| String::from_utf8_lossy(key).into_owned()),
            point: point_text(attributes),
        });
    }
}

impl MetricsVisitor for Judging<'_> {
    fn resource(&mut self, resource: &Resource<'_>) {
        let mut name = std::mem::take(&mut self.owner.name);
        self.guard.tenants.of_resource(resource, &mut name);
        self.owner = self.guard.owner(&name);
        self.identity.owner(Some(&name));
        self.identity.resource(resource);
    }

    fn scope(&mut self, scope: &Scope<'_>) {
        self.identity.scope(scope);
    }

    fn metric(&mut self, metric: &Metric<'_>) -> Visit {
        let points = self.at..self.at + metric.points;
        let pass = self.pass.get(points.clone()).unwrap_or_default();
        if pass.iter().all(|pass| *pass) {
            self.at = points.end;
            return Visit::Skip;
        }
        self.identity.metric(metric);
        let name = metric.name.as_bytes();
        self.metric = Current {
            name: name.to_vec(),
            series: self.guard.metric(self.owner.bits, name),
            adds_up: adds_up(metric.kind),
            grows: matches!(metric.kind, MetricKind::Sum { monotonic: true, .. }),
        };
        Visit::Points
    }

    fn number(&mut self, point: &NumberPoint<'_>) {
        self.point(&point.attributes, |metric, _| Share {
            start_ns: point.start_ns,
            time_ns: point.time_ns,
            amount: says_something(point.flags).then(|| Amount::of_number(point.value, metric.grows)),
        });
    }

    fn histogram(&mut self, point: &HistogramPoint<'_>) {
        self.point(&point.attributes, |_, merges| Share {
            start_ns: point.start_ns,
            time_ns: point.time_ns,
            amount: says_something(point.flags).then(|| {
                let histogram = ExplicitHistogram::of(point, merges.bounds.as_ref());
                let histogram = histogram.map_err(|_| Unmergeable)?;
                merges.bounds = Some(Arc::clone(&histogram.bounds));
                Ok(Amount::Histogram(Box::new(histogram)))
            }),
        });
    }

    fn exponential_histogram(&mut self, point: &ExponentialHistogramPoint<'_>) {
        self.point(&point.attributes, |_, _| Share {
            start_ns: point.start_ns,
            time_ns: point.time_ns,
            amount: says_something(point.flags).then(|| {
                let histogram = ExponentialHistogram::of(point).map_err(|_| Unmergeable)?;
                Ok(Amount::Exponential(Box::new(histogram)))
            }),
        });
    }

    fn summary(&mut self, point: &SummaryPoint<'_>) {
        self.point(&point.attributes, |_, _| Share {
            start_ns: point.start_ns,
            time_ns: point.time_ns,
            amount: Some(Err(Unmergeable)),
        });
    }
}

/// Returns true if points of several streams add up to a point of one: of deltas alone. The sum of totals would need the last total of
/// each stream, of which there are too many; gauges and summaries have no sum.
const fn adds_up(kind: MetricKind) -> bool {
    let (MetricKind::Sum { temporality, .. }
    | MetricKind::Histogram { temporality }
    | MetricKind::ExponentialHistogram { temporality }) = kind
    else {
        return false;
    };
    matches!(temporality, Temporality::Delta)
}

const fn says_something(flags: u32) -> bool {
    flags & NO_RECORDED_VALUE == 0
}

fn is_text(value: AnyValue<'_>, text: &str) -> bool {
    matches!(value, AnyValue::String(value) if value.as_bytes() == text.as_bytes())
}

/// Returns true for the mark of points that stand for others, as SDKs write it, and as it comes from Prometheus.
pub(crate) fn is_mark(attribute: &Attribute<'_>) -> bool {
    attribute.key().as_bytes() == OVERFLOW_MARK.as_bytes()
        && (matches!(attribute.value(), AnyValue::Bool(true)) || is_text(attribute.value(), "true"))
}

/// Returns the attributes of a point for a person to read.
fn point_text(attributes: &Attributes<'_>) -> String {
    let mut text = String::from("{");
    for (index, attribute) in attributes.iter().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(&String::from_utf8_lossy(attribute.key().as_bytes()));
        text.push_str("=\"");
        if push_text(attribute.value(), &mut text).is_err() {
            text.push('\u{fffd}');
        }
        text.push('"');
    }
    text.push('}');
    text
}
