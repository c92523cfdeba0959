//! A line per record.

use std::fmt::Write as _;

use weir_pdata::Decoded;
use weir_proto::otlp::common::v1::InstrumentationScope;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::{
    ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint,
    number_data_point,
};
use weir_proto::otlp::resource::v1::Resource;

use super::value::{hex, pairs, plain};

/// Prints a line per resource, scope and record.
pub(crate) fn normal(decoded: &Decoded) -> String {
    let mut out = String::new();
    match decoded {
        Decoded::Metrics(request) => {
            for (index, group) in request.resource_metrics.iter().enumerate() {
                resource(
                    &mut out,
                    "Metrics",
                    index,
                    &group.schema_url,
                    group.resource.as_ref(),
                );
                for (index, group) in group.scope_metrics.iter().enumerate() {
                    scope(
                        &mut out,
                        "Metrics",
                        index,
                        &group.schema_url,
                        group.scope.as_ref(),
                    );
                    group
                        .metrics
                        .iter()
                        .for_each(|metric| self::metric(&mut out, metric));
                }
            }
        }
        Decoded::Traces(request) => {
            for (index, group) in request.resource_spans.iter().enumerate() {
                resource(
                    &mut out,
                    "Traces",
                    index,
                    &group.schema_url,
                    group.resource.as_ref(),
                );
                for (index, group) in group.scope_spans.iter().enumerate() {
                    scope(&mut out, "Traces", index, &group.schema_url, group.scope.as_ref());
                    for span in &group.spans {
                        line(
                            &mut out,
                            &[
                                &span.name,
                                &hex(&span.trace_id),
                                &hex(&span.span_id),
                                &pairs(&span.attributes, " "),
                            ],
                        );
                    }
                }
            }
        }
        Decoded::Logs(request) => {
            for (index, group) in request.resource_logs.iter().enumerate() {
                resource(&mut out, "Log", index, &group.schema_url, group.resource.as_ref());
                for (index, group) in group.scope_logs.iter().enumerate() {
                    scope(&mut out, "Log", index, &group.schema_url, group.scope.as_ref());
                    for record in &group.log_records {
                        line(
                            &mut out,
                            &[&plain(record.body.as_ref()), &pairs(&record.attributes, " ")],
                        );
                    }
                }
            }
        }
    }
    out
}

fn resource(out: &mut String, kind: &str, index: usize, schema_url: &str, resource: Option<&Resource>) {
    let attributes = resource
        .map(|resource| pairs(&resource.attributes, " "))
        .unwrap_or_default();
    line(
        out,
        &[
            &format!("Resource{kind} #{index}"),
            &bracketed(schema_url),
            &attributes,
        ],
    );
}

fn scope(out: &mut String, kind: &str, index: usize, schema_url: &str, scope: Option<&InstrumentationScope>) {
    let name = scope.map_or_else(String::new, |scope| match scope.version.as_str() {
        "" => scope.name.clone(),
        version => format!("{}@{version}", scope.name),
    });
    let attributes = scope
        .map(|scope| pairs(&scope.attributes, " "))
        .unwrap_or_default();
    line(
        out,
        &[
            &format!("Scope{kind} #{index}"),
            &name,
            &bracketed(schema_url),
            &attributes,
        ],
    );
}

fn bracketed(schema_url: &str) -> String {
    if schema_url.is_empty() {
        String::new()
    } else {
        format!("[{schema_url}]")
    }
}

/// Joins the parts that are not empty with spaces.
fn line(out: &mut String, parts: &[&str]) {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    out.push_str(&parts.join(" "));
    out.push('\n');
}

fn metric(out: &mut String, metric: &Metric) {
    let name = &metric.name;
    match &metric.data {
        None => line(out, &[name]),
        Some(Data::Gauge(data)) => data.data_points.iter().for_each(|point| number(out, name, point)),
        Some(Data::Sum(data)) => data.data_points.iter().for_each(|point| number(out, name, point)),
        Some(Data::Histogram(data)) => data
            .data_points
            .iter()
            .for_each(|point| histogram(out, name, point)),
        Some(Data::ExponentialHistogram(data)) => data
            .data_points
            .iter()
            .for_each(|point| exponential(out, name, point)),
        Some(Data::Summary(data)) => data
            .data_points
            .iter()
            .for_each(|point| summary(out, name, point)),
    }
}

fn number(out: &mut String, name: &str, point: &NumberDataPoint) {
    let value = match &point.value {
        None => String::new(),
        Some(number_data_point::Value::AsInt(value)) => value.to_string(),
        Some(number_data_point::Value::AsDouble(value)) => value.to_string(),
    };
    line(
        out,
        &[&format!("{name}{{{}}}", pairs(&point.attributes, ",")), &value],
    );
}

fn histogram(out: &mut String, name: &str, point: &HistogramDataPoint) {
    let mut text = statistics(
        name,
        &pairs(&point.attributes, ","),
        point.count,
        point.sum,
        point.min,
        point.max,
    );
    for (index, count) in point.bucket_counts.iter().enumerate() {
        let _ = match point.explicit_bounds.get(index) {
            Some(bound) => write!(text, " le{bound}={count}"),
            None => write!(text, " {count}"),
        };
    }
    line(out, &[&text]);
}

fn exponential(out: &mut String, name: &str, point: &ExponentialHistogramDataPoint) {
    let text = statistics(
        name,
        &pairs(&point.attributes, ","),
        point.count,
        point.sum,
        point.min,
        point.max,
    );
    line(out, &[&text]);
}

fn statistics(
    name: &str,
    attributes: &str,
    count: u64,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
) -> String {
    let mut text = format!("{name}{{{attributes}}} count={count}");
    for (key, value) in [("sum", sum), ("min", min), ("max", max)] {
        if let Some(value) = value {
            let _ = write!(text, " {key}={value}");
        }
    }
    text
}

fn summary(out: &mut String, name: &str, point: &SummaryDataPoint) {
    let mut text = format!(
        "{name}{{{}}} count={} sum={}",
        pairs(&point.attributes, ","),
        point.count,
        point.sum
    );
    for quantile in &point.quantile_values {
        let _ = write!(text, " q{}={}", quantile.quantile, quantile.value);
    }
    line(out, &[&text]);
}
