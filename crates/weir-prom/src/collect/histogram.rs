//! Histogram points: classic series, native histograms, or both.

use weir_pdata::view::{ExponentialHistogramPoint, HistogramPoint};

use super::Collector;
use crate::drops::DropReason;
use crate::encode;
use crate::labels::WellKnown;
use crate::native::{ExponentialInput, Side, custom, exponential};
use crate::rows::{Classic, Index, Value};
use crate::stale;

impl Collector<'_> {
    pub(super) fn histogram_value(
        &mut self,
        point: &HistogramPoint<'_>,
        is_stale: bool,
    ) -> Result<Value, DropReason> {
        let scratch = &mut *self.scratch;
        scratch.bounds.clear();
        scratch.counts.clear();
        scratch.counts.extend(point.bucket_counts.iter());
        if !scratch.counts.is_empty() {
            scratch.bounds.extend(point.bounds.iter());
            if scratch.counts.len() != scratch.bounds.len() + 1 {
                return Err(DropReason::BucketCountMismatch);
            }
        }
        let native = if self.choices.native {
            custom(
                point.count,
                point.sum,
                &scratch.bounds,
                &scratch.counts,
                is_stale,
                &mut scratch.native,
            )?;
            Some(self.file_native())
        } else {
            None
        };
        let classic = if self.choices.classic {
            Some(self.file_classic(point, is_stale)?)
        } else {
            None
        };
        Ok(Value::Histogram { classic, native })
    }

    fn file_classic(&mut self, point: &HistogramPoint<'_>, is_stale: bool) -> Result<Index, DropReason> {
        let (rows, scratch) = (&mut self.tables.rows, &mut *self.scratch);
        // The last bucket is there without being said, and is the count rather than the buckets' total.
        if scratch.bounds.last() == Some(&f64::INFINITY) {
            scratch.bounds.pop();
        }
        let bounds = rows.bounds.intern(
            &scratch.bounds,
            WellKnown::Le.id(),
            &mut self.tables.labels,
            are_increasing,
        )?;
        let bits = |value| {
            if is_stale {
                stale::STALE_NAN
            } else {
                stale::observed_bits(value)
            }
        };
        let first = rows.values.len();
        let mut total = 0u64;
        for count in &scratch.counts[..scratch.bounds.len()] {
            total = total.saturating_add(*count);
            rows.values.push(bits(total as f64));
        }
        let classic = Classic {
            sum: point.sum.map(bits),
            count: bits(point.count as f64),
            bounds,
            totals: (first..rows.values.len()).into(),
        };
        Ok(Index::push(&mut rows.classics, classic))
    }

    pub(super) fn exponential_value(
        &mut self,
        point: &ExponentialHistogramPoint<'_>,
        is_stale: bool,
    ) -> Result<Value, DropReason> {
        let input = ExponentialInput {
            scale: point.scale,
            count: point.count,
            sum: point.sum,
            zero_count: point.zero_count,
            zero_threshold: point.zero_threshold,
            positive: Side {
                offset: point.positive.offset,
                counts: point.positive.counts.iter().copied(),
            },
            negative: Side {
                offset: point.negative.offset,
                counts: point.negative.counts.iter().copied(),
            },
            stale: is_stale,
        };
        exponential(input, &mut self.scratch.native)?;
        let native = Some(self.file_native());
        Ok(Value::Histogram {
            classic: None,
            native,
        })
    }

    fn file_native(&mut self) -> Index {
        let is_gauge = self.tables.families.get(self.family).is_delta;
        let native = &self.scratch.native;
        self.tables
            .rows
            .add_native(|out| encode::put_native(out, native, is_gauge))
    }
}

/// Equal bounds would be equal series.
fn are_increasing(bounds: &[f64]) -> bool {
    bounds.iter().all(|bound| !bound.is_nan()) && bounds.is_sorted_by(|a, b| a < b)
}
