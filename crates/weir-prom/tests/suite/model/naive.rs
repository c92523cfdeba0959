//! A translation written for the eye: maps of strings, one point after the other.

use std::collections::{BTreeMap, BTreeSet};

use weir_prom::label::LabelNamer;
use weir_prom::name::{MetricNamer, NameClass, UnitTable};
use weir_prom::stale::{STALE_NAN, observed_bits};
use weir_prom::{Protocol, ResourceLabels, Settings};
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::{InstrumentationScope, KeyValue, any_value::Value};
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint,
    exemplar, number_data_point,
};
use weir_proto::prometheus::v2;

use super::{Expected, Labels};
use crate::support::decode::{Metadata, buckets};
use crate::support::otlp::{CUMULATIVE, DELTA};

/// A native histogram with its buckets spelled out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Native {
    time: i64,
    start: i64,
    schema: i32,
    count: u64,
    sum_bits: u64,
    zero: (f64, u64),
    positive: Vec<(i32, i64)>,
    negative: Vec<(i32, i64)>,
    bounds: Vec<f64>,
    reset_hint: i32,
}

impl Native {
    pub(super) fn read(h: &v2::Histogram) -> Self {
        let Some(v2::histogram::Count::CountInt(count)) = h.count else {
            panic!("no count")
        };
        let Some(v2::histogram::ZeroCount::ZeroCountInt(zero)) = h.zero_count else {
            panic!("no zero count")
        };
        Self {
            time: h.timestamp,
            start: h.start_timestamp,
            schema: h.schema,
            count,
            sum_bits: h.sum.to_bits(),
            zero: (h.zero_threshold, zero),
            positive: buckets(&h.positive_spans, &h.positive_deltas),
            negative: buckets(&h.negative_spans, &h.negative_deltas),
            bounds: h.custom_values.clone(),
            reset_hint: h.reset_hint,
        }
    }
}

