//! Writes what was decided into a batch.

use weir_component::Batch;
use weir_pdata::rewrite::{
    Answer, Editor, ExponentialHistogramEdit, HistogramEdit, MetricEdit, NumberEdit, PointEdit, RewriteError,
    SummaryEdit,
};
use weir_pdata::view::{ExponentialHistogramPoint, HistogramPoint, Metric, NumberPoint, SummaryPoint};

use crate::guard::{Guard, OVERFLOW_MARK};
use crate::judging::Decision;
use crate::merging::{Amount, Merged, Merges};

/// Takes out what goes, and puts sums in the place of the points that carry them. There is one decision for each point, in order.
pub(crate) fn write(
    batch: &mut Batch,
    guard: &Guard,
    decisions: &[Decision],
    merges: &Merges,
) -> Result<(), RewriteError> {
    if decisions.iter().any(|decision| *decision != Decision::Keep) {
        batch.rewrite(&mut Writing {
            guard,
            decisions,
            merges,
        })?;
    }
    Ok(())
}

struct Writing<'a> {
    guard: &'a Guard,
    /// Of the points that are still to come.
    decisions: &'a [Decision],
    merges: &'a Merges,
}

impl<'a> Writing<'a> {
    /// Returns what the next point carries, its attributes and times already written; or what else becomes of it.
    fn next(&mut self, edit: &mut PointEdit<'_>) -> Result<&'a Amount, Answer> {
        let (decision, rest) = self.decisions.split_first().ok_or(Answer::Keep)?;
        self.decisions = rest;
        let number = match decision {
            Decision::Keep => return Err(Answer::Keep),
            Decision::Drop => return Err(Answer::Drop),
            Decision::Carry(number) => *number,
        };
        let merged = self.merges.get(number).ok_or(Answer::Keep)?;
        self.write_place(merged, edit);
        Ok(&merged.amount)
    }

    fn write_place(&self, merged: &Merged, edit: &mut PointEdit<'_>) {
        let change = &merged.change;
        if !change.values.is_empty() {
            edit.attributes.replace_values(|attribute| {
                let key = attribute.key();
                let goes = change.values.iter().any(|goes| goes == key.as_bytes());
                goes.then(|| self.guard.values.overflow.clone())
            });
        }
        if change.all {
            edit.attributes.retain(|attribute| self.guard.is_kept(&attribute));
            edit.attributes.upsert(OVERFLOW_MARK, true);
        }
        if let Some(span) = merged.span {
            edit.set_start_ns(span.start_ns);
            edit.set_time_ns(span.time_ns);
        }
    }
}

impl Editor for Writing<'_> {
    fn metric(&mut self, metric: &Metric<'_>, _: &mut MetricEdit<'_>) -> Answer {
        match self.decisions.split_at_checked(metric.points) {
            Some((own, rest)) if own.iter().all(|decision| *decision == Decision::Keep) => {
                self.decisions = rest;
                Answer::Keep
            }
            _ => Answer::Enter,
        }
    }

    fn number(&mut self, _: &NumberPoint<'_>, edit: &mut NumberEdit<'_>) -> Answer {
        match self.next(&mut edit.point) {
            Ok(Amount::Number(value)) => edit.set_value(*value),
            Ok(_) => {}
            Err(answer) => return answer,
        }
        Answer::Keep
    }

    fn histogram(&mut self, _: &HistogramPoint<'_>, edit: &mut HistogramEdit<'_>) -> Answer {
        match self.next(&mut edit.point) {
            Ok(Amount::Histogram(sum)) => {
                sum.write_to(edit);
            }
            Ok(_) => {}
            Err(answer) => return answer,
        }
        Answer::Keep
    }

    fn exponential_histogram(
        &mut self,
        _: &ExponentialHistogramPoint<'_>,
        edit: &mut ExponentialHistogramEdit<'_>,
    ) -> Answer {
        match self.next(&mut edit.point) {
            Ok(Amount::Exponential(sum)) => {
                sum.write_to(edit);
            }
            Ok(_) => {}
            Err(answer) => return answer,
        }
        Answer::Keep
    }

    fn summary(&mut self, _: &SummaryPoint<'_>, edit: &mut SummaryEdit<'_>) -> Answer {
        self.next(&mut edit.point).err().unwrap_or(Answer::Keep)
    }
}
