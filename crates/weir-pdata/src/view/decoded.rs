//! Reading metrics off decoded messages.

use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::metrics::v1 as otlp;
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets as OtlpBuckets;
use weir_proto::otlp::metrics::v1::metric::Data;

use super::{
    Attributes, Buckets, Exemplar, Exemplars, ExemplarsForm, ExponentialHistogramPoint, Fixed64s,
    HistogramPoint, Metric, MetricKind, MetricsVisitor, Number, NumberPoint, Resource, Scope, SummaryPoint,
    Temporality, Text, Visit,
};

/// Shows the metrics of one decoded request.
pub(crate) fn visit_decoded<V: MetricsVisitor + ?Sized>(
    request: &ExportMetricsServiceRequest,
    visitor: &mut V,
) {
    for resource in &request.resource_metrics {
        let attributes = resource
            .resource
            .as_ref()
            .map_or(&[][..], |resource| &resource.attributes);
        visitor.resource(&Resource {
            attributes: Attributes::decoded(attributes),
            schema_url: Text::from(resource.schema_url.as_str()),
        });
        for scope in &resource.scope_metrics {
            visit_scope(scope, visitor);
            for metric in &scope.metrics {
                visit_metric(metric, visitor);
            }
        }
    }
}

fn visit_scope<V: MetricsVisitor + ?Sized>(scope: &otlp::ScopeMetrics, visitor: &mut V) {
    let (name, version, attributes) = scope.scope.as_ref().map_or(("", "", &[][..]), |scope| {
        (scope.name.as_str(), scope.version.as_str(), &scope.attributes)
    });
    visitor.scope(&Scope {
        name: Text::from(name),
        version: Text::from(version),
        schema_url: Text::from(scope.schema_url.as_str()),
        attributes: Attributes::decoded(attributes),
    });
}

fn visit_metric<V: MetricsVisitor + ?Sized>(metric: &otlp::Metric, visitor: &mut V) {
    let (kind, points) = kind_and_points(metric.data.as_ref());
    let view = Metric {
        name: Text::from(metric.name.as_str()),
        description: Text::from(metric.description.as_str()),
        unit: Text::from(metric.unit.as_str()),
        kind,
        points,
        metadata: Attributes::decoded(&metric.metadata),
        head: &[],
    };
    if visitor.metric(&view) == Visit::Skip {
        return;
    }
    match &metric.data {
        Some(Data::Gauge(data)) => data
            .data_points
            .iter()
            .for_each(|point| visitor.number(&number_point(point))),
        Some(Data::Sum(data)) => data
            .data_points
            .iter()
            .for_each(|point| visitor.number(&number_point(point))),
        Some(Data::Histogram(data)) => data
            .data_points
            .iter()
            .for_each(|point| visitor.histogram(&histogram_point(point))),
        Some(Data::ExponentialHistogram(data)) => {
            data.data_points
                .iter()
                .for_each(|point| visitor.exponential_histogram(&exponential_histogram_point(point)));
        }
        Some(Data::Summary(data)) => data
            .data_points
            .iter()
            .for_each(|point| visit_summary(point, visitor)),
        None => {}
    }
}

fn kind_and_points(data: Option<&Data>) -> (MetricKind, usize) {
    match data {
        Some(Data::Gauge(data)) => (MetricKind::Gauge, data.data_points.len()),
        Some(Data::Sum(data)) => {
            let temporality = Temporality::from_number(data.aggregation_temporality);
            (
                MetricKind::Sum {
                    temporality,
                    monotonic: data.is_monotonic,
                },
                data.data_points.len(),
            )
        }
        Some(Data::Histogram(data)) => {
            let temporality = Temporality::from_number(data.aggregation_temporality);
            (MetricKind::Histogram { temporality }, data.data_points.len())
        }
        Some(Data::ExponentialHistogram(data)) => {
            let temporality = Temporality::from_number(data.aggregation_temporality);
            (
                MetricKind::ExponentialHistogram { temporality },
                data.data_points.len(),
            )
        }
        Some(Data::Summary(data)) => (MetricKind::Summary, data.data_points.len()),
        None => (MetricKind::None, 0),
    }
}

