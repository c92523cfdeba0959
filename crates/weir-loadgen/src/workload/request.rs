//! The request of one body: metrics, points and how each point's value moves.

use prost::Message as _;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::InstrumentationScope;
use weir_proto::otlp::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
    exponential_histogram_data_point::Buckets, metric, number_data_point,
};
use weir_proto::otlp::resource::v1::Resource;

use super::{Payload, Spec, Temporality, attributes, mix, records};
use crate::count::Signal;

/// Bounds of the explicit histograms, in seconds; 12 buckets with the one above the last.
const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Buckets of the exponential histograms.
const EXPONENTIAL_BUCKETS: usize = 40;
/// Metrics per request where there are enough points.
const METRICS: u64 = 40;

/// How the value of a point depends on the visit: the count of times its series was sent, from 1 on.
///
/// All values are multiples of 1/64 and small enough for totals to be exact in an `f64` whatever the order of adding.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Motion {
    /// A counter that gains `step` per visit.
    Integer { step: u64 },
    /// A counter that gains `step` per visit.
    Double { step: f64 },
    /// A gauge that climbs from `base` by a half per visit and falls back every 16 visits.
    Gauge { base: f64 },
    /// A histogram that gains `buckets` per visit, whose observations add up to `sum`.
    Histogram { buckets: [u64; 12], sum: f64 },
    /// An exponential histogram with a fixed positive side of `count` observations adding up to `sum`, and one more
    /// observation of zero per visit: its buckets are varints, which cannot be patched in place. As delta, the
    /// positive side is observed anew each time.
    Exponential { count: u64, sum: f64 },
    /// A span or log record, whose ids come from `identity` and the visit.
    Record { identity: u64 },
}

/// What a gauge adds to its base on a visit.
pub(super) fn wave(visit: u64) -> f64 {
    (visit % 16) as f64 * 0.5
}

/// An encoded request and the motion of each item, in wire order.
pub(super) struct Plan {
    pub(super) signal: Signal,
    pub(super) request: Vec<u8>,
    pub(super) motions: Vec<Motion>,
}

/// Kinds in the proportions of `mixed6`, spread out: 10 sums, 6 gauges, 3 histograms, 1 exponential in 20.
const MIXED: [char; 20] = [
    's', 'g', 's', 'h', 's', 'g', 's', 'g', 's', 's', 'h', 'g', 's', 'e', 's', 'g', 's', 'h', 's', 'g',
];

/// Returns the request of the body numbered `body` over all lanes.
pub(super) fn plan(spec: &Spec, body: u64) -> Plan {
    let signal = spec.payload.signal();
    let (request, motions) = match signal {
        Signal::Metrics => metrics(spec, body),
        Signal::Traces => records::spans(spec, body),
        Signal::Logs => records::logs(spec, body),
    };
    Plan {
        signal,
        request,
        motions,
    }
}

fn metrics(spec: &Spec, body: u64) -> (Vec<u8>, Vec<Motion>) {
    let points = u64::from(spec.points);
    let metrics = points.min(METRICS);
    let mut motions = Vec::with_capacity(spec.points as usize);
    let mut scopes: Vec<_> = (0..2).map(scope).collect();
    for index in 0..metrics {
        // Points are dealt evenly; the first metrics take the remainder.
        let share = points / metrics + u64::from(index < points % metrics);
        let metric = metric(spec, body, index, share, &mut motions);
        scopes[usize::from(index * 2 >= metrics)].metrics.push(metric);
    }
    scopes.retain(|scope| !scope.metrics.is_empty());
    let resource = Resource {
        attributes: attributes::resource(),
        ..Resource::default()
    };
    let resource_metrics = ResourceMetrics {
        resource: Some(resource),
        scope_metrics: scopes,
        ..ResourceMetrics::default()
    };
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![resource_metrics],
    };
    (request.encode_to_vec(), motions)
}

/// Returns one of the two scopes.
pub(super) fn scope_of(index: usize) -> InstrumentationScope {
    InstrumentationScope {
        name: ["weir.load.http", "weir.load.runtime"][index].into(),
        version: "1.4.0".into(),
        ..InstrumentationScope::default()
    }
}

fn scope(index: usize) -> ScopeMetrics {
    ScopeMetrics {
        scope: Some(scope_of(index)),
        ..ScopeMetrics::default()
    }
}

