//! Metrics as lines of text, one per point, and what the processor makes of them.
//!
//! `gauge cpu[s]{host=a,n:1} 1..2 = 3` is a point of gauge `cpu` with unit `s`, a text and an integer as labels, start 1, time 2 and the
//! integer 3; `3.0` is a double and `-` no recorded value. Lines of one name that follow each other are one metric; a line without a point
//! is a metric without one.

use std::fmt::Write as _;

use weir_component::Batch;
use weir_pdata::view::NO_RECORDED_VALUE;
use weir_pdata::{Decoded, Signal};
use weir_processor_metrics_transform::FACTORY;
use weir_proto::otlp::common::v1::KeyValue;
use weir_proto::otlp::common::v1::any_value::Value as Label;
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::number_data_point::Value;
use weir_proto::otlp::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, Sum, Summary, SummaryDataPoint, exemplar,
};
use weir_testkit::batches::{attribute, metrics, to_wire};
use weir_testkit::{Bench, Sink, contract};

/// Sends metrics through, on the wire and decoded, and compares what comes out, in any order.
#[track_caller]
pub(crate) fn check(transforms: &str, sent: &str, expected: &str) {
    let found = print(&transform(transforms, parse(sent)).0);
    assert_eq!(sorted(&found), sorted(expected), "{transforms}");
}

/// Puts lines in order.
pub(crate) fn sorted(text: &str) -> String {
    let mut lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// Sends the metrics of one scope through, on the wire and decoded, and returns what comes out of all scopes, and the books.
#[track_caller]
pub(crate) fn transform(transforms: &str, sent: Vec<Metric>) -> (Vec<Metric>, Bench) {
    let builder = sent.into_iter().fold(metrics(), |all, metric| {
        let data = metric.data.expect("data");
        all.metric(&metric.name, &metric.unit, data)
    });
    let decoded = builder.decoded();
    let (on_the_wire, bench) = pass(transforms, to_wire(&decoded));
    let (otherwise, _) = pass(transforms, Batch::from_decoded(decoded));
    let found = metrics_of(on_the_wire.as_ref());
    assert_eq!(
        print(&found),
        print(&metrics_of(otherwise.as_ref())),
        "{transforms}"
    );
    (found, bench)
}

/// Sends a batch through, and returns what comes out, and the books, which balance.
#[track_caller]
pub(crate) fn pass(transforms: &str, batch: Batch) -> (Option<Batch>, Bench) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let config = contract::config(&FACTORY.meta, &format!("transforms: {transforms}"));
        let sink = Sink::new();
        let bench = Bench::processor(FACTORY, &config, Signal::Metrics, &sink);
        bench.start().await;
        bench.send(batch).await.expect("taken");
        bench.assert_balanced();
        (sink.batches().pop(), bench)
    })
}

pub(crate) fn metrics_of(batch: Option<&Batch>) -> Vec<Metric> {
    let Some(Decoded::Metrics(request)) = batch.map(|batch| batch.to_decoded().unwrap()) else {
        return Vec::new();
    };
    let scopes = request
        .resource_metrics
        .into_iter()
        .flat_map(|resource| resource.scope_metrics);
    scopes.flat_map(|scope| scope.metrics).collect()
}

// === from text ===

pub(crate) fn parse(text: &str) -> Vec<Metric> {
    let mut all: Vec<Metric> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (kind, rest) = line.split_once(' ').unwrap();
        let (head, point) = rest
            .split_once(' ')
            .map_or((rest, None), |(head, point)| (head, Some(point)));
        let (head, labels) = head.split_once('{').unwrap_or((head, "}"));
        let (name, unit) = head.split_once('[').unwrap_or((head, "]"));
        let metric = Metric {
            name: name.to_owned(),
            unit: unit.trim_end_matches(']').to_owned(),
            data: Some(data(kind)),
            ..Metric::default()
        };
        let shell = |metric: &Metric| (metric.name.clone(), kind_of(metric));
        if all.last().map(shell) != Some(shell(&metric)) {
            all.push(metric);
        }
        if let Some(point) = point {
            add(
                all.last_mut().unwrap(),
                labels_of(labels.trim_end_matches('}')),
                point,
            );
        }
    }
    all
}

fn data(kind: &str) -> Data {
    let temporality = if kind.starts_with("delta") { 1 } else { 2 };
    match kind {
        "gauge" => Data::Gauge(Gauge::default()),
        "sum" | "updown" | "delta" => Data::Sum(Sum {
            aggregation_temporality: temporality,
            is_monotonic: kind != "updown",
            ..Sum::default()
        }),
        "histogram" | "delta_histogram" => Data::Histogram(Histogram {
            aggregation_temporality: temporality,
            ..Histogram::default()
        }),
        "exponential" | "delta_exponential" => Data::ExponentialHistogram(ExponentialHistogram {
            aggregation_temporality: temporality,
            ..ExponentialHistogram::default()
        }),
        "summary" => Data::Summary(Summary::default()),
        other => panic!("no kind: {other}"),
    }
}

