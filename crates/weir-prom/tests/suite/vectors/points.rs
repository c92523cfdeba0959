//! Vectors that go through the whole translator.

use serde_yaml::Value as Yaml;
use weir_prom::label::LabelNamer;
use weir_prom::{DropReason, Protocol, Settings};
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets;
use weir_proto::otlp::metrics::v1::summary_data_point::ValueAtQuantile;
use weir_proto::otlp::metrics::v1::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, NumberDataPoint, SummaryDataPoint, exemplar,
    metric::Data, number_data_point,
};
use weir_proto::prometheus::v2;

use super::file::{Vector, each};
use super::naming::{label_mode, strategy};
use crate::support::otlp::*;
use crate::support::{BOTH, Series, point_series, series_of, translate, wire};

const STALE: u64 = 0x7ff0_0000_0000_0002;

fn any(yaml: &Yaml) -> AnyValue {
    let inner = match yaml {
        Yaml::Null => return AnyValue { value: None },
        Yaml::Bool(b) => Value::BoolValue(*b),
        Yaml::Number(n) if n.is_i64() => Value::IntValue(n.as_i64().unwrap()),
        Yaml::Number(n) => Value::DoubleValue(n.as_f64().unwrap()),
        Yaml::String(s) => Value::StringValue(s.clone()),
        Yaml::Sequence(list) => Value::ArrayValue(ArrayValue {
            values: list.iter().map(any).collect(),
        }),
        Yaml::Mapping(map) => {
            let values = map
                .iter()
                .map(|(k, v)| attribute_of(k.as_str().unwrap(), any(v)))
                .collect();
            Value::KvlistValue(KeyValueList { values })
        }
        Yaml::Tagged(_) => panic!("tagged value"),
    };
    value(inner)
}

fn key_values(v: Vector, key: &str) -> Vec<KeyValue> {
    v.pairs(key)
        .iter()
        .map(|(k, value)| attribute_of(k, any(value)))
        .collect()
}

fn plain() -> Settings {
    Settings {
        scope_labels: false,
        target_info: false,
        ..Settings::default()
    }
}

fn time(v: Vector, key: &str) -> u64 {
    u64::try_from(v.int(key)).unwrap()
}

#[test]
fn attribute_values() {
    each("attribute_values", |v| {
        let sent = match v.text("type") {
            "bytes_hex" => value(Value::BytesValue(hex(v.text("value")))),
            "double" => value(Value::DoubleValue(v.float("value").unwrap())),
            _ => any(v.at("value").value()),
        };
        let point = NumberDataPoint {
            attributes: vec![attribute_of("a", sent)],
            ..number(&[], 1.0, 1)
        };
        for protocol in BOTH {
            let series = series_of(
                &plain(),
                protocol,
                &request(vec![metric("m", "", gauge(vec![point.clone()]))]),
            );
            assert_eq!(series[0].label("a").unwrap_or_default(), v.text("want"));
        }
    });
}

#[test]
fn resource_identity() {
    each("resource_identity", |v| {
        let metrics = vec![metric("m", "", gauge(vec![number(&[], 1.0, 1)]))];
        let resource = resource_metrics(key_values(v, "resource"), None, metrics);
        let mut request = request(Vec::new());
        request.resource_metrics = vec![resource];
        let mut got = point_series(&plain(), Protocol::V2, &request).remove(0).labels;
        got.retain(|(name, _)| name != "__name__");
        assert_eq!(got, v.labels("want"));
    });
}

#[test]
fn label_sets() {
    each("label_sets", |v| {
        let mode = if v.has("mode") {
            label_mode(v.text("mode"))
        } else {
            label_mode("C")
        };
        let promote = v
            .list("promote")
            .iter()
            .map(|p| p.value().as_str().unwrap().to_owned())
            .collect();
        let settings = Settings {
            labels: LabelNamer { utf8: false, ..mode },
            strategy: strategy(if mode.utf8 { "NUS" } else { v.text("strategy") }),
            scope_labels: v.flag("promote_scope"),
            promote_resource_attributes: promote,
            external_labels: v.labels("external_labels"),
            ..plain()
        };
        let point = NumberDataPoint {
            attributes: key_values(v, "attributes"),
            ..number(&[], 1.0, 1)
        };
        let scope = v.at("scope");
        let mut resource = resource_metrics(
            key_values(v, "resource"),
            Some(InstrumentationScope {
                name: scope.text("name").to_owned(),
                version: scope.text("version").to_owned(),
                attributes: key_values(scope, "attributes"),
                ..InstrumentationScope::default()
            }),
            vec![metric("m", "", gauge(vec![point]))],
        );
        resource.scope_metrics[0].schema_url = scope.text("schema_url").to_owned();
        let mut request = request(Vec::new());
        request.resource_metrics = vec![resource];
        for protocol in BOTH.into_iter().filter(|p| *p == Protocol::V2 || !mode.utf8) {
            assert_eq!(
                point_series(&settings, protocol, &request)[0].labels,
                v.labels("want")
            );
        }
        if v.has("label_order") {
            let order: Vec<&str> = v
                .list("label_order")
                .iter()
                .map(|l| l.value().as_str().unwrap())
                .collect();
            let series = point_series(&settings, Protocol::V2, &request);
            assert_eq!(
                series[0]
                    .labels
                    .iter()
                    .map(|(name, _)| name.as_str())
                    .collect::<Vec<_>>(),
                order
            );
        }
    });
}

