//! A snapshot of own metrics as a request, with totals or with what has come since the last push.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use weir_config::telemetry::Temporality;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::{KeyValue, any_value};
use weir_proto::otlp::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric as MetricProto, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};
use weir_telemetry::{Distribution, Kind, Metric, Series, Snapshot, Value};

use super::super::resource::{OwnResource, attribute};
use super::{nanos, scope};

/// Name and labels of a series.
type Key = (String, Vec<(&'static str, String)>);

/// What the last push that arrived has told, for those who want to be told what is new.
#[derive(Debug)]
pub(in super::super) struct Told {
    temporality: Temporality,
    /// When; totals are counted from the start of the registry until then.
    at: Option<SystemTime>,
    values: HashMap<Key, Value>,
}

impl Told {
    pub(in super::super) fn new(temporality: Temporality) -> Self {
        Self {
            temporality,
            at: None,
            values: HashMap::new(),
        }
    }

    /// Remembers what was told. Only for pushes that arrived: what others held is told again.
    pub(in super::super) fn remember(&mut self, snapshot: Snapshot) {
        if self.temporality == Temporality::Cumulative {
            return;
        }
        self.at = Some(snapshot.at);
        self.values.clear();
        for metric in snapshot.metrics {
            if self.is_delta(&metric) {
                let name = metric.name;
                let series = metric.series.into_iter();
                let told = series.map(|series| ((name.clone(), series.labels), series.value));
                self.values.extend(told);
            }
        }
    }

    /// Spec: OpenTelemetry metrics SDK, OTLP exporter, "Additional configuration": temporality preference.
    fn is_delta(&self, metric: &Metric) -> bool {
        let counts = matches!(metric.kind, Kind::Counter | Kind::Histogram);
        match self.temporality {
            Temporality::Cumulative => false,
            Temporality::Delta => counts,
            Temporality::Lowmemory => counts && !metric.observed,
        }
    }

    /// Returns what has come to a series since it was last told.
    fn since(&self, metric: &Metric, series: &Series) -> Value {
        let before = self.values.get(&(metric.name.clone(), series.labels.clone()));
        match (&series.value, before) {
            (Value::Count(now), Some(Value::Count(before))) => Value::Count(now.saturating_sub(*before)),
            (Value::Number(now), Some(Value::Number(before))) => Value::Number(now - before),
            (Value::Spread(now), Some(Value::Spread(before))) => {
                let counts = now.counts.iter().zip(&before.counts);
                Value::Spread(Distribution {
                    counts: counts.map(|(now, before)| now.saturating_sub(*before)).collect(),
                    sum: now.sum - before.sum,
                    // Those of all time are known, not those of the time since.
                    extremes: None,
                    ..now.clone()
                })
            }
            (now, _) => now.clone(),
        }
    }

    /// Returns the request that tells a snapshot.
    pub(in super::super) fn request(
        &self,
        snapshot: &Snapshot,
        resource: &OwnResource,
    ) -> ExportMetricsServiceRequest {
        let mut scopes: BTreeMap<&str, Vec<MetricProto>> = BTreeMap::new();
        for metric in &snapshot.metrics {
            let message = self.metric(metric, snapshot);
            scopes.entry(metric.scope).or_default().push(message);
        }
        let scope_metrics = scopes.into_iter().map(|(name, metrics)| ScopeMetrics {
            scope: Some(scope(name, resource)),
            metrics,
            schema_url: String::new(),
        });
        ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(resource.to_proto()),
                scope_metrics: scope_metrics.collect(),
                schema_url: resource.schema_url.clone(),
            }],
        }
    }

    fn metric(&self, metric: &Metric, snapshot: &Snapshot) -> MetricProto {
        let delta = self.is_delta(metric);
        let temporality = match delta {
            true => AggregationTemporality::Delta,
            false => AggregationTemporality::Cumulative,
        } as i32;
        let (from, to) = (
            nanos(self.at.filter(|_| delta).unwrap_or(snapshot.since)),
            nanos(snapshot.at),
        );
        let values = metric.series.iter().map(|series| match delta {
            true => (series, self.since(metric, series)),
            false => (series, series.value.clone()),
        });
        let numbers = |from: u64| -> Vec<NumberDataPoint> {
            let points = values.clone().filter_map(|(series, value)| {
                Some(NumberDataPoint {
                    attributes: attributes(series),
                    start_time_unix_nano: from,
                    time_unix_nano: to,
                    value: Some(match value {
                        // OTLP has signed integers; 2^63 things are not counted in this world.
                        Value::Count(count) => {
                            number_data_point::Value::AsInt(i64::try_from(count).unwrap_or(i64::MAX))
                        }
                        Value::Number(number) => number_data_point::Value::AsDouble(number),
                        Value::Spread(_) => return None,
                    }),
                    ..NumberDataPoint::default()
                })
            });
            points.collect()
        };
        let data = match metric.kind {
            Kind::Gauge => metric::Data::Gauge(Gauge {
                data_points: numbers(0),
            }),
            Kind::Counter | Kind::UpDownCounter => metric::Data::Sum(Sum {
                data_points: numbers(from),
                aggregation_temporality: temporality,
                is_monotonic: metric.kind == Kind::Counter,
            }),
            Kind::Histogram => metric::Data::Histogram(Histogram {
                data_points: values
                    .filter_map(|(series, value)| match value {
                        Value::Spread(spread) => Some(histogram_point(series, &spread, from, to)),
                        _ => None,
                    })
                    .collect(),
                aggregation_temporality: temporality,
            }),
        };
        MetricProto {
            name: metric.name.clone(),
            description: metric.help.clone(),
            unit: metric.unit.to_owned(),
            data: Some(data),
            ..MetricProto::default()
        }
    }
}

fn histogram_point(series: &Series, spread: &Distribution, from: u64, to: u64) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: attributes(series),
        start_time_unix_nano: from,
        time_unix_nano: to,
        count: spread.count(),
        sum: Some(spread.sum),
        bucket_counts: spread.counts.clone(),
        explicit_bounds: spread.bounds.to_vec(),
        min: spread.extremes.map(|(min, _)| min),
        max: spread.extremes.map(|(_, max)| max),
        ..HistogramDataPoint::default()
    }
}

fn attributes(series: &Series) -> Vec<KeyValue> {
    let labels = series.labels.iter();
    labels
        .map(|(name, value)| attribute(name, any_value::Value::StringValue(value.clone())))
        .collect()
}

#[cfg(test)]
mod tests;
