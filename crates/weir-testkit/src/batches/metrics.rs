//! A batch of metrics, step by step.

use weir_pdata::{Batch, Decoded};
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::KeyValue;
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::number_data_point::Value;
use weir_proto::otlp::metrics::v1::summary_data_point::ValueAtQuantile;
use weir_proto::otlp::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint,
};

use super::{TIME_NS, TestValue, attribute, resource, scope, to_wire};

/// Builds a batch of metrics of one resource (`service.name` is `shop`) and one scope.
///
/// The points of a metric carry the attribute `n`: 0, 1, 2 and so on.
#[derive(Debug, Clone)]
pub struct MetricsBuilder {
    resource: Vec<KeyValue>,
    metrics: Vec<Metric>,
    time_ns: u64,
    temporality: AggregationTemporality,
}

impl Default for MetricsBuilder {
    fn default() -> Self {
        Self {
            resource: resource().attributes,
            metrics: Vec::new(),
            time_ns: TIME_NS,
            temporality: AggregationTemporality::Cumulative,
        }
    }
}

impl MetricsBuilder {
    /// Adds an attribute of the resource.
    #[must_use]
    pub fn resource(mut self, key: &str, value: impl Into<TestValue>) -> Self {
        self.resource.push(attribute(key, value));
        self
    }

    /// Sets the time of the points that follow, Unix time in nanoseconds.
    #[must_use]
    pub fn at(mut self, time_ns: u64) -> Self {
        self.time_ns = time_ns;
        self
    }

    /// Makes the sums and histograms that follow delta ones.
    #[must_use]
    pub fn delta(mut self) -> Self {
        self.temporality = AggregationTemporality::Delta;
        self
    }

    /// Adds a gauge with these values.
    #[must_use]
    pub fn gauge(self, name: &str, values: &[f64]) -> Self {
        let data_points = self.numbers(values);
        self.metric(name, "1", Data::Gauge(Gauge { data_points }))
    }

    /// Adds a monotonic sum with these values.
    #[must_use]
    pub fn counter(self, name: &str, values: &[f64]) -> Self {
        let sum = Sum {
            data_points: self.numbers(values),
            aggregation_temporality: self.temporality.into(),
            is_monotonic: true,
        };
        self.metric(name, "1", Data::Sum(sum))
    }

    /// Adds a histogram with one point. There is one count more than there are bounds.
    #[must_use]
    pub fn histogram(self, name: &str, bounds: &[f64], counts: &[u64]) -> Self {
        let point = HistogramDataPoint {
            attributes: vec![attribute("n", 0)],
            start_time_unix_nano: TIME_NS - 1_000_000_000,
            time_unix_nano: self.time_ns,
            count: counts.iter().sum(),
            sum: Some(counts.iter().sum::<u64>() as f64),
            bucket_counts: counts.to_vec(),
            explicit_bounds: bounds.to_vec(),
            ..HistogramDataPoint::default()
        };
        let histogram = Histogram {
            data_points: vec![point],
            aggregation_temporality: self.temporality.into(),
        };
        self.metric(name, "s", Data::Histogram(histogram))
    }

    /// Adds an exponential histogram with one point whose positive buckets begin at index 0.
    #[must_use]
    pub fn exponential_histogram(self, name: &str, scale: i32, counts: &[u64]) -> Self {
        let point = ExponentialHistogramDataPoint {
            attributes: vec![attribute("n", 0)],
            start_time_unix_nano: TIME_NS - 1_000_000_000,
            time_unix_nano: self.time_ns,
            count: counts.iter().sum(),
            sum: Some(counts.iter().sum::<u64>() as f64),
            scale,
            positive: Some(Buckets {
                offset: 0,
                bucket_counts: counts.to_vec(),
            }),
            ..ExponentialHistogramDataPoint::default()
        };
        let histogram = ExponentialHistogram {
            data_points: vec![point],
            aggregation_temporality: self.temporality.into(),
        };
        self.metric(name, "s", Data::ExponentialHistogram(histogram))
    }

    /// Adds a summary with one point and these (quantile, value) pairs.
    #[must_use]
    pub fn summary(self, name: &str, quantiles: &[(f64, f64)]) -> Self {
        let point = SummaryDataPoint {
            attributes: vec![attribute("n", 0)],
            start_time_unix_nano: TIME_NS - 1_000_000_000,
            time_unix_nano: self.time_ns,
            count: 10,
            sum: 20.0,
            quantile_values: quantiles
                .iter()
                .map(|&(quantile, value)| ValueAtQuantile { quantile, value })
                .collect(),
            ..SummaryDataPoint::default()
        };
        self.metric(
            name,
            "s",
            Data::Summary(Summary {
                data_points: vec![point],
            }),
        )
    }

    /// Adds a metric.
    #[must_use]
    pub fn metric(mut self, name: &str, unit: &str, data: Data) -> Self {
        let metric = Metric {
            name: name.to_owned(),
            unit: unit.to_owned(),
            data: Some(data),
            ..Metric::default()
        };
        self.metrics.push(metric);
        self
    }

    /// Returns the decoded request.
    pub fn decoded(self) -> Decoded {
        let mut resource = resource();
        resource.attributes = self.resource;
        Decoded::Metrics(ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(resource),
                scope_metrics: vec![ScopeMetrics {
                    scope: Some(scope()),
                    metrics: self.metrics,
                    ..ScopeMetrics::default()
                }],
                ..ResourceMetrics::default()
            }],
        })
    }

    /// Returns a batch of the encoded request.
    pub fn wire(self) -> Batch {
        to_wire(&self.decoded())
    }

    fn numbers(&self, values: &[f64]) -> Vec<NumberDataPoint> {
        values
            .iter()
            .enumerate()
            .map(|(index, value)| NumberDataPoint {
                attributes: vec![attribute("n", index as i64)],
                start_time_unix_nano: TIME_NS - 1_000_000_000,
                time_unix_nano: self.time_ns,
                value: Some(Value::AsDouble(*value)),
                ..NumberDataPoint::default()
            })
            .collect()
    }
}