fn number_point(p: Vector) -> NumberDataPoint {
    let value = if p.has("int") {
        Some(number_data_point::Value::AsInt(p.int("int")))
    } else {
        p.float("double").map(number_data_point::Value::AsDouble)
    };
    NumberDataPoint {
        attributes: key_values(p, "attributes"),
        start_time_unix_nano: time(p, "start_ns"),
        time_unix_nano: time(p, "time_ns"),
        flags: flags(p),
        value,
        ..NumberDataPoint::default()
    }
}

fn flags(p: Vector) -> u32 {
    u32::from(p.text("flags") == "no_recorded_value")
}

fn histogram_point(p: Vector) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: key_values(p, "attributes"),
        start_time_unix_nano: time(p, "start_ns"),
        time_unix_nano: time(p, "time_ns"),
        count: time(p, "count"),
        sum: p.float("sum"),
        bucket_counts: p
            .ints("counts")
            .into_iter()
            .map(|c| u64::try_from(c).unwrap())
            .collect(),
        explicit_bounds: p.floats("bounds"),
        flags: flags(p),
        ..HistogramDataPoint::default()
    }
}

fn exponential_point(p: Vector) -> ExponentialHistogramDataPoint {
    let side = |key| {
        let counts = p
            .at(key)
            .ints("counts")
            .into_iter()
            .map(|c| u64::try_from(c).unwrap())
            .collect();
        Some(Buckets {
            offset: i32::try_from(p.at(key).int("offset")).unwrap(),
            bucket_counts: counts,
        })
    };
    ExponentialHistogramDataPoint {
        attributes: key_values(p, "attributes"),
        start_time_unix_nano: time(p, "start_ns"),
        time_unix_nano: time(p, "time_ns"),
        scale: i32::try_from(p.int("scale")).unwrap(),
        count: time(p, "count"),
        sum: p.float("sum"),
        zero_count: time(p, "zero_count"),
        zero_threshold: p.float("zero_threshold").unwrap_or_default(),
        positive: side("positive"),
        negative: side("negative"),
        flags: flags(p),
        ..ExponentialHistogramDataPoint::default()
    }
}

fn summary_point(p: Vector) -> SummaryDataPoint {
    let quantiles = p.list("quantiles").into_iter().map(|q| {
        let pair = q.value().as_sequence().unwrap();
        ValueAtQuantile {
            quantile: pair[0].as_f64().unwrap(),
            value: pair[1].as_f64().unwrap(),
        }
    });
    SummaryDataPoint {
        attributes: key_values(p, "attributes"),
        start_time_unix_nano: time(p, "start_ns"),
        time_unix_nano: time(p, "time_ns"),
        count: time(p, "count"),
        sum: p.float("sum").unwrap_or_default(),
        quantile_values: quantiles.collect(),
        flags: flags(p),
    }
}

fn data(m: Vector, p: Vector) -> Data {
    let temporality = match m.text("temporality") {
        "delta" => DELTA,
        _ => CUMULATIVE,
    };
    match m.text("type") {
        "gauge" => gauge(vec![number_point(p)]),
        "counter" => sum(vec![number_point(p)], true, temporality),
        "updown" => sum(vec![number_point(p)], false, temporality),
        "histogram" => histogram(vec![histogram_point(p)]),
        "exphistogram" => exponential(vec![exponential_point(p)]),
        "summary" => summary(vec![summary_point(p)]),
        other => panic!("unknown type {other}"),
    }
}