impl<'a> From<&'a otlp::HistogramDataPoint> for HistogramPoint<'a> {
    fn from(point: &'a otlp::HistogramDataPoint) -> Self {
        histogram_point(point)
    }
}

impl<'a> From<&'a otlp::ExponentialHistogramDataPoint> for ExponentialHistogramPoint<'a> {
    fn from(point: &'a otlp::ExponentialHistogramDataPoint) -> Self {
        exponential_histogram_point(point)
    }
}

fn number_point(point: &otlp::NumberDataPoint) -> NumberPoint<'_> {
    NumberPoint {
        attributes: Attributes::decoded(&point.attributes),
        start_ns: point.start_time_unix_nano,
        time_ns: point.time_unix_nano,
        value: point.value.as_ref().map(|value| match value {
            otlp::number_data_point::Value::AsDouble(value) => Number::Double(*value),
            otlp::number_data_point::Value::AsInt(value) => Number::Int(*value),
        }),
        flags: point.flags,
        exemplars: exemplars(&point.exemplars),
    }
}

fn histogram_point(point: &otlp::HistogramDataPoint) -> HistogramPoint<'_> {
    HistogramPoint {
        attributes: Attributes::decoded(&point.attributes),
        start_ns: point.start_time_unix_nano,
        time_ns: point.time_unix_nano,
        count: point.count,
        sum: point.sum,
        bucket_counts: Fixed64s::from_slice(&point.bucket_counts),
        bounds: Fixed64s::from_slice(&point.explicit_bounds),
        flags: point.flags,
        min: point.min,
        max: point.max,
        exemplars: exemplars(&point.exemplars),
    }
}

fn exponential_histogram_point(point: &otlp::ExponentialHistogramDataPoint) -> ExponentialHistogramPoint<'_> {
    ExponentialHistogramPoint {
        attributes: Attributes::decoded(&point.attributes),
        start_ns: point.start_time_unix_nano,
        time_ns: point.time_unix_nano,
        count: point.count,
        sum: point.sum,
        scale: point.scale,
        zero_count: point.zero_count,
        zero_threshold: point.zero_threshold,
        positive: buckets(point.positive.as_ref()),
        negative: buckets(point.negative.as_ref()),
        flags: point.flags,
        min: point.min,
        max: point.max,
        exemplars: exemplars(&point.exemplars),
    }
}

fn buckets(buckets: Option<&OtlpBuckets>) -> Buckets<'_> {
    buckets.map_or(Buckets::default(), |buckets| Buckets {
        offset: buckets.offset,
        counts: &buckets.bucket_counts,
    })
}

fn visit_summary<V: MetricsVisitor + ?Sized>(point: &otlp::SummaryDataPoint, visitor: &mut V) {
    let quantiles: Vec<_> = point
        .quantile_values
        .iter()
        .map(|pair| (pair.quantile, pair.value))
        .collect();
    visitor.summary(&SummaryPoint {
        attributes: Attributes::decoded(&point.attributes),
        start_ns: point.start_time_unix_nano,
        time_ns: point.time_unix_nano,
        count: point.count,
        sum: point.sum,
        quantiles: &quantiles,
        flags: point.flags,
    });
}

fn exemplars(messages: &[otlp::Exemplar]) -> Exemplars<'_> {
    Exemplars(ExemplarsForm::Decoded(messages))
}

/// Shows one decoded exemplar.
pub(super) fn exemplar(message: &otlp::Exemplar) -> Exemplar<'_> {
    Exemplar {
        filtered_attributes: Attributes::decoded(&message.filtered_attributes),
        time_ns: message.time_unix_nano,
        value: message.value.as_ref().map(|value| match value {
            otlp::exemplar::Value::AsDouble(value) => Number::Double(*value),
            otlp::exemplar::Value::AsInt(value) => Number::Int(*value),
        }),
        span_id: &message.span_id,
        trace_id: &message.trace_id,
    }
}
