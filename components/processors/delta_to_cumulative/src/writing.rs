//! Rewrites a batch by the decisions on its points.

use weir_component::Batch;
use weir_pdata::rewrite::{
    Answer, Editor, ExponentialHistogramEdit, HistogramEdit, MetricEdit, NumberEdit, PointEdit, RewriteError,
};
use weir_pdata::view::{
    Attributes, ExponentialHistogramPoint, HistogramPoint, Metric, MetricKind, Number, NumberPoint,
    Temporality,
};

use crate::config::Summaries;
use crate::decision::Decision;
use crate::reading::is_delta;
use crate::stream::Total;

/// What becomes of metrics that are no deltas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// They stay.
    Stay,
    /// They stay, but for summaries.
    StayButSummaries,
    /// They go: they went on before.
    Go,
}

impl From<Summaries> for Others {
    fn from(summaries: Summaries) -> Self {
        match summaries {
            Summaries::Pass => Self::Stay,
            Summaries::Refuse => Self::StayButSummaries,
        }
    }
}

/// Puts totals in the place of deltas. What waits or goes is taken out. There is one decision for each delta, in order.
pub(crate) fn write_totals(
    batch: &mut Batch,
    decisions: &[Decision],
    others: Others,
) -> Result<(), RewriteError> {
    batch.rewrite(&mut Totals {
        decisions: decisions.iter(),
        others,
    })?;
    Ok(())
}

/// Takes everything out but the deltas that wait, which stay as they are.
pub(crate) fn keep_waiting(batch: &mut Batch, decisions: &[Decision]) -> Result<(), RewriteError> {
    batch.rewrite(&mut Waiting {
        decisions: decisions.iter(),
    })?;
    Ok(())
}

struct Totals<'a> {
    decisions: std::slice::Iter<'a, Decision>,
    others: Others,
}

impl Totals<'_> {
    /// Sets what all kinds of points have, and returns the total to write.
    fn next(&mut self, edit: &mut PointEdit<'_>) -> Result<&Total, Answer> {
        match self.decisions.next() {
            Some(Decision::Total { start_ns, total }) => {
                edit.set_start_ns(*start_ns);
                Ok(total)
            }
            Some(Decision::Nothing { start_ns }) => {
                if *start_ns != 0 {
                    edit.set_start_ns(*start_ns);
                }
                Err(Answer::Keep)
            }
            Some(Decision::Wait | Decision::Drop(_)) | None => Err(Answer::Drop),
        }
    }
}

impl Editor for Totals<'_> {
    fn metric(&mut self, metric: &Metric<'_>, edit: &mut MetricEdit<'_>) -> Answer {
        if is_delta(metric.kind) {
            edit.set_temporality(Temporality::Cumulative);
            return Answer::Enter;
        }
        match (self.others, metric.kind) {
            (Others::Go, _) | (Others::StayButSummaries, MetricKind::Summary) => Answer::Drop,
            _ => Answer::Keep,
        }
    }

    fn number(&mut self, _: &NumberPoint<'_>, edit: &mut NumberEdit<'_>) -> Answer {
        let value = match self.next(&mut edit.point) {
            Ok(Total::Int(value)) => Number::Int(*value),
            Ok(Total::Double(value)) => Number::Double(*value),
            // Two streams of different kinds with one identity: not in the lifetime of the universe, but not worth a panic.
            Ok(_) => return Answer::Drop,
            Err(answer) => return answer,
        };
        edit.set_value(value);
        Answer::Keep
    }

    fn histogram(&mut self, point: &HistogramPoint<'_>, edit: &mut HistogramEdit<'_>) -> Answer {
        let total = match self.next(&mut edit.point) {
            Ok(Total::Histogram(total)) => total,
            Ok(_) => return Answer::Drop,
            Err(answer) => return answer,
        };
        total.write_to(edit);
        if !point.bounds.iter().eq(total.bounds.iter().copied()) {
            edit.set_bounds(&total.bounds);
        }
        Answer::Keep
    }

    fn exponential_histogram(
        &mut self,
        _: &ExponentialHistogramPoint<'_>,
        edit: &mut ExponentialHistogramEdit<'_>,
    ) -> Answer {
        let total = match self.next(&mut edit.point) {
            Ok(Total::Exponential(total)) => total,
            Ok(_) => return Answer::Drop,
            Err(answer) => return answer,
        };
        total.write_to(edit);
        Answer::Keep
    }
}

struct Waiting<'a> {
    decisions: std::slice::Iter<'a, Decision>,
}

impl Editor for Waiting<'_> {
    fn metric(&mut self, metric: &Metric<'_>, _: &mut MetricEdit<'_>) -> Answer {
        match is_delta(metric.kind) {
            true => Answer::Enter,
            false => Answer::Drop,
        }
    }

    fn point(&mut self, _: &Attributes<'_>, _: &mut PointEdit<'_>) -> Answer {
        match self.decisions.next() {
            Some(Decision::Wait) => Answer::Keep,
            _ => Answer::Drop,
        }
    }
}