fn kind_of(metric: &Metric) -> &'static str {
    match metric.data.as_ref().unwrap() {
        Data::Gauge(_) => "gauge",
        Data::Sum(sum) if sum.aggregation_temporality == 1 => "delta",
        Data::Sum(sum) if sum.is_monotonic => "sum",
        Data::Sum(_) => "updown",
        Data::Histogram(data) if data.aggregation_temporality == 1 => "delta_histogram",
        Data::Histogram(_) => "histogram",
        Data::ExponentialHistogram(data) if data.aggregation_temporality == 1 => "delta_exponential",
        Data::ExponentialHistogram(_) => "exponential",
        Data::Summary(_) => "summary",
    }
}

fn labels_of(text: &str) -> Vec<KeyValue> {
    let label = |pair: &str| match pair.split_once('=') {
        Some((key, text)) => attribute(key, text),
        None => {
            let (key, number) = pair.split_once(':').unwrap();
            attribute(key, number.parse::<i64>().unwrap())
        }
    };
    text.split(',')
        .filter(|pair| !pair.is_empty())
        .map(label)
        .collect()
}

/// Returns the number after `key` in `n=3 sum=6`.
fn field<T: std::str::FromStr>(text: &str, key: &str) -> Option<T> {
    let mut words = text.split(' ');
    words.find_map(|word| word.strip_prefix(key)?.strip_prefix('=')?.parse().ok())
}

/// Returns the list of numbers after `key` in `bounds=1,2 counts=0,1,1`.
fn list<T: std::str::FromStr>(text: &str, key: &str) -> Vec<T> {
    let found = field::<String>(text, key).unwrap_or_default();
    found
        .split(',')
        .filter_map(|number| number.parse().ok())
        .collect()
}

fn add(metric: &mut Metric, attributes: Vec<KeyValue>, point: &str) {
    let (times, value) = point.split_once(" = ").unwrap();
    let (start, time) = times.split_once("..").unwrap();
    let (start_time_unix_nano, time_unix_nano) = (start.parse().unwrap(), time.parse().unwrap());
    let flags = if value == "-" { NO_RECORDED_VALUE } else { 0 };
    let exemplars = list(value, "exemplars").into_iter().map(|value| Exemplar {
        value: Some(exemplar::Value::AsDouble(value)),
        ..Exemplar::default()
    });
    let exemplars = exemplars.collect();
    match metric.data.as_mut().unwrap() {
        Data::Gauge(Gauge { data_points }) | Data::Sum(Sum { data_points, .. }) => {
            let number = value.split(' ').next().unwrap();
            let value = match number.contains(['.', 'N', 'e']) {
                true => number.parse().ok().map(Value::AsDouble),
                false => number.parse().ok().map(Value::AsInt),
            };
            data_points.push(NumberDataPoint {
                attributes,
                start_time_unix_nano,
                time_unix_nano,
                value,
                flags,
                exemplars,
            });
        }
        Data::Histogram(data) => data.data_points.push(HistogramDataPoint {
            attributes,
            start_time_unix_nano,
            time_unix_nano,
            flags,
            count: field(value, "n").unwrap_or_default(),
            sum: field(value, "sum"),
            min: field(value, "min"),
            max: field(value, "max"),
            explicit_bounds: list(value, "bounds"),
            bucket_counts: list(value, "counts"),
            exemplars,
        }),
        Data::ExponentialHistogram(data) => {
            let side = |key: &str| {
                let found: String = field(value, key)?;
                let (offset, counts) = found.split_once(':').unwrap();
                Some(Buckets {
                    offset: offset.parse().unwrap(),
                    bucket_counts: counts.split(',').map(|count| count.parse().unwrap()).collect(),
                })
            };
            data.data_points.push(ExponentialHistogramDataPoint {
                attributes,
                start_time_unix_nano,
                time_unix_nano,
                flags,
                count: field(value, "n").unwrap_or_default(),
                sum: field(value, "sum"),
                min: field(value, "min"),
                max: field(value, "max"),
                scale: field(value, "scale").unwrap_or_default(),
                zero_count: field(value, "zero").unwrap_or_default(),
                zero_threshold: field(value, "width").unwrap_or_default(),
                positive: side("pos"),
                negative: side("neg"),
                exemplars,
            });
        }
        Data::Summary(data) => data.data_points.push(SummaryDataPoint {
            attributes,
            start_time_unix_nano,
            time_unix_nano,
            flags,
            count: field(value, "n").unwrap_or_default(),
            sum: field(value, "sum").unwrap_or_default(),
            ..SummaryDataPoint::default()
        }),
    }
}

