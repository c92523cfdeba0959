//! One line per span, point or record.

use std::fmt::{Display, Result, Write};

use weir_proto::otlp::collector::logs::v1::ExportLogsServiceRequest;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::collector::trace::v1::ExportTraceServiceRequest;
use weir_proto::otlp::common::v1::{InstrumentationScope, KeyValue};
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::number_data_point::Value;
use weir_proto::otlp::metrics::v1::{HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint};
use weir_proto::otlp::resource::v1::Resource;

use super::hex;
use super::value::{pairs, plain};

pub(super) fn metrics(out: &mut String, request: &ExportMetricsServiceRequest) -> Result {
    for (index, of_resource) in request.resource_metrics.iter().enumerate() {
        resource(out, "ResourceMetrics", index, &of_resource.schema_url, of_resource.resource.as_ref())?;
        for (index, of_scope) in of_resource.scope_metrics.iter().enumerate() {
            scope(out, "ScopeMetrics", index, &of_scope.schema_url, of_scope.scope.as_ref())?;
            of_scope.metrics.iter().try_for_each(|one| metric(out, one))?;
        }
    }
    Ok(())
}

pub(super) fn traces(out: &mut String, request: &ExportTraceServiceRequest) -> Result {
    for (index, of_resource) in request.resource_spans.iter().enumerate() {
        resource(out, "ResourceTraces", index, &of_resource.schema_url, of_resource.resource.as_ref())?;
        for (index, of_scope) in of_resource.scope_spans.iter().enumerate() {
            scope(out, "ScopeTraces", index, &of_scope.schema_url, of_scope.scope.as_ref())?;
            for span in &of_scope.spans {
                let ids = format!("{} {}", hex(&span.trace_id), hex(&span.span_id));
                line(out, &[&span.name, &ids, &pairs(&span.attributes, " ")])?;
            }
        }
    }
    Ok(())
}

pub(super) fn logs(out: &mut String, request: &ExportLogsServiceRequest) -> Result {
    for (index, of_resource) in request.resource_logs.iter().enumerate() {
        resource(out, "ResourceLog", index, &of_resource.schema_url, of_resource.resource.as_ref())?;
        for (index, of_scope) in of_resource.scope_logs.iter().enumerate() {
            scope(out, "ScopeLog", index, &of_scope.schema_url, of_scope.scope.as_ref())?;
            for record in &of_scope.log_records {
                line(out, &[&plain(record.body.as_ref()), &pairs(&record.attributes, " ")])?;
            }
        }
    }
    Ok(())
}

fn resource(out: &mut String, name: &str, index: usize, schema: &str, resource: Option<&Resource>) -> Result {
    let attributes = resource.map_or(&[][..], |resource| &resource.attributes);
    line(out, &[&format!("{name} #{index}"), &bracketed(schema), &pairs(attributes, " ")])
}

fn scope(out: &mut String, name: &str, index: usize, schema: &str, scope: Option<&InstrumentationScope>) -> Result {
    let Some(scope) = scope else { return line(out, &[&format!("{name} #{index}"), &bracketed(schema)]) };
    let mut id = scope.name.clone();
    if !scope.version.is_empty() {
        id = format!("{id}@{}", scope.version);
    }
    line(out, &[&format!("{name} #{index}"), &id, &bracketed(schema), &pairs(&scope.attributes, " ")])
}

fn bracketed(schema: &str) -> String {
    if schema.is_empty() { String::new() } else { format!("[{schema}]") }
}

/// Writes the parts that are not empty, with a blank between.
fn line(out: &mut String, parts: &[&str]) -> Result {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    writeln!(out, "{}", parts.join(" "))
}

fn metric(out: &mut String, metric: &Metric) -> Result {
    let mut point = |attributes: &[KeyValue], value: String| {
        writeln!(out, "{}{{{}}} {}", metric.name, pairs(attributes, ","), value.trim_end())
    };
    match &metric.data {
        None => Ok(()),
        Some(Data::Gauge(data)) => data.data_points.iter().try_for_each(|one| point(&one.attributes, number(one))),
        Some(Data::Sum(data)) => data.data_points.iter().try_for_each(|one| point(&one.attributes, number(one))),
        Some(Data::Histogram(data)) => data.data_points.iter().try_for_each(|one| point(&one.attributes, histogram(one))),
        Some(Data::ExponentialHistogram(data)) => data
            .data_points
            .iter()
            .try_for_each(|one| point(&one.attributes, statistics(one.count, one.sum, one.min, one.max))),
        Some(Data::Summary(data)) => data.data_points.iter().try_for_each(|one| point(&one.attributes, summary(one))),
    }
}

fn number(point: &NumberDataPoint) -> String {
    match point.value {
        None => String::new(),
        Some(Value::AsInt(value)) => value.to_string(),
        Some(Value::AsDouble(value)) => value.to_string(),
    }
}

fn statistics(count: u64, sum: Option<f64>, min: Option<f64>, max: Option<f64>) -> String {
    fn field(name: &str, value: Option<impl Display>) -> String {
        value.map_or_else(String::new, |value| format!("{name}={value} "))
    }
    field("count", Some(count)) + &field("sum", sum) + &field("min", min) + &field("max", max)
}

fn histogram(point: &HistogramDataPoint) -> String {
    let bounds = point.explicit_bounds.iter().map(|bound| format!("le{bound}=")).chain([String::new()]);
    let buckets = point.bucket_counts.iter().zip(bounds).map(|(count, bound)| format!("{bound}{count}"));
    statistics(point.count, point.sum, point.min, point.max) + &buckets.collect::<Vec<_>>().join(" ")
}

fn summary(point: &SummaryDataPoint) -> String {
    let quantiles = point.quantile_values.iter().map(|value| format!("q{}={}", value.quantile, value.value));
    statistics(point.count, Some(point.sum), None, None) + &quantiles.collect::<Vec<_>>().join(" ")
}
