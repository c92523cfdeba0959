//! The same with decoded messages, one record at a time.

use std::collections::BTreeMap;

use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use weir_proto::otlp::logs::v1::LogRecord;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::{
    ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint,
};
use weir_proto::otlp::resource::v1::Resource;
use weir_proto::otlp::trace::v1::Span;

use crate::Decoded;

/// A record as text, below everything that it belongs to: resource, scope, metric.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    resource: String,
    scope: String,
    metric: String,
    record: String,
}

#[derive(Debug)]
enum Record {
    Number(NumberDataPoint),
    Histogram(HistogramDataPoint),
    Exponential(ExponentialHistogramDataPoint),
    Summary(SummaryDataPoint),
    Span(Span),
    Log(LogRecord),
}

impl Record {
    fn attributes(&mut self) -> &mut Vec<KeyValue> {
        match self {
            Self::Number(point) => &mut point.attributes,
            Self::Histogram(point) => &mut point.attributes,
            Self::Exponential(point) => &mut point.attributes,
            Self::Summary(point) => &mut point.attributes,
            Self::Span(span) => &mut span.attributes,
            Self::Log(record) => &mut record.attributes,
        }
    }
}

type Origin<'a> = (&'a Option<Resource>, &'a str);
type Holder<'a> = (&'a Option<InstrumentationScope>, &'a str);

/// Shows every record, its metric (without points and description) as text.
fn each(decoded: &Decoded, show: &mut dyn FnMut(Origin<'_>, Holder<'_>, String, Record)) {
    match decoded {
        Decoded::Traces(request) => {
            for resource in &request.resource_spans {
                for scope in &resource.scope_spans {
                    for span in &scope.spans {
                        show(
                            (&resource.resource, &resource.schema_url),
                            (&scope.scope, &scope.schema_url),
                            String::new(),
                            Record::Span(span.clone()),
                        );
                    }
                }
            }
        }
        Decoded::Logs(request) => {
            for resource in &request.resource_logs {
                for scope in &resource.scope_logs {
                    for record in &scope.log_records {
                        show(
                            (&resource.resource, &resource.schema_url),
                            (&scope.scope, &scope.schema_url),
                            String::new(),
                            Record::Log(record.clone()),
                        );
                    }
                }
            }
        }
        Decoded::Metrics(request) => {
            for resource in &request.resource_metrics {
                for scope in &resource.scope_metrics {
                    for metric in &scope.metrics {
                        let (name, points) = take_apart(metric.clone());
                        for point in points {
                            show(
                                (&resource.resource, &resource.schema_url),
                                (&scope.scope, &scope.schema_url),
                                name.clone(),
                                point,
                            );
                        }
                    }
                }
            }
        }
    }
}

/// Returns what makes a metric the same metric, and its points.
fn take_apart(mut metric: Metric) -> (String, Vec<Record>) {
    metric.description.clear();
    metric.metadata = normal(&metric.metadata);
    fn all<T>(points: &mut Vec<T>, make: fn(T) -> Record) -> Vec<Record> {
        points.drain(..).map(make).collect()
    }
    let points = match metric.data.as_mut() {
        Some(Data::Gauge(data)) => all(&mut data.data_points, Record::Number),
        Some(Data::Sum(data)) => all(&mut data.data_points, Record::Number),
        Some(Data::Histogram(data)) => all(&mut data.data_points, Record::Histogram),
        Some(Data::ExponentialHistogram(data)) => all(&mut data.data_points, Record::Exponential),
        Some(Data::Summary(data)) => all(&mut data.data_points, Record::Summary),
        None => Vec::new(),
    };
    (format!("{metric:?}"), points)
}

fn row(
    (resource, resource_url): Origin<'_>,
    (scope, scope_url): Holder<'_>,
    metric: String,
    record: &Record,
) -> Row {
    let mut resource = resource.clone().unwrap_or_default();
    resource.attributes = normal(&resource.attributes);
    // The order of entities is not looked at.
    resource
        .entity_refs
        .sort_by_key(|reference| format!("{reference:?}"));
    let mut scope = scope.clone().unwrap_or_default();
    scope.attributes = normal(&scope.attributes);
    Row {
        resource: format!("{resource:?} {resource_url:?}"),
        scope: format!("{scope:?} {scope_url:?}"),
        metric,
        record: format!("{record:?}"),
    }
}

/// Returns attributes in one order, and in one form.
fn normal(attributes: &[KeyValue]) -> Vec<KeyValue> {
    let mut attributes: Vec<KeyValue> = attributes
        .iter()
        .map(|attribute| KeyValue {
            key: attribute.key.clone(),
            value: Some(normal_value(attribute.value.as_ref())),
            key_strindex: 0,
        })
        .collect();
    attributes.sort_by_key(|attribute| format!("{attribute:?}"));
    attributes
}

