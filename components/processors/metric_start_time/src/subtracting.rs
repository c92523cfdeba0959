//! Takes what the first point of a stream said from the ones that follow.

use std::sync::Arc;

use weir_pdata::rewrite::{
    Answer, Editor, ExponentialHistogramEdit, HistogramEdit, MetricEdit, NumberEdit, PointEdit, ResourceEdit,
    ScopeEdit, SummaryEdit,
};
use weir_pdata::view::{
    ExponentialHistogramPoint, HistogramPoint, Metric, MetricKind, NumberPoint, PointHead, Resource, Scope,
    SummaryPoint, Temporality,
};
use weir_streams::{ExplicitHistogram, ExponentialHistogram, Identity};

use crate::initials::{Initials, Outcome, Reason, Total};
use crate::processor::Tally;

/// A pass over one batch.
pub(crate) struct Subtracting<'a> {
    pub(crate) initials: &'a Initials,
    pub(crate) identity: Identity,
    /// Bounds of the last histogram: the next one nearly always has the same.
    pub(crate) bounds: Option<Arc<[f64]>>,
    pub(crate) now: u32,
    pub(crate) tally: Tally,
}

impl Subtracting<'_> {
    /// Decides on a point; `total` is what it says, if that can be taken from something. Returns what is to be written in its place,
    /// or what becomes of it otherwise.
    fn next(
        &mut self,
        head: &PointHead<'_>,
        total: impl FnOnce(&mut Self) -> Option<Total>,
        edit: &mut PointEdit<'_>,
    ) -> Result<Total, Answer> {
        // Spec: data model, "Cumulative streams: handling unknown start time": a start at the time of the point is no start.
        if head.start_ns != 0 && head.start_ns != head.time_ns {
            return Err(Answer::Keep);
        }
        let id = self.identity.stream(&head.attributes);
        if !head.is_recorded() {
            if let Some(start_ns) = self.initials.start(id, head.time_ns) {
                self.tally.written += 1;
                edit.set_start_ns(start_ns);
            }
            return Err(Answer::Keep);
        }
        let Some(total) = total(self) else {
            return Err(self.drop(Reason::Invalid));
        };
        match self.initials.of(id, head.time_ns, total, self.now) {
            Ok(Outcome::Since { start_ns, total }) => {
                self.tally.written += 1;
                edit.set_start_ns(start_ns);
                Ok(total)
            }
            Ok(Outcome::Drop(reason)) => Err(self.drop(reason)),
            Err(_) => {
                self.tally.limited += 1;
                Err(Answer::Keep)
            }
        }
    }

    fn drop(&mut self, reason: Reason) -> Answer {
        self.tally.dropped[reason as usize] += 1;
        Answer::Drop
    }
}

impl Editor for Subtracting<'_> {
    fn resource(&mut self, resource: &Resource<'_>, _: &mut ResourceEdit<'_>) -> Answer {
        self.identity.resource(resource);
        Answer::Enter
    }

    fn scope(&mut self, scope: &Scope<'_>, _: &mut ScopeEdit<'_>) -> Answer {
        self.identity.scope(scope);
        Answer::Enter
    }

    fn metric(&mut self, metric: &Metric<'_>, _: &mut MetricEdit<'_>) -> Answer {
        match metric.kind {
            MetricKind::Sum {
                temporality: Temporality::Cumulative,
                monotonic: true,
            }
            | MetricKind::Histogram {
                temporality: Temporality::Cumulative,
            }
            | MetricKind::ExponentialHistogram {
                temporality: Temporality::Cumulative,
            }
            | MetricKind::Summary => {}
            // The value of a sum that may fall is how much there is.
            _ => return Answer::Keep,
        }
        self.identity.metric(metric);
        Answer::Enter
    }

    fn number(&mut self, point: &NumberPoint<'_>, edit: &mut NumberEdit<'_>) -> Answer {
        let total = |_: &mut Self| {
            let value = point.value.filter(|value| value.as_f64().is_finite());
            value.map(Total::Number)
        };
        match self.next(&point.head(), total, &mut edit.point) {
            Ok(Total::Number(value)) => edit.set_value(value),
            Ok(_) => return Answer::Drop,
            Err(answer) => return answer,
        }
        Answer::Keep
    }

    fn histogram(&mut self, point: &HistogramPoint<'_>, edit: &mut HistogramEdit<'_>) -> Answer {
        let total = |this: &mut Self| {
            let histogram = ExplicitHistogram::of(point, this.bounds.as_ref()).ok()?;
            this.bounds = Some(Arc::clone(&histogram.bounds));
            Some(Total::Histogram(Box::new(histogram)))
        };
        let since = match self.next(&point.head(), total, &mut edit.point) {
            Ok(Total::Histogram(since)) => since,
            Ok(_) => return Answer::Drop,
            Err(answer) => return answer,
        };
        since.write_to(edit);
        Answer::Keep
    }

    fn exponential_histogram(
        &mut self,
        point: &ExponentialHistogramPoint<'_>,
        edit: &mut ExponentialHistogramEdit<'_>,
    ) -> Answer {
        let total = |_: &mut Self| {
            let histogram = ExponentialHistogram::of(point).ok()?;
            Some(Total::Exponential(Box::new(histogram)))
        };
        let since = match self.next(&point.head(), total, &mut edit.point) {
            Ok(Total::Exponential(since)) => since,
            Ok(_) => return Answer::Drop,
            Err(answer) => return answer,
        };
        since.write_to(edit);
        Answer::Keep
    }

    fn summary(&mut self, point: &SummaryPoint<'_>, edit: &mut SummaryEdit<'_>) -> Answer {
        let total = |_: &mut Self| {
            point
                .sum
                .is_finite()
                .then_some(Total::Summary(point.count, point.sum))
        };
        match self.next(&point.head(), total, &mut edit.point) {
            Ok(Total::Summary(count, sum)) => {
                edit.set_count(count);
                edit.set_sum(sum);
            }
            Ok(_) => return Answer::Drop,
            Err(answer) => return answer,
        }
        Answer::Keep
    }
}