fn metric(spec: &Spec, body: u64, index: u64, points: u64, motions: &mut Vec<Motion>) -> Metric {
    let kind = match spec.payload {
        Payload::Mixed6 => MIXED[(index % 20) as usize],
        _ => 's',
    };
    let temporality = match spec.temporality {
        Temporality::Cumulative => AggregationTemporality::Cumulative,
        Temporality::Delta => AggregationTemporality::Delta,
    } as i32;
    let identities = (0..points).map(|point| (point, mix(&[spec.seed, body, index, point])));
    let first = motions.len();
    let (name, unit, data) = match kind {
        's' => {
            // Every other counter is of doubles.
            motions.extend(identities.clone().map(|(_, identity)| match index % 2 {
                0 => Motion::Integer {
                    step: 1 + identity % 9,
                },
                _ => Motion::Double {
                    step: (1 + identity % 9) as f64 * 0.5,
                },
            }));
            let points = identities.zip(&motions[first..]);
            let data_points = points.map(|((point, identity), motion)| number(spec, point, identity, motion));
            let sum = Sum {
                data_points: data_points.collect(),
                aggregation_temporality: temporality,
                is_monotonic: true,
            };
            ("counter", "By", metric::Data::Sum(sum))
        }
        'g' => {
            motions.extend(identities.clone().map(|(_, identity)| Motion::Gauge {
                base: (identity % 1000) as f64,
            }));
            let points = identities.zip(&motions[first..]);
            let data_points = points.map(|((point, identity), motion)| number(spec, point, identity, motion));
            (
                "gauge",
                "Cel",
                metric::Data::Gauge(Gauge {
                    data_points: data_points.collect(),
                }),
            )
        }
        'h' => {
            let points = identities.map(|(point, identity)| histogram(spec, point, identity, motions));
            let data_points = points.collect();
            let histogram = Histogram {
                data_points,
                aggregation_temporality: temporality,
            };
            ("histogram", "s", metric::Data::Histogram(histogram))
        }
        _ => {
            let points = identities.map(|(point, identity)| exponential(spec, point, identity, motions));
            let data_points = points.collect();
            let histogram = ExponentialHistogram {
                data_points,
                aggregation_temporality: temporality,
            };
            ("exponential", "By", metric::Data::ExponentialHistogram(histogram))
        }
    };
    Metric {
        name: format!("load.{name}.{index:02}.measured"),
        description: format!("Load of kind {name}, number {index}."),
        unit: unit.into(),
        data: Some(data),
        ..Metric::default()
    }
}

// The encoder leaves out fields that are zero, and the patch needs them: the times, counts and sums below are 1
// rather than 0 until they are patched.

fn number(spec: &Spec, point: u64, identity: u64, motion: &Motion) -> NumberDataPoint {
    let value = match motion {
        Motion::Integer { .. } => number_data_point::Value::AsInt(1),
        _ => number_data_point::Value::AsDouble(1.0),
    };
    NumberDataPoint {
        attributes: attributes::point(spec.payload, point, identity),
        start_time_unix_nano: 1,
        time_unix_nano: 1,
        value: Some(value),
        ..NumberDataPoint::default()
    }
}

fn histogram(spec: &Spec, point: u64, identity: u64, motions: &mut Vec<Motion>) -> HistogramDataPoint {
    let buckets =
        std::array::from_fn(|bucket| mix(&[identity, 100 + bucket as u64]) % 4 + u64::from(bucket == 3));
    let upper = |bucket: usize| BOUNDS.get(bucket).copied().unwrap_or(15.0);
    let observed: f64 = buckets
        .iter()
        .enumerate()
        .map(|(bucket, count)| upper(bucket) * *count as f64)
        .sum();
    motions.push(Motion::Histogram {
        buckets,
        sum: (observed * 64.0).round() / 64.0,
    });
    HistogramDataPoint {
        attributes: attributes::point(spec.payload, point, identity),
        start_time_unix_nano: 1,
        time_unix_nano: 1,
        count: 1,
        sum: Some(1.0),
        bucket_counts: vec![1; 12],
        explicit_bounds: BOUNDS.to_vec(),
        ..HistogramDataPoint::default()
    }
}

fn exponential(
    spec: &Spec,
    point: u64,
    identity: u64,
    motions: &mut Vec<Motion>,
) -> ExponentialHistogramDataPoint {
    let buckets = 0..EXPONENTIAL_BUCKETS as u64;
    let bucket_counts: Vec<_> = buckets
        .map(|bucket| 1 + mix(&[identity, 200 + bucket]) % 100)
        .collect();
    let count = bucket_counts.iter().sum();
    motions.push(Motion::Exponential {
        count,
        sum: count as f64 * 2.5,
    });
    ExponentialHistogramDataPoint {
        attributes: attributes::point(spec.payload, point, identity),
        start_time_unix_nano: 1,
        time_unix_nano: 1,
        count: 1,
        sum: Some(1.0),
        scale: 3,
        zero_count: 1,
        positive: Some(Buckets {
            offset: -10,
            bucket_counts,
        }),
        ..ExponentialHistogramDataPoint::default()
    }
}
