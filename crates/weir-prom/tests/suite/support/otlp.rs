//! Short ways to write OTLP.

use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value};
use weir_proto::otlp::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint, metric::Data, number_data_point,
};
use weir_proto::otlp::resource::v1::Resource;

pub(crate) const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;
pub(crate) const DELTA: i32 = AggregationTemporality::Delta as i32;

pub(crate) fn value(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

pub(crate) fn attribute(key: &str, text: &str) -> KeyValue {
    attribute_of(key, value(Value::StringValue(text.to_owned())))
}

pub(crate) fn attribute_of(key: &str, value: AnyValue) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(value),
        ..KeyValue::default()
    }
}

pub(crate) fn attributes(pairs: &[(&str, &str)]) -> Vec<KeyValue> {
    pairs.iter().map(|(key, text)| attribute(key, text)).collect()
}

pub(crate) fn number(pairs: &[(&str, &str)], value: f64, time_ms: u64) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(pairs),
        time_unix_nano: time_ms * 1_000_000,
        value: Some(number_data_point::Value::AsDouble(value)),
        ..NumberDataPoint::default()
    }
}

pub(crate) fn metric(name: &str, unit: &str, data: Data) -> Metric {
    Metric {
        name: name.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

pub(crate) fn gauge(points: Vec<NumberDataPoint>) -> Data {
    Data::Gauge(Gauge { data_points: points })
}

pub(crate) fn sum(points: Vec<NumberDataPoint>, is_monotonic: bool, aggregation_temporality: i32) -> Data {
    Data::Sum(Sum {
        data_points: points,
        is_monotonic,
        aggregation_temporality,
    })
}

pub(crate) fn counter(points: Vec<NumberDataPoint>) -> Data {
    sum(points, true, CUMULATIVE)
}

pub(crate) fn histogram(data_points: Vec<HistogramDataPoint>) -> Data {
    Data::Histogram(Histogram {
        data_points,
        aggregation_temporality: CUMULATIVE,
    })
}

pub(crate) fn exponential(data_points: Vec<ExponentialHistogramDataPoint>) -> Data {
    Data::ExponentialHistogram(ExponentialHistogram {
        data_points,
        aggregation_temporality: CUMULATIVE,
    })
}

pub(crate) fn summary(data_points: Vec<SummaryDataPoint>) -> Data {
    Data::Summary(Summary { data_points })
}

pub(crate) fn resource_metrics(
    resource: Vec<KeyValue>,
    scope: Option<InstrumentationScope>,
    metrics: Vec<Metric>,
) -> ResourceMetrics {
    ResourceMetrics {
        resource: Some(Resource {
            attributes: resource,
            ..Resource::default()
        }),
        scope_metrics: vec![ScopeMetrics {
            scope,
            metrics,
            ..ScopeMetrics::default()
        }],
        ..ResourceMetrics::default()
    }
}

pub(crate) fn request(metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    ExportMetricsServiceRequest {
        resource_metrics: vec![resource_metrics(Vec::new(), None, metrics)],
    }
}
