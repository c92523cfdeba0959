//! Writes start times into a batch.

use weir_pdata::rewrite::{
    Answer, Editor, ExponentialHistogramEdit, HistogramEdit, MetricEdit, NumberEdit, PointEdit, ResourceEdit,
    ScopeEdit, SummaryEdit,
};
use weir_pdata::view::{
    ExponentialHistogramPoint, HistogramPoint, Metric, MetricKind, Number, NumberPoint, PointHead, Resource,
    Scope, SummaryPoint, Temporality,
};
use weir_streams::Identity;

use crate::processor::Tally;
use crate::starts::{Point, Starts};

/// A pass over one batch that leaves values as they are.
pub(crate) struct Starting<'a> {
    pub(crate) starts: &'a Starts,
    pub(crate) identity: Identity,
    /// With `start_time_metric`: when the processes of the resources to come began, if they say so.
    pub(crate) processes: std::vec::IntoIter<Option<u64>>,
    /// When a process began that does not say so.
    pub(crate) otherwise_ns: Option<u64>,
    /// When the process of the current resource began.
    pub(crate) process_ns: Option<u64>,
    /// Whether the points of the current metric never fall.
    pub(crate) grows: bool,
    pub(crate) now: u32,
    pub(crate) tally: Tally,
}

impl Starting<'_> {
    fn write(&mut self, head: &PointHead<'_>, value: Option<Number>, edit: &mut PointEdit<'_>) -> Answer {
        if head.start_ns != 0 {
            return Answer::Keep;
        }
        let point = Point {
            id: self.identity.stream(&head.attributes),
            time_ns: head.time_ns,
            value: value.filter(|_| head.is_recorded()),
            grows: self.grows,
            process_ns: self.process_ns,
        };
        let start_ns = self.starts.of(&point, self.now).unwrap_or_else(|_| {
            self.tally.limited += 1;
            point.process_ns.filter(|start_ns| *start_ns <= head.time_ns)
        });
        if let Some(start_ns) = start_ns {
            self.tally.written += 1;
            edit.set_start_ns(start_ns);
        }
        Answer::Keep
    }
}

/// Returns a count as a number that can be compared.
fn count(count: u64) -> Option<Number> {
    Some(Number::Int(i64::try_from(count).unwrap_or(i64::MAX)))
}

impl Editor for Starting<'_> {
    fn resource(&mut self, resource: &Resource<'_>, _: &mut ResourceEdit<'_>) -> Answer {
        self.process_ns = self.processes.next().flatten().or(self.otherwise_ns);
        self.identity.resource(resource);
        Answer::Enter
    }

    fn scope(&mut self, scope: &Scope<'_>, _: &mut ScopeEdit<'_>) -> Answer {
        self.identity.scope(scope);
        Answer::Enter
    }

    fn metric(&mut self, metric: &Metric<'_>, _: &mut MetricEdit<'_>) -> Answer {
        self.grows = match metric.kind {
            MetricKind::Sum {
                temporality: Temporality::Cumulative,
                monotonic,
            } => monotonic,
            MetricKind::Histogram {
                temporality: Temporality::Cumulative,
            }
            | MetricKind::ExponentialHistogram {
                temporality: Temporality::Cumulative,
            }
            | MetricKind::Summary => true,
            _ => return Answer::Keep,
        };
        self.identity.metric(metric);
        Answer::Enter
    }

    fn number(&mut self, point: &NumberPoint<'_>, edit: &mut NumberEdit<'_>) -> Answer {
        let value = point.value.filter(|value| !value.as_f64().is_nan());
        self.write(&point.head(), value, &mut edit.point)
    }

    fn histogram(&mut self, point: &HistogramPoint<'_>, edit: &mut HistogramEdit<'_>) -> Answer {
        self.write(&point.head(), count(point.count), &mut edit.point)
    }

    fn exponential_histogram(
        &mut self,
        point: &ExponentialHistogramPoint<'_>,
        edit: &mut ExponentialHistogramEdit<'_>,
    ) -> Answer {
        self.write(&point.head(), count(point.count), &mut edit.point)
    }

    fn summary(&mut self, point: &SummaryPoint<'_>, edit: &mut SummaryEdit<'_>) -> Answer {
        self.write(&point.head(), count(point.count), &mut edit.point)
    }
}
