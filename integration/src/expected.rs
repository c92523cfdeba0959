//! What measurements must look like in a store, stated independently of the gateway.
//!
//! Metric names are given by each test, literally. Labels, values, times, buckets and exemplars follow from what
//! the SDK reports by the rules of the OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility".

use std::collections::BTreeMap;

use serde_json::Value;

use crate::application::{Attributes, Buckets, DataPoint, Export, Kind, Metric, Report, Scope, SdkExemplar};
use crate::series::{Bucket, Exemplar, Labels, NativePoint, Point, Series};

/// Metric names by instrument name: the OpenTelemetry name, and the family's name in the store.
pub type Names<'a> = &'a [(&'a str, &'a str)];

/// The series that a report becomes.
///
/// # Panics
///
/// The report holds a metric that `names` does not name.
#[must_use]
pub fn series(report: &Report, names: Names<'_>) -> Series {
    let mut series = Series::default();
    for export in &report.exports {
        let mut latest = 0;
        for (scope, metric, family) in metrics(export, names) {
            for point in &metric.points {
                latest = latest.max(milliseconds(point.time_unix_nano));
                let labels = labels(export, scope, point);
                add_point(&mut series, metric, family, &labels, point);
            }
        }
        let target = target_info(&export.resource);
        if let Some(target) = target {
            push(
                &mut series.floats,
                target,
                Point {
                    milliseconds: latest,
                    value: 1.0,
                },
            );
        }
    }
    series
}

/// The exemplars that a report becomes, by series. Each export carries those of its interval alone.
///
/// # Panics
///
/// The report holds a metric that `names` does not name.
#[must_use]
pub fn exemplars(report: &Report, names: Names<'_>) -> BTreeMap<Labels, Vec<Exemplar>> {
    let mut found: BTreeMap<Labels, Vec<Exemplar>> = BTreeMap::new();
    for export in &report.exports {
        for (scope, metric, family) in metrics(export, names) {
            for point in &metric.points {
                for exemplar in &point.exemplars {
                    let mut labels = labels(export, scope, point);
                    match metric.kind {
                        Kind::Sum => name(&mut labels, family, ""),
                        Kind::ExponentialHistogram => name(&mut labels, family, ""),
                        Kind::Histogram => {
                            name(&mut labels, family, "_bucket");
                            let bound = point.bounds.iter().find(|bound| exemplar.value <= **bound);
                            labels.insert("le".into(), bound.map_or("+Inf".into(), f64::to_string));
                        }
                        // A gauge has no exemplars in Prometheus.
                        Kind::Gauge => continue,
                    }
                    found.entry(labels).or_default().push(in_store(exemplar));
                }
            }
        }
    }
    found
}

/// Type and help of each family: what metadata must say.
///
/// # Panics
///
/// The report holds a metric that `names` does not name.
#[must_use]
pub fn metadata(report: &Report, names: Names<'_>) -> BTreeMap<String, (String, String)> {
    let mut families = BTreeMap::new();
    for export in &report.exports {
        for (_scope, metric, family) in metrics(export, names) {
            let kind = match metric.kind {
                Kind::Sum if metric.monotonic => "counter",
                Kind::Sum | Kind::Gauge => "gauge",
                Kind::Histogram | Kind::ExponentialHistogram => "histogram",
            };
            families.insert(family.to_owned(), (kind.to_owned(), metric.description.clone()));
        }
    }
    families
}

fn metrics<'a>(
    export: &'a Export,
    names: Names<'a>,
) -> impl Iterator<Item = (&'a Scope, &'a Metric, &'a str)> {
    export.scopes.iter().flat_map(move |scope| {
        scope.metrics.iter().map(move |metric| {
            let found = names.iter().find(|(name, _)| *name == metric.name);
            let (_, family) = found.unwrap_or_else(|| panic!("no name for {}", metric.name));
            (scope, metric, *family)
        })
    })
}

fn add_point(series: &mut Series, metric: &Metric, family: &str, labels: &Labels, point: &DataPoint) {
    let milliseconds = milliseconds(point.time_unix_nano);
    let named = |suffix: &str| {
        let mut labels = labels.clone();
        name(&mut labels, family, suffix);
        labels
    };
    match metric.kind {
        Kind::Sum | Kind::Gauge => {
            push(
                &mut series.floats,
                named(""),
                Point {
                    milliseconds,
                    value: point.value,
                },
            );
        }
        Kind::Histogram => {
            push(
                &mut series.floats,
                named("_sum"),
                Point {
                    milliseconds,
                    value: point.sum,
                },
            );
            push(
                &mut series.floats,
                named("_count"),
                Point {
                    milliseconds,
                    value: float(point.count),
                },
            );
            let bounds = point.bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
            let mut total = 0;
            for (bound, count) in bounds.zip(&point.counts) {
                total += count;
                let mut labels = named("_bucket");
                labels.insert("le".into(), bound);
                push(
                    &mut series.floats,
                    labels,
                    Point {
                        milliseconds,
                        value: float(total),
                    },
                );
            }
        }
        Kind::ExponentialHistogram => {
            let native = NativePoint {
                milliseconds,
                count: float(point.count),
                sum: point.sum,
                buckets: native_buckets(point),
            };
            series.natives.entry(named("")).or_default().push(native);
        }
    }
}