// === to text ===

pub(crate) fn print(metrics: &[Metric]) -> String {
    let mut out = String::new();
    for metric in metrics {
        let before = out.len();
        let unit = match metric.unit.as_str() {
            "" => String::new(),
            unit => format!("[{unit}]"),
        };
        let head = format!("{} {}{unit}", kind_of(metric), metric.name);
        let mut point = |attributes: &[KeyValue], start: u64, time: u64, flags: u32, value: String| {
            let value = if flags & NO_RECORDED_VALUE == 0 {
                value
            } else {
                "-".to_owned()
            };
            writeln!(
                out,
                "{head}{} {start}..{time} = {value}",
                print_labels(attributes)
            )
            .unwrap();
        };
        match metric.data.as_ref().unwrap() {
            Data::Gauge(Gauge { data_points }) | Data::Sum(Sum { data_points, .. }) => {
                for p in data_points {
                    let value = match &p.value {
                        Some(Value::AsInt(value)) => format!("{value}"),
                        Some(Value::AsDouble(value)) => format!("{value:?}"),
                        None => "nothing".to_owned(),
                    };
                    let value = value + &print_exemplars(&p.exemplars);
                    point(
                        &p.attributes,
                        p.start_time_unix_nano,
                        p.time_unix_nano,
                        p.flags,
                        value,
                    );
                }
            }
            Data::Histogram(data) => {
                for p in &data.data_points {
                    let value = print_measured(p.count, p.sum, p.min, p.max)
                        + &print_list(" bounds", &p.explicit_bounds)
                        + &print_list(" counts", &p.bucket_counts)
                        + &print_exemplars(&p.exemplars);
                    point(
                        &p.attributes,
                        p.start_time_unix_nano,
                        p.time_unix_nano,
                        p.flags,
                        value,
                    );
                }
            }
            Data::ExponentialHistogram(data) => {
                for p in &data.data_points {
                    let mut value = print_measured(p.count, p.sum, p.min, p.max);
                    write!(
                        value,
                        " scale={} zero={} width={}",
                        p.scale, p.zero_count, p.zero_threshold
                    )
                    .unwrap();
                    for (key, side) in [("pos", &p.positive), ("neg", &p.negative)] {
                        if let Some(side) = side {
                            let counts = print_list("", &side.bucket_counts);
                            write!(value, " {key}={}:{}", side.offset, counts.trim_start_matches('='))
                                .unwrap();
                        }
                    }
                    value += &print_exemplars(&p.exemplars);
                    point(
                        &p.attributes,
                        p.start_time_unix_nano,
                        p.time_unix_nano,
                        p.flags,
                        value,
                    );
                }
            }
            Data::Summary(data) => {
                for p in &data.data_points {
                    let value = format!("n={} sum={}", p.count, p.sum);
                    point(
                        &p.attributes,
                        p.start_time_unix_nano,
                        p.time_unix_nano,
                        p.flags,
                        value,
                    );
                }
            }
        }
        if out.len() == before {
            writeln!(out, "{head}").unwrap();
        }
    }
    out
}

fn print_labels(attributes: &[KeyValue]) -> String {
    let label = |label: &KeyValue| match label.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Label::StringValue(text)) => format!("{}={text}", label.key),
        Some(Label::IntValue(number)) => format!("{}:{number}", label.key),
        other => panic!("no such label: {other:?}"),
    };
    let mut labels: Vec<_> = attributes.iter().map(label).collect();
    labels.sort_unstable();
    match labels.is_empty() {
        true => String::new(),
        false => format!("{{{}}}", labels.join(",")),
    }
}

fn print_measured(count: u64, sum: Option<f64>, min: Option<f64>, max: Option<f64>) -> String {
    let mut out = format!("n={count}");
    for (key, value) in [("sum", sum), ("min", min), ("max", max)] {
        if let Some(value) = value {
            write!(out, " {key}={value}").unwrap();
        }
    }
    out
}

fn print_list<T: std::fmt::Display>(key: &str, list: &[T]) -> String {
    let list: Vec<_> = list.iter().map(T::to_string).collect();
    match list.is_empty() {
        true => String::new(),
        false => format!("{key}={}", list.join(",")),
    }
}

fn print_exemplars(exemplars: &[Exemplar]) -> String {
    let values = exemplars.iter().map(|exemplar| match exemplar.value {
        Some(exemplar::Value::AsDouble(value)) => value,
        ref other => panic!("no double: {other:?}"),
    });
    print_list(" exemplars", &values.collect::<Vec<_>>())
}