fn normal_value(value: Option<&AnyValue>) -> AnyValue {
    let mut value = value.cloned().unwrap_or_default();
    match &mut value.value {
        Some(Value::StringValueStrindex(_)) => value.value = None,
        Some(Value::ArrayValue(list)) => {
            for element in &mut list.values {
                *element = normal_value(Some(element));
            }
        }
        Some(Value::KvlistValue(list)) => list.values = normal(&list.values),
        _ => {}
    }
    value
}

/// Returns the records in order.
pub(super) fn rows(decoded: &Decoded) -> Vec<Row> {
    let mut rows = Vec::new();
    each(decoded, &mut |resource, scope, metric, record| {
        rows.push(row(resource, scope, metric, &record));
    });
    rows
}

/// Returns all keys of records' attributes.
pub(super) fn keys_of(decoded: &Decoded) -> Vec<String> {
    let mut keys = Vec::new();
    each(decoded, &mut |_, _, _, mut record| {
        keys.extend(record.attributes().drain(..).map(|attribute| attribute.key));
    });
    keys
}

/// Returns the records as they are when they are regrouped, and how many moved.
pub(super) fn expected(decoded: &Decoded, keys: &[String]) -> (Vec<Row>, usize) {
    let (mut rows, mut moved) = (Vec::new(), 0);
    each(decoded, &mut |(resource, url), scope, metric, mut record| {
        let mut resource = resource.clone().unwrap_or_default();
        let mut any = false;
        for key in keys {
            let attributes = record.attributes();
            let Some(found) = attributes.iter().find(|attribute| attribute.key == *key).cloned() else {
                continue;
            };
            attributes.retain(|attribute| attribute.key != *key);
            resource.attributes.retain(|attribute| attribute.key != *key);
            resource.attributes.push(found);
            any = true;
        }
        moved += usize::from(any);
        rows.push(row((&Some(resource), url), scope, metric, &record));
    });
    // Everything stands where the first of its kind came.
    let mut first = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        first.entry(part(row, 0)).or_insert(index);
        first.entry(part(row, 1)).or_insert(index);
        first.entry(part(row, 2)).or_insert(index);
    }
    rows.sort_by_cached_key(|row| [0, 1, 2].map(|level| first[&part(row, level)]));
    (rows, moved)
}

/// Names the resource, scope or metric of a row.
fn part(row: &Row, level: u8) -> (u8, String, String, String) {
    let upto = |wanted: u8, text: &String| {
        if level >= wanted {
            text.clone()
        } else {
            String::new()
        }
    };
    (
        level,
        row.resource.clone(),
        upto(1, &row.scope),
        upto(2, &row.metric),
    )
}

/// Counts the resources, scopes and metrics of rows.
pub(super) fn distinct(rows: &[Row]) -> [usize; 3] {
    [0, 1, 2].map(|level| {
        let mut parts: Vec<_> = rows.iter().map(|row| part(row, level)).collect();
        parts.sort();
        parts.dedup();
        parts.len()
    })
}

/// Counts the resources, scopes and metrics (where there are none, scopes) of a request.
pub(super) fn groups(decoded: &Decoded) -> [usize; 3] {
    match decoded {
        Decoded::Traces(request) => {
            let scopes = request.resource_spans.iter().map(|group| group.scope_spans.len());
            let scopes = scopes.sum();
            [request.resource_spans.len(), scopes, scopes]
        }
        Decoded::Logs(request) => {
            let scopes = request.resource_logs.iter().map(|group| group.scope_logs.len());
            let scopes = scopes.sum();
            [request.resource_logs.len(), scopes, scopes]
        }
        Decoded::Metrics(request) => {
            let scopes = || {
                request
                    .resource_metrics
                    .iter()
                    .flat_map(|group| &group.scope_metrics)
            };
            let metrics = scopes().map(|scope| scope.metrics.len()).sum();
            [request.resource_metrics.len(), scopes().count(), metrics]
        }
    }
}

/// Returns the same with the attributes of all resources and scopes in the opposite order.
pub(super) fn mirrored(decoded: &Decoded) -> Decoded {
    fn turn(resource: &mut Option<Resource>, scopes: Vec<&mut Option<InstrumentationScope>>) {
        if let Some(resource) = resource {
            resource.attributes.reverse();
        }
        for scope in scopes.into_iter().flatten() {
            scope.attributes.reverse();
        }
    }
    let mut decoded = decoded.clone();
    match &mut decoded {
        Decoded::Traces(request) => {
            for group in &mut request.resource_spans {
                let scopes = group.scope_spans.iter_mut().map(|scope| &mut scope.scope);
                turn(&mut group.resource, scopes.collect());
            }
        }
        Decoded::Logs(request) => {
            for group in &mut request.resource_logs {
                let scopes = group.scope_logs.iter_mut().map(|scope| &mut scope.scope);
                turn(&mut group.resource, scopes.collect());
            }
        }
        Decoded::Metrics(request) => {
            for group in &mut request.resource_metrics {
                let scopes = group.scope_metrics.iter_mut().map(|scope| &mut scope.scope);
                turn(&mut group.resource, scopes.collect());
            }
        }
    }
    decoded
}