#[test]
fn series() {
    each("series", |v| {
        let (m, p, s) = (v.at("metric"), v.at("point"), v.at("settings"));
        let settings = Settings {
            strategy: strategy(s.text("strategy")),
            allow_delta: s.flag("allow_delta"),
            ..plain()
        };
        let request = request(vec![metric(m.text("name"), m.text("unit"), data(m, p))]);
        for protocol in BOTH {
            let got = point_series(&settings, protocol, &request);
            assert_eq!(got.len(), v.list("want").len(), "{got:#?}");
            for (got, want) in got.iter().zip(v.list("want")) {
                assert_eq!(got.labels, want.labels("labels"));
                let start = if protocol == Protocol::V2 {
                    want.int("st")
                } else {
                    0
                };
                assert_eq!(
                    got.samples,
                    [(want.float("v").unwrap().to_bits(), want.int("t"), start)]
                );
                if v.has("want_metadata") && protocol == Protocol::V2 {
                    assert_eq!(v.at("want_metadata").text("type"), "unknown");
                    assert_eq!(got.metadata.as_ref().map_or(0, |m| m.kind), 0);
                }
            }
        }
        if v.has("want_error") {
            let out = translate(&settings, Protocol::V2, &wire(&request));
            assert_eq!(out.drops.points(), 1);
            assert_eq!(out.drops.of(DropReason::DeltaTemporality), 1);
        }
    });
}

#[test]
fn stale() {
    each("stale", |v| {
        let p = v.at("point");
        let data = match v.text("kind") {
            "classic_histogram" => histogram(vec![histogram_point(p)]),
            "native_histogram" => exponential(vec![exponential_point(p)]),
            "ordinary_nan" => gauge(vec![number(&[], v.float("value").unwrap(), 1)]),
            "gauge" => gauge(vec![number_point(p)]),
            "summary" => summary(vec![summary_point(p)]),
            other => panic!("unknown kind {other}"),
        };
        for protocol in BOTH {
            let got = point_series(&plain(), protocol, &request(vec![metric("m", "", data.clone())]));
            check_stale(v, &got);
        }
    });
}

fn check_stale(v: Vector, got: &[Series]) {
    let bits = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap();
    if v.has("want_series") {
        let names = |s: &Series| {
            let suffix = s.name().trim_start_matches('m').to_owned();
            s.label("le")
                .map(|le| format!("{suffix} le={le}"))
                .unwrap_or(suffix)
        };
        let want: Vec<_> = v
            .list("want_series")
            .iter()
            .map(|w| w.value().as_str().unwrap().to_owned())
            .collect();
        assert_eq!(got.iter().map(names).collect::<Vec<_>>(), want);
        assert!(
            got.iter()
                .all(|s| s.samples[0].0 == bits(v.text("want_bits_each")))
        );
    }
    if v.has("want_bits") {
        assert_eq!(got[0].samples[0].0, bits(v.text("want_bits")));
    }
    if v.has("want") {
        let (histogram, want) = (&got[0].histograms[0], v.at("want"));
        assert_eq!(histogram.sum.to_bits(), bits(want.text("sum_bits")));
        assert_eq!(histogram.count, Some(v2::histogram::Count::CountInt(0)));
        assert_eq!(
            histogram.zero_count,
            Some(v2::histogram::ZeroCount::ZeroCountInt(0))
        );
        assert!(histogram.positive_spans.is_empty() && histogram.positive_deltas.is_empty());
    }
    assert_eq!(weir_prom::stale::STALE_NAN, STALE);
}

#[test]
fn native_points() {
    each("native_points", |v| {
        let p = v.at("point");
        if p.at("positive").has("counts_rle") {
            return; // Checked with the layouts.
        }
        let batch = request(vec![metric("m", "", exponential(vec![exponential_point(p)]))]);
        let got = point_series(&plain(), Protocol::V2, &batch);
        if v.has("want_error") {
            assert!(got.is_empty());
            return;
        }
        let (h, want) = (&got[0].histograms[0], v.at("want"));
        assert_eq!(i64::from(h.schema), want.int("schema"));
        if want.has("t") {
            assert_eq!((h.timestamp, h.start_timestamp), (want.int("t"), want.int("st")));
            assert_eq!(h.reset_hint, 0);
        }
        if let Some(sum) = want.float("sum") {
            assert_eq!(h.sum.to_bits(), sum.to_bits());
        }
        assert_eq!(h.positive_deltas, want.at("positive").ints("deltas"));
    });
}

#[test]
fn nhcb() {
    let settings = Settings {
        nhcb: true,
        ..plain()
    };
    each("nhcb", |v| {
        let batch = request(vec![metric("m", "", histogram(vec![histogram_point(v)]))]);
        let got = point_series(&settings, Protocol::V2, &batch);
        assert_eq!(got.len(), 1);
        let h = &got[0].histograms[0];
        assert_eq!((h.schema, &h.custom_values), (-53, &v.floats("custom_values")));
        let want = if v.has("canonical") { v.at("canonical") } else { v };
        assert_eq!(h.positive_deltas, want.ints("deltas"));
        // Remote write 1.0 has no such histograms: the classic series go instead.
        let classic = point_series(&settings, Protocol::V1, &batch);
        assert_eq!(classic.len(), v.floats("bounds").len() + 3);
        let both = Settings {
            keep_classic: true,
            ..settings.clone()
        };
        assert_eq!(
            point_series(&both, Protocol::V2, &batch).len(),
            v.floats("bounds").len() + 4
        );
    });
}