/// Name and value of a label that the translation makes up.
type Generated = (&'static str, String);

/// The value of a point as the series it makes: suffix, generated label, bits.
#[derive(Debug, Clone, PartialEq)]
struct Point {
    start: i64,
    floats: Vec<(&'static str, Option<Generated>, u64)>,
    native: Option<Native>,
    /// Bounds for placing exemplars, if there are classic buckets.
    bounds: Option<Vec<f64>>,
    exemplars: Vec<(i64, u64, Labels)>,
}

/// Metric name, labels and kind of a series, or of a histogram's or summary's worth of them.
type Identity = (String, Labels, &'static str);

pub(super) struct Naive<'s> {
    settings: &'s Settings,
    protocol: Protocol,
    targets: BTreeMap<Labels, i64>,
}

impl<'s> Naive<'s> {
    pub(super) fn new(settings: &'s Settings, protocol: Protocol) -> Self {
        Self {
            settings,
            protocol,
            targets: BTreeMap::new(),
        }
    }

    pub(super) fn translate(&mut self, request: &ExportMetricsServiceRequest) -> Expected {
        let mut groups: BTreeMap<Identity, (Metadata, Vec<(i64, Point)>)> = BTreeMap::new();
        let mut want = Expected::default();
        let mut targets: BTreeMap<Labels, i64> = BTreeMap::new();
        for resource in &request.resource_metrics {
            let attributes = &resource.resource.as_ref().unwrap().attributes;
            let mut latest = 0;
            for scope in &resource.scope_metrics {
                for metric in &scope.metrics {
                    let total = points_of(metric);
                    let Some((name, metadata)) = self.family(metric) else {
                        want.dropped += total;
                        continue;
                    };
                    let made = self.points(metric);
                    want.dropped += total - made.len() as u64;
                    for (own, kind, time, point) in made {
                        let labels = self.labels(own, attributes, scope.scope.as_ref(), &scope.schema_url);
                        latest = latest.max(time);
                        let group = groups
                            .entry((name.clone(), labels, kind))
                            .or_insert((metadata.clone(), Vec::new()));
                        group.1.push((time, point));
                    }
                }
            }
            if let Some(labels) = self.target(attributes).filter(|_| latest > 0) {
                let time = targets.entry(labels).or_default();
                *time = latest.max(*time);
            }
        }
        for ((name, labels, _), (metadata, points)) in groups {
            // Of points with one time the last to arrive counts.
            let by_time: BTreeMap<i64, Point> = points.iter().cloned().collect();
            want.dropped += (points.len() - by_time.len()) as u64;
            want.points += by_time.len() as u64;
            for (time, point) in by_time {
                self.expand(&name, &labels, &metadata, time, &point, &mut want);
            }
        }
        for (labels, time) in targets {
            let due = self
                .targets
                .get(&labels)
                .is_none_or(|last| time - last >= 150_000);
            if due {
                self.targets.insert(labels.clone(), time);
                let metadata = Metadata {
                    kind: 2,
                    help: "Target metadata".to_owned(),
                    unit: String::new(),
                };
                let one = Point {
                    start: 0,
                    floats: vec![("", None, 1f64.to_bits())],
                    native: None,
                    bounds: None,
                    exemplars: Vec::new(),
                };
                self.expand("target_info", &labels, &metadata, time, &one, &mut want);
            }
        }
        for series in want.series.values_mut() {
            series.exemplars.sort();
            series.exemplars.dedup();
            if self.protocol == Protocol::V1 {
                series.metadata = None;
            }
        }
        want
    }

    fn expand(
        &self,
        name: &str,
        labels: &Labels,
        metadata: &Metadata,
        time: i64,
        point: &Point,
        want: &mut Expected,
    ) {
        let with = |suffix: &str, generated: Option<(&str, &str)>| {
            let mut all: BTreeMap<String, String> = labels.iter().cloned().collect();
            all.insert("__name__".to_owned(), format!("{name}{suffix}"));
            if let Some((label, text)) = generated {
                all.insert(label.to_owned(), text.to_owned());
            }
            all.into_iter().collect::<Labels>()
        };
        let start = if self.protocol == Protocol::V2 {
            point.start
        } else {
            0
        };
        for (suffix, generated, bits) in &point.floats {
            let generated = generated.as_ref().map(|(label, text)| (*label, text.as_str()));
            let series = want.series.entry((with(suffix, generated), false)).or_default();
            series.samples.push((*bits, time, start));
            series.metadata = Some(metadata.clone());
        }
        if let Some(native) = &point.native {
            let series = want.series.entry((with("", None), true)).or_default();
            series.histograms.push(Native {
                time,
                start,
                ..native.clone()
            });
            series.metadata = Some(metadata.clone());
            series.exemplars.extend(point.exemplars.iter().cloned());
        }
        for exemplar in &point.exemplars {
            let value = f64::from_bits(exemplar.1);
            let labels = match &point.bounds {
                Some(bounds) => {
                    let bound = bounds.iter().find(|bound| **bound >= value);
                    let text = bound.map_or("+Inf".to_owned(), |bound| bound.to_string());
                    with("_bucket", Some(("le", &text)))
                }
                None if point.native.is_none() => with("", None),
                None => continue,
            };
            want.series
                .get_mut(&(labels, false))
                .unwrap()
                .exemplars
                .push(exemplar.clone());
        }
    }

    // === names and labels ===

    fn family(&self, metric: &Metric) -> Option<(String, Metadata)> {
        let (temporality, class, kind) = match metric.data.as_ref()? {
            Data::Gauge(_) => (CUMULATIVE, NameClass::Gauge, 2),
            Data::Sum(s) if s.is_monotonic => (s.aggregation_temporality, NameClass::Counter, 1),
            Data::Sum(s) => (s.aggregation_temporality, NameClass::Other, 2),
            Data::Histogram(h) => (h.aggregation_temporality, NameClass::Other, 3),
            Data::ExponentialHistogram(h) => (h.aggregation_temporality, NameClass::Other, 3),
            Data::Summary(_) => (CUMULATIVE, NameClass::Other, 5),
        };
        let is_delta = temporality == DELTA;
        if temporality == 0 || (is_delta && !self.settings.allow_delta) {
            return None;
        }
        let namer = MetricNamer::new(self.settings.strategy, "", UnitTable::default());
        let name = namer.name(&metric.name, &metric.unit, class).ok()?;
        let kind = if is_delta { 0 } else { kind };
        Some((
            name,
            Metadata {
                kind,
                help: metric.description.clone(),
                unit: namer.metadata_unit(&metric.unit),
            },
        ))
    }

    fn labels(
        &self,
        own: &[KeyValue],
        resource: &[KeyValue],
        scope: Option<&InstrumentationScope>,
        url: &str,
    ) -> Labels {
        let mut attributes = texts(own);
        for (key, text) in texts(resource) {
            let service = key.starts_with("service.");
            let copied = match &self.settings.resource_labels {
                ResourceLabels::None => false,
                ResourceLabels::All { exclude_service } => !(service && *exclude_service),
                ResourceLabels::Matching { .. } => key.starts_with('a') && !key.ends_with(".c"),
            };
            // An attribute without a value is none, so it replaces nothing.
            if copied && !text.is_empty() {
                attributes.insert(key, text);
            }
        }
        let mut labels = joined(&attributes, "");
        let resource = texts(resource);
        for key in &self.settings.promote_resource_attributes {
            if let Some(text) = resource.get(key).filter(|text| !text.is_empty()) {
                labels.entry(label_name(key)).or_insert(text.clone());
            }
        }
        labels.extend(identity(&resource));
        for (name, value) in &self.settings.external_labels {
            labels.entry(name.clone()).or_insert(value.clone());
        }
        if let Some(scope) = scope.filter(|scope| self.settings.scope_labels && !scope.name.is_empty()) {
            let mut attributes = texts(&scope.attributes);
            attributes.retain(|key, _| key != "name");
            labels.extend(joined(&attributes, "otel_scope_"));
            for (name, value) in [
                ("name", scope.name.as_str()),
                ("version", &scope.version),
                ("schema_url", url),
            ] {
                if !value.is_empty() {
                    labels.insert(format!("otel_scope_{name}"), value.to_owned());
                }
            }
        }
        labels.into_iter().collect()
    }

    fn target(&self, resource: &[KeyValue]) -> Option<Labels> {
        let mut described = texts(resource);
        let identity = identity(&described);
        described.retain(|key, text| !key.starts_with("service.") && !text.is_empty());
        if !self.settings.target_info || described.is_empty() || identity.is_empty() {
            return None;
        }
        let mut labels = joined(&described, "");
        labels.extend(identity);
        for (name, value) in &self.settings.external_labels {
            labels.entry(name.clone()).or_insert(value.clone());
        }
        Some(labels.into_iter().collect())
    }

    // === values ===

    fn points<'m>(&self, metric: &'m Metric) -> Vec<(&'m [KeyValue], &'static str, i64, Point)> {
        let mut hint = 0;
        let mut delta = |temporality| {
            if temporality == DELTA {
                hint = 3
            }
        };
        let time = |ns: u64| (ns / 1_000_000) as i64;
        let mut out = Vec::new();
        match metric.data.as_ref().unwrap() {
            Data::Gauge(data) => {
                for p in &data.data_points {
                    out.push((
                        &*p.attributes,
                        "number",
                        time(p.time_unix_nano),
                        self.number(p, false, false),
                    ));
                }
            }
            Data::Sum(data) => {
                let is_counter = data.is_monotonic;
                let starts = is_counter || data.aggregation_temporality == DELTA;
                for p in &data.data_points {
                    out.push((
                        &*p.attributes,
                        "number",
                        time(p.time_unix_nano),
                        self.number(p, starts, is_counter),
                    ));
                }
            }
            Data::Histogram(data) => {
                delta(data.aggregation_temporality);
                for p in &data.data_points {
                    let made = self.histogram(p, hint);
                    out.extend(made.map(|made| (&*p.attributes, "histogram", time(p.time_unix_nano), made)));
                }
            }
            Data::ExponentialHistogram(data) => {
                delta(data.aggregation_temporality);
                for p in &data.data_points {
                    let made = self.exponential(p, hint);
                    out.extend(made.map(|made| (&*p.attributes, "histogram", time(p.time_unix_nano), made)));
                }
            }
            Data::Summary(data) => {
                for p in &data.data_points {
                    let made = summary(p);
                    out.extend(made.map(|made| (&*p.attributes, "summary", time(p.time_unix_nano), made)));
                }
            }
        }
        out
    }

    fn number(&self, p: &NumberDataPoint, has_start: bool, has_exemplars: bool) -> Point {
        let value = match p.value {
            Some(number_data_point::Value::AsDouble(value)) => value,
            Some(number_data_point::Value::AsInt(value)) => value as f64,
            None => 0.0,
        };
        let bits = if p.flags == 1 {
            STALE_NAN
        } else {
            observed_bits(value)
        };
        Point {
            start: if has_start {
                start(p.start_time_unix_nano, p.time_unix_nano)
            } else {
                0
            },
            floats: vec![("", None, bits)],
            native: None,
            bounds: None,
            exemplars: if has_exemplars {
                self.exemplars(&p.exemplars)
            } else {
                Vec::new()
            },
        }
    }

    fn histogram(&self, p: &HistogramDataPoint, reset_hint: i32) -> Option<Point> {
        let is_stale = p.flags == 1;
        let bits = |value| if is_stale { STALE_NAN } else { observed_bits(value) };
        let mut bounds = p.explicit_bounds.clone();
        if p.bucket_counts.is_empty() {
            bounds.clear();
        } else if p.bucket_counts.len() != bounds.len() + 1 {
            return None;
        }
        bounds.retain(|bound| *bound != f64::INFINITY);
        let increasing = bounds.windows(2).all(|pair| pair[0] < pair[1]);
        let wants_native = self.settings.nhcb && self.protocol == Protocol::V2;
        let wants_classic = !wants_native || self.settings.keep_classic;
        if wants_classic && !increasing {
            return None;
        }
        let native = if wants_native {
            Some(custom(p, &bounds, increasing, reset_hint)?)
        } else {
            None
        };
        let mut floats = Vec::new();
        if wants_classic {
            floats.extend(p.sum.map(|sum| ("_sum", None, bits(sum))));
            floats.push(("_count", None, bits(p.count as f64)));
            let mut total = 0;
            for (bound, count) in bounds.iter().zip(&p.bucket_counts) {
                total += count;
                let text = bound.to_string().replace("inf", "Inf");
                floats.push(("_bucket", Some(("le", text)), bits(total as f64)));
            }
            floats.push(("_bucket", Some(("le", "+Inf".to_owned())), bits(p.count as f64)));
        }
        Some(Point {
            start: start(p.start_time_unix_nano, p.time_unix_nano),
            floats,
            native,
            bounds: wants_classic.then_some(bounds),
            exemplars: self.exemplars(&p.exemplars),
        })
    }

    fn exponential(&self, p: &ExponentialHistogramDataPoint, reset_hint: i32) -> Option<Point> {
        let threshold = if p.zero_threshold > 0.0 {
            p.zero_threshold
        } else {
            1e-128
        };
        let mut native = Native {
            time: 0,
            start: 0,
            schema: p.scale.clamp(-4, 8),
            count: 0,
            sum_bits: STALE_NAN,
            zero: (threshold, 0),
            positive: Vec::new(),
            negative: Vec::new(),
            bounds: Vec::new(),
            reset_hint,
        };
        if p.flags != 1 {
            let sum = p.sum.filter(|_| p.scale >= -4)?;
            let total = |side: &Option<Buckets>| side.iter().flat_map(|b| &b.bucket_counts).sum::<u64>();
            let total = p.zero_count + total(&p.positive) + total(&p.negative);
            if total > p.count || (total < p.count && !sum.is_nan()) {
                return None;
            }
            (native.count, native.sum_bits, native.zero.1) = (p.count, observed_bits(sum), p.zero_count);
            native.positive = merged(p.positive.as_ref(), p.scale);
            native.negative = merged(p.negative.as_ref(), p.scale);
        }
        Some(Point {
            start: start(p.start_time_unix_nano, p.time_unix_nano),
            floats: Vec::new(),
            native: Some(native),
            bounds: None,
            exemplars: self.exemplars(&p.exemplars),
        })
    }

    fn exemplars(&self, exemplars: &[Exemplar]) -> Vec<(i64, u64, Labels)> {
        let mut out = Vec::new();
        for e in exemplars.iter().filter(|_| self.settings.exemplars) {
            let (Some(exemplar::Value::AsDouble(value)), false) = (e.value, e.time_unix_nano == 0) else {
                continue;
            };
            let mut labels = joined(&texts(&e.filtered_attributes), "");
            let ids = [("trace_id", &e.trace_id), ("span_id", &e.span_id)];
            for (name, id) in ids.into_iter().filter(|(_, id)| id.iter().any(|byte| *byte != 0)) {
                labels.insert(
                    name.to_owned(),
                    id.iter().map(|byte| format!("{byte:02x}")).collect(),
                );
            }
            out.push((
                (e.time_unix_nano / 1_000_000) as i64,
                value.to_bits(),
                labels.into_iter().collect(),
            ));
        }
        out
    }
}

fn points_of(metric: &Metric) -> u64 {
    let count = match metric.data.as_ref().unwrap() {
        Data::Gauge(d) => d.data_points.len(),
        Data::Sum(d) => d.data_points.len(),
        Data::Histogram(d) => d.data_points.len(),
        Data::ExponentialHistogram(d) => d.data_points.len(),
        Data::Summary(d) => d.data_points.len(),
    };
    count as u64
}

fn start(start: u64, time: u64) -> i64 {
    if start == 0 || start > time {
        0
    } else {
        i64::max(1, (start / 1_000_000) as i64)
    }
}

fn custom(p: &HistogramDataPoint, bounds: &[f64], increasing: bool, reset_hint: i32) -> Option<Native> {
    let mut native = Native {
        time: 0,
        start: 0,
        schema: -53,
        count: 0,
        sum_bits: STALE_NAN,
        zero: (0.0, 0),
        positive: Vec::new(),
        negative: Vec::new(),
        bounds: Vec::new(),
        reset_hint,
    };
    if p.flags == 1 {
        return Some(native);
    }
    let sum = p.sum?;
    native.sum_bits = observed_bits(sum);
    let mut counts = p.bucket_counts.clone();
    if counts.is_empty() {
        counts.push(p.count);
    } else {
        if !increasing || bounds.contains(&f64::NEG_INFINITY) {
            return None;
        }
        native.bounds = bounds.to_vec();
    }
    let overflow: u64 = counts.drain(bounds.len()..).sum();
    counts.push(overflow);
    let total: u64 = counts.iter().sum();
    if p.count > total && !sum.is_nan() {
        return None;
    }
    native.count = p.count.max(total);
    native.positive = (0..)
        .zip(counts)
        .map(|(index, count)| (index, count as i64))
        .filter(|(_, c)| *c > 0)
        .collect();
    Some(native)
}

fn merged(side: Option<&Buckets>, scale: i32) -> Vec<(i32, i64)> {
    let mut out: BTreeMap<i32, i64> = BTreeMap::new();
    for (index, count) in side.iter().flat_map(|b| (b.offset..).zip(&b.bucket_counts)) {
        let coarse = index.div_euclid(1 << (scale - 8).max(0)) + 1;
        *out.entry(coarse).or_default() += *count as i64;
    }
    out.into_iter().filter(|(_, count)| *count > 0).collect()
}

fn summary(p: &SummaryDataPoint) -> Option<Point> {
    let bits = |value| {
        if p.flags == 1 {
            STALE_NAN
        } else {
            observed_bits(value)
        }
    };
    let distinct: BTreeSet<String> = p.quantile_values.iter().map(|q| q.quantile.to_string()).collect();
    if distinct.len() < p.quantile_values.len() {
        return None;
    }
    let mut floats = vec![
        ("_sum", None, bits(p.sum)),
        ("_count", None, bits(p.count as f64)),
    ];
    for pair in &p.quantile_values {
        floats.push((
            "",
            Some(("quantile", pair.quantile.to_string())),
            bits(pair.value),
        ));
    }
    let start = start(p.start_time_unix_nano, p.time_unix_nano);
    Some(Point {
        start,
        floats,
        native: None,
        bounds: None,
        exemplars: Vec::new(),
    })
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |a: &KeyValue| match a.value.as_ref().and_then(|v| v.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("not generated: {other:?}"),
    };
    attributes.iter().map(|a| (a.key.clone(), text(a))).collect()
}

fn label_name(key: &str) -> String {
    LabelNamer::default().name(key).unwrap().into_owned()
}

/// Sanitises keys; values of keys that become one name are joined in order of the keys.
fn joined(attributes: &BTreeMap<String, String>, prefix: &str) -> BTreeMap<String, String> {
    let mut labels: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (key, text) in attributes
        .iter()
        .filter(|(key, text)| *key != "__name__" && !text.is_empty())
    {
        labels
            .entry(label_name(&format!("{prefix}{key}")))
            .or_default()
            .push(text);
    }
    labels
        .into_iter()
        .map(|(name, values)| (name, values.join(";")))
        .collect()
}

fn identity(resource: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let get = |key: &str| resource.get(key).filter(|text| !text.is_empty());
    let mut labels = BTreeMap::new();
    if let Some(name) = get("service.name") {
        let job = get("service.namespace").map_or(name.clone(), |namespace| format!("{namespace}/{name}"));
        labels.insert("job".to_owned(), job);
    }
    if let Some(instance) = get("service.instance.id") {
        labels.insert("instance".to_owned(), instance.clone());
    }
    labels
}
