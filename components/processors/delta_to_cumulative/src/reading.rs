//! Reads the deltas of a batch.

use std::sync::Arc;

use weir_component::Batch;
use weir_pdata::view::{
    ExponentialHistogramPoint, HistogramPoint, Metric, MetricKind, MetricsVisitor, NO_RECORDED_VALUE, Number,
    NumberPoint, Resource, Scope, SummaryPoint, Temporality, Visit,
};
use weir_streams::{ExplicitHistogram, ExponentialHistogram, Identity};

use crate::stream::{Content, Point, Total};

/// The points of a batch that are deltas, in order, and how many points are summaries.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) points: Vec<Point>,
    pub(crate) summaries: usize,
}

impl Reading {
    /// Reads a batch. Identities of the same `seed` can be compared.
    pub(crate) fn of(batch: &Batch, seed: u64) -> Self {
        let mut identity = Identity::new(seed);
        identity.owner(batch.context().tenant.as_deref());
        let mut reader = Reader {
            identity,
            grows: false,
            bounds: None,
            reading: Self {
                points: Vec::new(),
                summaries: 0,
            },
        };
        batch.visit_metrics(&mut reader);
        reader.reading
    }
}

/// Returns true if the points of a metric are added up.
pub(crate) const fn is_delta(kind: MetricKind) -> bool {
    let (MetricKind::Sum { temporality, .. }
    | MetricKind::Histogram { temporality }
    | MetricKind::ExponentialHistogram { temporality }) = kind
    else {
        return false;
    };
    matches!(temporality, Temporality::Delta)
}

struct Reader {
    identity: Identity,
    /// Whether the sum whose points come never falls.
    grows: bool,
    /// Bounds of the last histogram: the next one nearly always has the same.
    bounds: Option<Arc<[f64]>>,
    reading: Reading,
}

impl Reader {
    fn push(&mut self, point: Point) {
        self.reading.points.push(point);
    }
}

impl MetricsVisitor for Reader {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.identity.resource(resource);
    }

    fn scope(&mut self, scope: &Scope<'_>) {
        self.identity.scope(scope);
    }

    fn metric(&mut self, metric: &Metric<'_>) -> Visit {
        if !is_delta(metric.kind) {
            if metric.kind == MetricKind::Summary {
                self.reading.summaries += metric.points;
            }
            return Visit::Skip;
        }
        self.identity.metric(metric);
        self.grows = matches!(metric.kind, MetricKind::Sum { monotonic: true, .. });
        self.reading.points.reserve(metric.points);
        Visit::Points
    }

    fn number(&mut self, point: &NumberPoint<'_>) {
        let (content, bits) = match point.value {
            _ if point.flags & NO_RECORDED_VALUE != 0 => (Content::Nothing, 0),
            Some(Number::Int(value)) if !self.grows || value >= 0 => {
                (Content::Delta(Total::Int(value)), value.cast_unsigned())
            }
            Some(Number::Double(value)) if value.is_finite() && (!self.grows || value >= 0.0) => {
                (Content::Delta(Total::Double(value)), value.to_bits())
            }
            _ => (Content::Invalid, 0),
        };
        let point = Point {
            id: self.identity.stream(&point.attributes),
            start_ns: point.start_ns,
            time_ns: point.time_ns,
            digest: digest([point.start_ns, bits, 0]),
            content,
        };
        self.push(point);
    }

    fn histogram(&mut self, point: &HistogramPoint<'_>) {
        let content = if point.flags & NO_RECORDED_VALUE != 0 {
            Content::Nothing
        } else {
            match ExplicitHistogram::of(point, self.bounds.as_ref()) {
                Ok(histogram) => {
                    if !self
                        .bounds
                        .as_ref()
                        .is_some_and(|bounds| Arc::ptr_eq(bounds, &histogram.bounds))
                    {
                        self.bounds = Some(Arc::clone(&histogram.bounds));
                    }
                    Content::Delta(Total::Histogram(Box::new(histogram)))
                }
                Err(_) => Content::Invalid,
            }
        };
        let sum = point.sum.unwrap_or_default().to_bits();
        let point = Point {
            id: self.identity.stream(&point.attributes),
            start_ns: point.start_ns,
            time_ns: point.time_ns,
            digest: digest([point.start_ns, point.count, sum]),
            content,
        };
        self.push(point);
    }

    fn exponential_histogram(&mut self, point: &ExponentialHistogramPoint<'_>) {
        let content = if point.flags & NO_RECORDED_VALUE != 0 {
            Content::Nothing
        } else {
            match ExponentialHistogram::of(point) {
                Ok(histogram) => Content::Delta(Total::Exponential(Box::new(histogram))),
                Err(_) => Content::Invalid,
            }
        };
        let sum = point.sum.unwrap_or_default().to_bits();
        let point = Point {
            id: self.identity.stream(&point.attributes),
            start_ns: point.start_ns,
            time_ns: point.time_ns,
            digest: digest([point.start_ns, point.count, sum]),
            content,
        };
        self.push(point);
    }

    fn summary(&mut self, _: &SummaryPoint<'_>) {}
}

/// Mixes what a point says into 32 bits. Stored with totals, so it does not change.
fn digest(words: [u64; 3]) -> u32 {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = words.into_iter().fold(MULTIPLIER, |mixed: u64, word| {
        (mixed.rotate_left(29) ^ word).wrapping_mul(MULTIPLIER)
    });
    (mixed >> 32) as u32
}
