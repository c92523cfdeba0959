//! Metrics and their points.

use std::fmt::{Result, Write};

use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::KeyValue;
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint,
    exemplar, number_data_point,
};

use super::{attributes, resource, scope};
use crate::text::{hex, time};

pub(in crate::text) fn metrics(out: &mut String, request: &ExportMetricsServiceRequest) -> Result {
    for (index, of_resource) in request.resource_metrics.iter().enumerate() {
        resource(out, "ResourceMetrics", index, &of_resource.schema_url, of_resource.resource.as_ref())?;
        for (index, of_scope) in of_resource.scope_metrics.iter().enumerate() {
            scope(out, "ScopeMetrics", index, &of_scope.schema_url, of_scope.scope.as_ref())?;
            for (index, one) in of_scope.metrics.iter().enumerate() {
                writeln!(out, "Metric #{index}")?;
                descriptor(out, one)?;
                points(out, one)?;
            }
        }
    }
    Ok(())
}

fn descriptor(out: &mut String, metric: &Metric) -> Result {
    let (kind, temporality) = match &metric.data {
        None => ("Empty", None),
        Some(Data::Gauge(_)) => ("Gauge", None),
        Some(Data::Sum(data)) => ("Sum", Some(data.aggregation_temporality)),
        Some(Data::Histogram(data)) => ("Histogram", Some(data.aggregation_temporality)),
        Some(Data::ExponentialHistogram(data)) => ("ExponentialHistogram", Some(data.aggregation_temporality)),
        Some(Data::Summary(_)) => ("Summary", None),
    };
    writeln!(out, "Descriptor:")?;
    writeln!(out, "     -> Name: {}", metric.name)?;
    writeln!(out, "     -> Description: {}", metric.description)?;
    writeln!(out, "     -> Unit: {}", metric.unit)?;
    writeln!(out, "     -> DataType: {kind}")?;
    if let Some(Data::Sum(data)) = &metric.data {
        writeln!(out, "     -> IsMonotonic: {}", data.is_monotonic)?;
    }
    let name = |number| match AggregationTemporality::try_from(number) {
        Ok(AggregationTemporality::Delta) => "Delta",
        Ok(AggregationTemporality::Cumulative) => "Cumulative",
        Ok(AggregationTemporality::Unspecified) | Err(_) => "Unspecified",
    };
    temporality.map_or(Ok(()), |number| writeln!(out, "     -> AggregationTemporality: {}", name(number)))
}

fn points(out: &mut String, metric: &Metric) -> Result {
    match &metric.data {
        None => Ok(()),
        Some(Data::Gauge(data)) => each(out, "NumberDataPoints", &data.data_points, number),
        Some(Data::Sum(data)) => each(out, "NumberDataPoints", &data.data_points, number),
        Some(Data::Histogram(data)) => each(out, "HistogramDataPoints", &data.data_points, histogram),
        Some(Data::ExponentialHistogram(data)) => {
            each(out, "ExponentialHistogramDataPoints", &data.data_points, exponential_histogram)
        }
        Some(Data::Summary(data)) => each(out, "SummaryDataPoints", &data.data_points, summary),
    }
}

fn each<T>(out: &mut String, heading: &str, points: &[T], write: fn(&mut String, &T) -> Result) -> Result {
    for (index, point) in points.iter().enumerate() {
        writeln!(out, "{heading} #{index}")?;
        write(out, point)?;
    }
    Ok(())
}

fn head(out: &mut String, labels: &[KeyValue], start: u64, at: u64) -> Result {
    attributes(out, "Data point attributes:", 5, labels)?;
    writeln!(out, "StartTimestamp: {}", time(start))?;
    writeln!(out, "Timestamp: {}", time(at))
}

fn number(out: &mut String, point: &NumberDataPoint) -> Result {
    head(out, &point.attributes, point.start_time_unix_nano, point.time_unix_nano)?;
    match point.value {
        None => writeln!(out, "Value: none")?,
        Some(number_data_point::Value::AsInt(value)) => writeln!(out, "Value: {value}")?,
        Some(number_data_point::Value::AsDouble(value)) => writeln!(out, "Value: {value:.6}")?,
    }
    exemplars(out, &point.exemplars)
}