/// Finest resolution of a native histogram. Spec: native histograms, "Schema".
const FINEST_SCHEMA: i32 = 8;

/// Buckets in ascending order of their bounds, empty ones left out.
fn native_buckets(point: &DataPoint) -> Vec<Bucket> {
    let schema = point.scale.min(FINEST_SCHEMA);
    let bound = |index: i32| 2f64.powf(f64::from(index) * 2f64.powi(-schema));
    let side = |buckets: &Buckets| {
        let mut merged: BTreeMap<i32, u64> = BTreeMap::new();
        for (index, count) in (buckets.offset..).zip(&buckets.counts) {
            *merged.entry(index >> (point.scale - schema)).or_default() += count;
        }
        merged.retain(|_, count| *count > 0);
        merged
    };
    let mut buckets: Vec<Bucket> = side(&point.negative)
        .into_iter()
        .rev()
        .map(|(index, count)| Bucket {
            lower: -bound(index + 1),
            upper: -bound(index),
            count: float(count),
        })
        .collect();
    if point.zero_count > 0 {
        buckets.push(Bucket {
            lower: 0.0,
            upper: 0.0,
            count: float(point.zero_count),
        });
    }
    buckets.extend(side(&point.positive).into_iter().map(|(index, count)| Bucket {
        lower: bound(index),
        upper: bound(index + 1),
        count: float(count),
    }));
    buckets
}

fn labels(export: &Export, scope: &Scope, point: &DataPoint) -> Labels {
    let mut labels: Labels = point
        .attributes
        .iter()
        .map(|(key, value)| (label_name(key), text(value)))
        .collect();
    labels.extend(identity(&export.resource));
    for (key, value) in &scope.attributes {
        labels.insert(format!("otel_scope_{}", label_name(key)), text(value));
    }
    labels.insert("otel_scope_name".into(), scope.name.clone());
    labels.insert("otel_scope_version".into(), scope.version.clone());
    labels.insert("otel_scope_schema_url".into(), scope.schema_url.clone());
    labels.retain(|_, value| !value.is_empty());
    labels
}

const IDENTIFYING: [&str; 3] = ["service.name", "service.namespace", "service.instance.id"];

/// `job` and `instance`.
fn identity(resource: &Attributes) -> Labels {
    let attribute = |key: &str| resource.get(key).map(text);
    let mut labels = Labels::new();
    if let Some(service) = attribute("service.name") {
        let job = match attribute("service.namespace") {
            Some(namespace) => format!("{namespace}/{service}"),
            None => service,
        };
        labels.insert("job".into(), job);
    }
    if let Some(instance) = attribute("service.instance.id") {
        labels.insert("instance".into(), instance);
    }
    labels
}

fn target_info(resource: &Attributes) -> Option<Labels> {
    let mut labels = identity(resource);
    let identified = !labels.is_empty();
    let before = labels.len();
    for (key, value) in resource {
        if !IDENTIFYING.contains(&key.as_str()) {
            labels.insert(label_name(key), text(value));
        }
    }
    let described = labels.len() > before;
    labels.insert("__name__".into(), "target_info".into());
    (identified && described).then_some(labels)
}

fn in_store(exemplar: &SdkExemplar) -> Exemplar {
    let mut labels: Labels = exemplar
        .attributes
        .iter()
        .map(|(key, value)| (label_name(key), text(value)))
        .collect();
    labels.insert("trace_id".into(), exemplar.trace_id.clone());
    labels.insert("span_id".into(), exemplar.span_id.clone());
    labels.retain(|_, value| !value.is_empty());
    Exemplar {
        milliseconds: milliseconds(exemplar.time_unix_nano),
        value: exemplar.value,
        labels,
    }
}

fn name(labels: &mut Labels, family: &str, suffix: &str) {
    labels.insert("__name__".into(), format!("{family}{suffix}"));
}

fn push(floats: &mut BTreeMap<Labels, Vec<Point>>, labels: Labels, point: Point) {
    floats.entry(labels).or_default().push(point);
}

/// Letters, digits and underscores; a leading digit or a single leading underscore gets a prefix.
fn label_name(key: &str) -> String {
    let clean: String = key
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    match clean.as_bytes() {
        [b'0'..=b'9', ..] => format!("key_{clean}"),
        [b'_', next, ..] if *next != b'_' => format!("key{clean}"),
        _ => clean,
    }
}

/// Strings as they are, everything else as JSON without spaces.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn milliseconds(nanoseconds: i64) -> i64 {
    nanoseconds / 1_000_000
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the applications count to less than 2^53"
)]
fn float(count: u64) -> f64 {
    count as f64
}
