//! One point of several points of gauges or sums.

use weir_pdata::view::{NO_RECORDED_VALUE, Number};
use weir_proto::otlp::metrics::v1::NumberDataPoint;

use super::{Mergeable as _, arithmetic, grouped};
use crate::Aggregation;
use crate::operation::{number_of, value_of};
use crate::tally::Tally;

/// Makes one of points that are the same; see [`regroup`](super::regroup).
pub(super) fn merge(
    points: &mut Vec<NumberDataPoint>,
    delta: bool,
    by: Option<Aggregation>,
    tally: &mut Tally,
) {
    for mut group in grouped(points, delta, |_, _| {}) {
        let others = group.len() as u64 - 1;
        match by {
            Some(by) => {
                tally.aggregated += others;
                points.push(aggregated(by, group));
            }
            None => {
                tally.duplicates += others;
                points.push(group.swap_remove(0));
            }
        }
    }
}

/// Points without a value count only if there are no others.
fn aggregated(by: Aggregation, group: Vec<NumberDataPoint>) -> NumberDataPoint {
    let values: Vec<Number> = group
        .iter()
        .filter(|point| point.flags & NO_RECORDED_VALUE == 0)
        .filter_map(|point| point.value.as_ref().map(number_of))
        .collect();
    let mut group = group.into_iter();
    let mut whole = group.next().unwrap_or_default();
    group.for_each(|point| whole.absorb(point));
    if let Some(value) = arithmetic::aggregate(by, &values) {
        whole.value = Some(value_of(value));
        whole.flags &= !NO_RECORDED_VALUE;
    }
    whole
}