fn statistics(out: &mut String, count: u64, values: [(&str, Option<f64>); 3]) -> Result {
    writeln!(out, "Count: {count}")?;
    let mut present = values.into_iter().filter_map(|(name, value)| Some((name, value?)));
    present.try_for_each(|(name, value)| writeln!(out, "{name}: {value:.6}"))
}

fn histogram(out: &mut String, point: &HistogramDataPoint) -> Result {
    head(out, &point.attributes, point.start_time_unix_nano, point.time_unix_nano)?;
    statistics(out, point.count, [("Sum", point.sum), ("Min", point.min), ("Max", point.max)])?;
    for (index, bound) in point.explicit_bounds.iter().enumerate() {
        writeln!(out, "ExplicitBounds #{index}: {bound:.6}")?;
    }
    for (index, count) in point.bucket_counts.iter().enumerate() {
        writeln!(out, "Buckets #{index}, Count: {count}")?;
    }
    exemplars(out, &point.exemplars)
}

fn exponential_histogram(out: &mut String, point: &ExponentialHistogramDataPoint) -> Result {
    head(out, &point.attributes, point.start_time_unix_nano, point.time_unix_nano)?;
    statistics(out, point.count, [("Sum", point.sum), ("Min", point.min), ("Max", point.max)])?;
    writeln!(out, "Scale: {}", point.scale)?;
    let base = 2f64.powf(2f64.powi(point.scale.saturating_neg()));
    let bound = |buckets: &Buckets, index: usize| base.powf(f64::from(buckets.offset) + index as f64);
    if let Some(negative) = &point.negative {
        for (index, count) in negative.bucket_counts.iter().enumerate().rev().filter(|(_, count)| **count > 0) {
            let (lower, upper) = (-bound(negative, index + 1), -bound(negative, index));
            writeln!(out, "Bucket [{lower:.6}, {upper:.6}), Count: {count}")?;
        }
    }
    if point.zero_count > 0 {
        writeln!(out, "Bucket [0, 0], Count: {}", point.zero_count)?;
    }
    if let Some(positive) = &point.positive {
        for (index, count) in positive.bucket_counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let (lower, upper) = (bound(positive, index), bound(positive, index + 1));
            writeln!(out, "Bucket ({lower:.6}, {upper:.6}], Count: {count}")?;
        }
    }
    exemplars(out, &point.exemplars)
}

fn summary(out: &mut String, point: &SummaryDataPoint) -> Result {
    head(out, &point.attributes, point.start_time_unix_nano, point.time_unix_nano)?;
    writeln!(out, "Count: {}", point.count)?;
    writeln!(out, "Sum: {:.6}", point.sum)?;
    for (index, value) in point.quantile_values.iter().enumerate() {
        writeln!(out, "QuantileValue #{index}: Quantile {:.6}, Value {:.6}", value.quantile, value.value)?;
    }
    Ok(())
}

fn exemplars(out: &mut String, exemplars: &[Exemplar]) -> Result {
    if !exemplars.is_empty() {
        writeln!(out, "Exemplars:")?;
    }
    for (index, exemplar) in exemplars.iter().enumerate() {
        writeln!(out, "Exemplar #{index}")?;
        writeln!(out, "     -> Trace ID: {}", hex(&exemplar.trace_id))?;
        writeln!(out, "     -> Span ID: {}", hex(&exemplar.span_id))?;
        writeln!(out, "     -> Timestamp: {}", time(exemplar.time_unix_nano))?;
        match exemplar.value {
            None => writeln!(out, "     -> Value: none")?,
            Some(exemplar::Value::AsInt(value)) => writeln!(out, "     -> Value: {value}")?,
            Some(exemplar::Value::AsDouble(value)) => writeln!(out, "     -> Value: {value:.6}")?,
        }
        attributes(out, "     -> FilteredAttributes:", 9, &exemplar.filtered_attributes)?;
    }
    Ok(())
}
