//! Takes the points out of a batch that wait for the end of the interval.

use std::sync::Arc;

use weir_component::Context;
use weir_pdata::ContextParts;
use weir_pdata::rewrite::{
    Answer, Editor, ExponentialHistogramEdit, HistogramEdit, MetricEdit, NumberEdit, PointEdit, ResourceEdit,
    ScopeEdit, SummaryEdit,
};
use weir_pdata::view::{
    ExponentialHistogramPoint, HistogramPoint, Metric, MetricKind, NumberPoint, PointHead, Resource, Scope,
    SummaryPoint, Temporality,
};
use weir_streams::Identity;

use crate::PassThrough;
use crate::homes::{Group, Home, Homes, Numbered};
use crate::newest::{Kept, Newest};

/// A pass over one batch.
pub(crate) struct Taking<'a> {
    newest: &'a Newest,
    homes: &'a Homes,
    pass_through: PassThrough,
    identity: Identity,
    /// Whom the points belong to.
    context: Context,
    /// What the next point stands in, as far as there is room to keep it.
    resource: Option<Numbered>,
    scope: Option<Numbered>,
    home: Option<Arc<Home>>,
    pub(crate) tally: Tally,
}

/// How many points came to which end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    /// Are held, as the only ones of their streams.
    pub(crate) first: u64,
    /// Are held, and an older one of their stream no longer is.
    pub(crate) newer: u64,
    /// Were not newer than the ones that are held.
    pub(crate) late: u64,
    /// Go on for want of room.
    pub(crate) limited: u64,
}

impl Tally {
    /// Returns how many points were taken out.
    pub(crate) const fn taken(&self) -> u64 {
        self.first + self.newer + self.late
    }
}

impl<'a> Taking<'a> {
    pub(crate) fn new(
        newest: &'a Newest,
        homes: &'a Homes,
        pass_through: PassThrough,
        seed: u64,
        context: &Context,
    ) -> Self {
        let mut identity = Identity::new(seed);
        identity.owner(owner(context).as_deref());
        let parts = ContextParts {
            tenant: context.tenant.clone(),
            identity: context.identity.clone(),
            ..ContextParts::default()
        };
        Self {
            newest,
            homes,
            pass_through,
            identity,
            context: Context::new(parts),
            resource: None,
            scope: None,
            home: None,
            tally: Tally::default(),
        }
    }

    fn is_held(&self, kind: MetricKind) -> bool {
        match kind {
            MetricKind::Gauge => !self.pass_through.gauge,
            MetricKind::Summary => !self.pass_through.summary,
            MetricKind::Sum {
                temporality,
                monotonic,
            } => monotonic && temporality == Temporality::Cumulative,
            MetricKind::Histogram { temporality } | MetricKind::ExponentialHistogram { temporality } => {
                temporality == Temporality::Cumulative
            }
            MetricKind::None => false,
        }
    }

    fn take(&mut self, point: &PointHead<'_>, edit: &PointEdit<'_>) -> Answer {
        let Some(home) = &self.home else {
            return Answer::Keep;
        };
        let id = self.identity.stream(&point.attributes);
        let count = match self.newest.keep(id, point.time_ns, home, edit.as_wire()) {
            Kept::First => &mut self.tally.first,
            Kept::Newer => &mut self.tally.newer,
            Kept::Late => &mut self.tally.late,
            Kept::Full => {
                self.tally.limited += 1;
                return Answer::Keep;
            }
        };
        *count += 1;
        Answer::Drop
    }
}

/// Returns who sent a batch: streams of different senders are different streams, so that none takes the place of another's.
fn owner(context: &Context) -> Option<String> {
    match (&context.tenant, &context.identity) {
        (None, None) => None,
        sender => Some(format!("{sender:?}")),
    }
}

impl Editor for Taking<'_> {
    fn resource(&mut self, resource: &Resource<'_>, edit: &mut ResourceEdit<'_>) -> Answer {
        self.identity.resource(resource);
        let [id, ..] = self.identity.levels();
        self.resource = self.homes.group(Group::Resource, id, || edit.to_envelope());
        Answer::Enter
    }

    fn scope(&mut self, scope: &Scope<'_>, edit: &mut ScopeEdit<'_>) -> Answer {
        self.identity.scope(scope);
        let [_, id, _] = self.identity.levels();
        self.scope = self.homes.group(Group::Scope, id, || edit.to_envelope());
        Answer::Enter
    }

    fn metric(&mut self, metric: &Metric<'_>, edit: &mut MetricEdit<'_>) -> Answer {
        if !self.is_held(metric.kind) {
            return Answer::Keep;
        }
        self.identity.metric(metric);
        let [.., id] = self.identity.levels();
        self.home = match (&self.resource, &self.scope) {
            (Some(resource), Some(scope)) => {
                let groups = [resource, scope];
                self.homes
                    .metric(id, groups, &self.context, || edit.to_envelope())
            }
            _ => None,
        };
        match self.home {
            Some(_) => Answer::Enter,
            None => {
                self.tally.limited += metric.points as u64;
                Answer::Keep
            }
        }
    }

    fn number(&mut self, point: &NumberPoint<'_>, edit: &mut NumberEdit<'_>) -> Answer {
        self.take(&point.head(), &edit.point)
    }

    fn histogram(&mut self, point: &HistogramPoint<'_>, edit: &mut HistogramEdit<'_>) -> Answer {
        self.take(&point.head(), &edit.point)
    }

    fn exponential_histogram(
        &mut self,
        point: &ExponentialHistogramPoint<'_>,
        edit: &mut ExponentialHistogramEdit<'_>,
    ) -> Answer {
        self.take(&point.head(), &edit.point)
    }

    fn summary(&mut self, point: &SummaryPoint<'_>, edit: &mut SummaryEdit<'_>) -> Answer {
        self.take(&point.head(), &edit.point)
    }
}
