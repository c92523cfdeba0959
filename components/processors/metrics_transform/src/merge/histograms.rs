//! One point of several points of histograms. Whatever the aggregation, they add up.

use weir_pdata::view::NO_RECORDED_VALUE;
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets as Side;
use weir_proto::otlp::metrics::v1::{ExponentialHistogramDataPoint, HistogramDataPoint};
use weir_streams::{Buckets, ExplicitHistogram, ExponentialHistogram, Invalid, MAX_BUCKETS, Overflow};

use super::{Mergeable, grouped};
use crate::tally::Tally;

/// Makes one of points that are the same; see [`regroup`](super::regroup). What cannot be added stays a point of its own.
pub(super) fn merge<P: Histogram>(points: &mut Vec<P>, delta: bool, tally: &mut Tally) {
    for mut group in grouped(points, delta, P::shape) {
        match group.len() {
            1 => points.append(&mut group),
            _ => add_up(group, points, tally),
        }
    }
}

fn add_up<P: Histogram>(group: Vec<P>, points: &mut Vec<P>, tally: &mut Tally) {
    let mut alone = Vec::new();
    let mut whole: Option<(P, Option<P::Total>)> = None;
    for mut point in group {
        let is_recorded = *point.flags() & NO_RECORDED_VALUE == 0;
        let Ok(value) = is_recorded.then(|| point.total()).transpose() else {
            alone.push(point);
            continue;
        };
        let Some((head, total)) = &mut whole else {
            whole = Some((point, value));
            continue;
        };
        match (total.as_mut(), value) {
            (_, None) => {}
            (None, Some(value)) => {
                *head.flags() &= !NO_RECORDED_VALUE;
                *total = Some(value);
            }
            (Some(total), Some(value)) => {
                if P::add(total, &value).is_err() {
                    alone.push(point);
                    continue;
                }
            }
        }
        head.absorb(point);
        tally.aggregated += 1;
    }
    if let Some((mut head, total)) = whole {
        if let Some(total) = total {
            head.set_total(total);
        }
        points.push(head);
    }
    points.append(&mut alone);
}

/// A point of a histogram.
pub(super) trait Histogram: Mergeable + Sized {
    /// What adds up.
    type Total;

    /// Adds to a key what must be the same in points that can be added.
    fn shape(&self, key: &mut Vec<u8>);

    fn total(&self) -> Result<Self::Total, Invalid>;

    fn set_total(&mut self, total: Self::Total);

    /// Adds measurements. A histogram without any changes nothing, lest it take the extremes away.
    fn add(total: &mut Self::Total, more: &Self::Total) -> Result<(), Overflow>;
}

impl Histogram for HistogramDataPoint {
    type Total = ExplicitHistogram;

    fn shape(&self, key: &mut Vec<u8>) {
        key.extend(self.bucket_counts.len().to_le_bytes());
        key.extend(self.explicit_bounds.iter().flat_map(|bound| bound.to_le_bytes()));
    }

    fn total(&self) -> Result<ExplicitHistogram, Invalid> {
        ExplicitHistogram::of(&self.into(), None)
    }

    fn set_total(&mut self, total: ExplicitHistogram) {
        self.count = total.count;
        self.sum = total.extremes.sum;
        self.min = total.extremes.min;
        self.max = total.extremes.max;
        self.explicit_bounds = total.bounds.to_vec();
        self.bucket_counts = total.counts.into_vec();
    }

    fn add(total: &mut ExplicitHistogram, more: &ExplicitHistogram) -> Result<(), Overflow> {
        match (total.count, more.count) {
            (_, 0) => Ok(()),
            (0, _) => {
                *total = more.clone();
                Ok(())
            }
            _ => total.add(more),
        }
    }
}

impl Histogram for ExponentialHistogramDataPoint {
    type Total = ExponentialHistogram;

    fn shape(&self, _: &mut Vec<u8>) {}

    fn total(&self) -> Result<ExponentialHistogram, Invalid> {
        ExponentialHistogram::of(&self.into())
    }

    fn set_total(&mut self, total: ExponentialHistogram) {
        let side = |buckets: Buckets| {
            (!buckets.counts.is_empty()).then_some(Side {
                offset: buckets.offset,
                bucket_counts: buckets.counts,
            })
        };
        self.count = total.count;
        self.sum = total.extremes.sum;
        self.min = total.extremes.min;
        self.max = total.extremes.max;
        self.scale = total.scale;
        self.zero_count = total.zero_count;
        self.zero_threshold = total.zero_threshold;
        self.positive = side(total.positive);
        self.negative = side(total.negative);
    }

    fn add(total: &mut ExponentialHistogram, more: &ExponentialHistogram) -> Result<(), Overflow> {
        match (total.count, more.count) {
            (_, 0) => Ok(()),
            (0, _) => {
                *total = more.clone();
                Ok(())
            }
            _ => total.add(more, MAX_BUCKETS),
        }
    }
}