fn exemplar(value: f64, time_ms: u64) -> Exemplar {
    Exemplar {
        time_unix_nano: time_ms * 1_000_000,
        value: Some(exemplar::Value::AsDouble(value)),
        ..Exemplar::default()
    }
}

#[test]
fn exemplars() {
    each("exemplars", |v| {
        if v.has("bounds") {
            check_buckets(v)
        } else {
            check_kept(v)
        }
    });
}

fn check_buckets(v: Vector) {
    let values = v.floats("values");
    let point = HistogramDataPoint {
        exemplars: values
            .iter()
            .zip(1..)
            .map(|(value, time)| exemplar(*value, time))
            .collect(),
        explicit_bounds: v.floats("bounds"),
        bucket_counts: vec![1; v.floats("bounds").len() + 1],
        count: 9,
        time_unix_nano: 10_000_000,
        ..HistogramDataPoint::default()
    };
    for protocol in BOTH {
        let got = point_series(
            &plain(),
            protocol,
            &request(vec![metric("m", "", histogram(vec![point.clone()]))]),
        );
        for s in &got {
            let found: Vec<f64> = s.exemplars.iter().map(|e| e.value).collect();
            let le = s.label("le").unwrap_or_default();
            let want = if v.at("want").has(le) {
                v.at("want").floats(le)
            } else {
                Vec::new()
            };
            assert_eq!(found, want, "le={le}");
        }
    }
}

fn check_kept(v: Vector) {
    let text = |t: &str| match t.split_once(" * ") {
        Some((unit, times)) => unit.repeat(times.parse().unwrap()),
        None => t.to_owned(),
    };
    let filtered = v
        .pairs("filtered")
        .iter()
        .map(|(k, t)| attribute(k, &text(t.as_str().unwrap())))
        .collect();
    let exemplar = Exemplar {
        trace_id: hex(v.text("trace_id")),
        span_id: hex(v.text("span_id")),
        filtered_attributes: filtered,
        ..exemplar(1.0, 5)
    };
    let point = NumberDataPoint {
        exemplars: vec![exemplar],
        ..number(&[], 1.0, 5)
    };
    for protocol in BOTH {
        let got = point_series(
            &plain(),
            protocol,
            &request(vec![metric("m", "", counter(vec![point.clone()]))]),
        );
        let mut want: Vec<_> = v
            .list("want_kept")
            .iter()
            .map(|k| k.value().as_str().unwrap())
            .collect();
        want.sort_unstable();
        let labels = &got[0].exemplars[0].labels;
        assert_eq!(
            labels.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            want
        );
        if v.has("want_runes") {
            let runes: usize = labels
                .iter()
                .map(|(n, v)| n.chars().count() + v.chars().count())
                .sum();
            assert_eq!(i64::try_from(runes).unwrap(), v.int("want_runes"));
        }
    }
}

#[test]
fn target_info() {
    each("target_info", |v| {
        let settings = Settings {
            target_info: true,
            namespace: v.text("namespace").to_owned(),
            ..plain()
        };
        let times = v.ints("point_times_ms");
        let times = if times.is_empty() { vec![1000] } else { times };
        let points = times
            .iter()
            .map(|t| number(&[], 1.0, u64::try_from(*t).unwrap()))
            .collect();
        let mut request = request(Vec::new());
        request.resource_metrics = vec![resource_metrics(
            key_values(v, "resource"),
            None,
            vec![metric("m", "", gauge(points))],
        )];
        for protocol in BOTH {
            let mut got = series_of(&settings, protocol, &request);
            got.retain(|s| s.name().ends_with("target_info"));
            if v.list("want").is_empty() && v.has("want") {
                assert!(got.is_empty());
                continue;
            }
            let got = &got[0];
            if v.has("want_labels") {
                assert_eq!(got.labels, v.labels("want_labels"));
            }
            if v.has("want_name") {
                assert_eq!(got.name(), v.text("want_name"));
            }
            // One sample at the latest time, as the Collector has it.
            let latest = times.iter().max().unwrap();
            assert_eq!(got.samples, [(1f64.to_bits(), *latest, 0)]);
        }
    });
}

pub(super) fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}
