//! OTLP metrics: times and totals per stream. The receiver of OTLP has few rules on form; order and sums are what a
//! gateway can break.

use prost::Message as _;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::KeyValue;
use weir_proto::otlp::metrics::v1::{
    AggregationTemporality, Metric, NumberDataPoint, metric::Data, number_data_point,
};

use super::series::{Observation, SeriesTable};
use super::{Rule, SeriesValue, Violations};

pub(super) fn check(body: &[u8], found: &mut Violations, table: &mut SeriesTable) {
    let request = match ExportMetricsServiceRequest::decode(body) {
        Ok(request) => request,
        Err(error) => return found.require(false, Rule::Protobuf, || error.to_string()),
    };
    for resource in &request.resource_metrics {
        let attributes = resource
            .resource
            .as_ref()
            .map(|resource| &*resource.attributes)
            .unwrap_or_default();
        let resource_key = describe(attributes);
        for scope in &resource.scope_metrics {
            let name = scope.scope.as_ref().map_or("", |scope| &*scope.name);
            let origin = format!("{resource_key}/{name}");
            for metric in &scope.metrics {
                check_metric(metric, &origin, found, table);
            }
        }
    }
}

fn check_metric(metric: &Metric, origin: &str, found: &mut Violations, table: &mut SeriesTable) {
    let mut note = |attributes: &[KeyValue], times: (u64, u64), value, monotonic, temporality| {
        let (start, time) = times;
        found.require(start <= time, Rule::StartAfterTime, || {
            format!("{}: {start} > {time}", metric.name)
        });
        let key = format!("{}{{{}}} {origin}", metric.name, describe(attributes));
        let observation = Observation {
            time: time as i64,
            start: start as i64,
            value,
            monotonic,
            delta: temporality == AggregationTemporality::Delta as i32,
        };
        table.observe(&key, metric.name.len(), observation, found);
    };
    match &metric.data {
        Some(Data::Gauge(gauge)) => {
            for point in &gauge.data_points {
                note(&point.attributes, times(point), number(point), false, 0);
            }
        }
        Some(Data::Sum(sum)) => {
            for point in &sum.data_points {
                let temporality = sum.aggregation_temporality;
                note(
                    &point.attributes,
                    times(point),
                    number(point),
                    sum.is_monotonic,
                    temporality,
                );
            }
        }
        Some(Data::Histogram(histogram)) => {
            for point in &histogram.data_points {
                let value = SeriesValue::Histogram {
                    count: point.count as f64,
                    sum: point.sum.unwrap_or_default(),
                };
                let times = (point.start_time_unix_nano, point.time_unix_nano);
                note(
                    &point.attributes,
                    times,
                    value,
                    true,
                    histogram.aggregation_temporality,
                );
            }
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            for point in &histogram.data_points {
                let value = SeriesValue::Histogram {
                    count: point.count as f64,
                    sum: point.sum.unwrap_or_default(),
                };
                let times = (point.start_time_unix_nano, point.time_unix_nano);
                note(
                    &point.attributes,
                    times,
                    value,
                    true,
                    histogram.aggregation_temporality,
                );
            }
        }
        Some(Data::Summary(summary)) => {
            for point in &summary.data_points {
                let value = SeriesValue::Histogram {
                    count: point.count as f64,
                    sum: point.sum,
                };
                let times = (point.start_time_unix_nano, point.time_unix_nano);
                note(&point.attributes, times, value, true, 0);
            }
        }
        None => {}
    }
}

fn times(point: &NumberDataPoint) -> (u64, u64) {
    (point.start_time_unix_nano, point.time_unix_nano)
}

fn number(point: &NumberDataPoint) -> SeriesValue {
    SeriesValue::Float(match point.value {
        Some(number_data_point::Value::AsInt(value)) => value as f64,
        Some(number_data_point::Value::AsDouble(value)) => value,
        None => 0.0,
    })
}

/// Attributes as text, sorted: their order has no meaning.
fn describe(attributes: &[KeyValue]) -> String {
    let mut pairs: Vec<_> = attributes
        .iter()
        .map(|pair| format!("{}={:?}", pair.key, pair.value))
        .collect();
    pairs.sort_unstable();
    pairs.join(",")
}
