//! Making one point of several that have the same labels, time and, if they are deltas, start.

mod arithmetic;
mod histograms;
mod numbers;

use std::collections::HashMap;

use prost::Message as _;
use weir_proto::otlp::common::v1::KeyValue;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::{AggregationTemporality, Exemplar, Metric};

use crate::Aggregation;
use crate::tally::Tally;

/// Makes one of points that are the same. Their order is that of the first of each; the earliest start counts, and exemplars are those of
/// all. Without `by`, numbers that are the same as one before them are dropped; histograms always add up. Summaries stay as they are.
pub(crate) fn regroup(metric: &mut Metric, by: Option<Aggregation>, tally: &mut Tally) {
    let is_delta = |temporality: i32| temporality == AggregationTemporality::Delta as i32;
    match &mut metric.data {
        Some(Data::Gauge(data)) => numbers::merge(&mut data.data_points, false, by, tally),
        Some(Data::Sum(data)) => {
            let delta = is_delta(data.aggregation_temporality);
            numbers::merge(&mut data.data_points, delta, by, tally);
        }
        Some(Data::Histogram(data)) => {
            let delta = is_delta(data.aggregation_temporality);
            histograms::merge(&mut data.data_points, delta, tally);
        }
        Some(Data::ExponentialHistogram(data)) => {
            let delta = is_delta(data.aggregation_temporality);
            histograms::merge(&mut data.data_points, delta, tally);
        }
        Some(Data::Summary(_)) | None => {}
    }
}

/// What points that can become one have in common.
trait Mergeable {
    fn attributes(&self) -> &[KeyValue];
    fn start_ns(&mut self) -> &mut u64;
    fn time_ns(&self) -> u64;
    fn flags(&mut self) -> &mut u32;
    fn exemplars(&mut self) -> &mut Vec<Exemplar>;

    /// Takes over what is not the value.
    fn absorb(&mut self, mut other: Self)
    where
        Self: Sized,
    {
        *self.start_ns() = (*self.start_ns()).min(*other.start_ns());
        self.exemplars().append(other.exemplars());
    }
}

macro_rules! mergeable {
    ($($point:ident)*) => {$(
        impl Mergeable for weir_proto::otlp::metrics::v1::$point {
            fn attributes(&self) -> &[KeyValue] {
                &self.attributes
            }

            fn start_ns(&mut self) -> &mut u64 {
                &mut self.start_time_unix_nano
            }

            fn time_ns(&self) -> u64 {
                self.time_unix_nano
            }

            fn flags(&mut self) -> &mut u32 {
                &mut self.flags
            }

            fn exemplars(&mut self) -> &mut Vec<Exemplar> {
                &mut self.exemplars
            }
        }
    )*};
}

mergeable! { NumberDataPoint HistogramDataPoint ExponentialHistogramDataPoint }

/// Puts points that are the same together, in the order in which the first of each came. `more` adds to what must be the same.
fn grouped<P: Mergeable>(points: &mut Vec<P>, delta: bool, more: impl Fn(&P, &mut Vec<u8>)) -> Vec<Vec<P>> {
    let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut groups: Vec<Vec<P>> = Vec::new();
    for mut point in points.drain(..) {
        let mut key = Vec::new();
        key.extend(point.time_ns().to_le_bytes());
        key.extend(if delta { *point.start_ns() } else { 0 }.to_le_bytes());
        let mut labels: Vec<&KeyValue> = point.attributes().iter().collect();
        labels.sort_by(|one, other| one.key.cmp(&other.key));
        key.extend(labels.len().to_le_bytes());
        for label in labels {
            key.extend(label.encode_length_delimited_to_vec());
        }
        more(&point, &mut key);
        let place = *places.entry(key).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(point),
            None => groups.push(vec![point]),
        }
    }
    groups
}
