//! Points of decoded metrics, whatever their kind.

use weir_proto::otlp::common::v1::KeyValue;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::{
    ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint,
};

/// A point to be changed.
pub(crate) enum Point<'a> {
    Number(&'a mut NumberDataPoint),
    Histogram(&'a mut HistogramDataPoint),
    Exponential(&'a mut ExponentialHistogramDataPoint),
    Summary(&'a mut SummaryDataPoint),
}

impl Point<'_> {
    pub(crate) fn labels(&mut self) -> &mut Vec<KeyValue> {
        match self {
            Self::Number(point) => &mut point.attributes,
            Self::Histogram(point) => &mut point.attributes,
            Self::Exponential(point) => &mut point.attributes,
            Self::Summary(point) => &mut point.attributes,
        }
    }
}

/// Returns how many points a metric has.
pub(crate) fn count(metric: &Metric) -> usize {
    match &metric.data {
        Some(Data::Gauge(data)) => data.data_points.len(),
        Some(Data::Sum(data)) => data.data_points.len(),
        Some(Data::Histogram(data)) => data.data_points.len(),
        Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
        Some(Data::Summary(data)) => data.data_points.len(),
        None => 0,
    }
}

/// Returns the labels of all points, in order.
pub(crate) fn labels(metric: &Metric) -> Vec<&Vec<KeyValue>> {
    macro_rules! of {
        ($data:ident) => {
            $data
                .data_points
                .iter()
                .map(|point| &point.attributes)
                .collect()
        };
    }
    match &metric.data {
        Some(Data::Gauge(data)) => of!(data),
        Some(Data::Sum(data)) => of!(data),
        Some(Data::Histogram(data)) => of!(data),
        Some(Data::ExponentialHistogram(data)) => of!(data),
        Some(Data::Summary(data)) => of!(data),
        None => Vec::new(),
    }
}

/// Shows all points in order, for changing, and leaves those for which `keep` answers true.
pub(crate) fn retain(metric: &mut Metric, mut keep: impl FnMut(Point<'_>) -> bool) {
    match &mut metric.data {
        Some(Data::Gauge(data)) => data.data_points.retain_mut(|point| keep(Point::Number(point))),
        Some(Data::Sum(data)) => data.data_points.retain_mut(|point| keep(Point::Number(point))),
        Some(Data::Histogram(data)) => data.data_points.retain_mut(|point| keep(Point::Histogram(point))),
        Some(Data::ExponentialHistogram(data)) => {
            data.data_points
                .retain_mut(|point| keep(Point::Exponential(point)));
        }
        Some(Data::Summary(data)) => data.data_points.retain_mut(|point| keep(Point::Summary(point))),
        None => {}
    }
}

/// Shows all points in order, for changing.
pub(crate) fn each(metric: &mut Metric, mut change: impl FnMut(Point<'_>)) {
    retain(metric, |point| {
        change(point);
        true
    });
}

/// Appends the points of a metric of the same kind. Those of another kind stay where they are.
pub(crate) fn append(metric: &mut Metric, other: &mut Metric) {
    match (&mut metric.data, &mut other.data) {
        (Some(Data::Gauge(data)), Some(Data::Gauge(more))) => data.data_points.append(&mut more.data_points),
        (Some(Data::Sum(data)), Some(Data::Sum(more))) => data.data_points.append(&mut more.data_points),
        (Some(Data::Histogram(data)), Some(Data::Histogram(more))) => {
            data.data_points.append(&mut more.data_points);
        }
        (Some(Data::ExponentialHistogram(data)), Some(Data::ExponentialHistogram(more))) => {
            data.data_points.append(&mut more.data_points);
        }
        (Some(Data::Summary(data)), Some(Data::Summary(more))) => {
            data.data_points.append(&mut more.data_points);
        }
        _ => {}
    }
}
