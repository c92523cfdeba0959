//! Single rules, one test each.

use std::num::NonZeroUsize;

use bytes::Bytes;
use prost::Message;
use weir_pdata::{Batch, Signal};
use weir_prom::label::LabelNamer;
use weir_prom::name::Strategy;
use weir_prom::{
    DropReason, DropUnit, Output, Protocol, ResourceLabels, Settings, SettingsError, Translator,
};
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value};
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets;
use weir_proto::otlp::metrics::v1::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, exemplar,
};

use crate::support::decode::{Series, metadata_v1};
use crate::support::otlp::*;
use crate::support::{BOTH, decode, point_series, series_of, translate, wire};

fn of_resource(pairs: &[(&str, &str)], metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    ExportMetricsServiceRequest {
        resource_metrics: vec![resource_metrics(attributes(pairs), None, metrics)],
    }
}

fn one_gauge(points: Vec<NumberDataPoint>) -> ExportMetricsServiceRequest {
    request(vec![metric("m", "", gauge(points))])
}

#[test]
fn nothing_in_gives_nothing_out() {
    for protocol in BOTH {
        let out = translate(&Settings::default(), protocol, &wire(&request(Vec::new())));
        assert!(out.requests.is_empty() && out.drops.is_empty());
        let traces = Batch::from_wire(Signal::Traces, Bytes::new()).unwrap();
        assert!(
            translate(&Settings::default(), protocol, &traces)
                .requests
                .is_empty()
        );
    }
}

#[test]
fn a_list_of_attributes_means_the_same_wherever_it_repeats() {
    let points = |odd: &str| {
        let lists = [
            &[("k", "a")][..],
            &[("k", odd), ("l", "b")],
            &[],
            &[("_", odd)],
            &[("k", "a")],
        ];
        gauge(
            (1..)
                .zip(lists)
                .map(|(time, list)| number(list, 1.0, time))
                .collect(),
        )
    };
    let metrics = |odds: [&str; 4]| {
        let named = ["m", "n", "o", "p"].into_iter().zip(odds);
        named.map(|(name, odd)| metric(name, "", points(odd))).collect()
    };
    let one = of_resource(&[("service.name", "one")], metrics(["x", "x", "y", "x"]));
    let two = of_resource(&[("service.name", "two")], metrics(["x", "x", "x", "x"]));
    let both = ExportMetricsServiceRequest {
        resource_metrics: [one.resource_metrics.clone(), two.resource_metrics.clone()].concat(),
    };
    for protocol in BOTH {
        let settings = Settings::default();
        let sorted = |mut series: Vec<Series>| {
            series.sort_by(|a, b| a.labels.cmp(&b.labels));
            series
        };
        let apart = [&one, &two].map(|request| point_series(&settings, protocol, request));
        let together = sorted(point_series(&settings, protocol, &both));
        assert_eq!(together, sorted(apart.concat()));
        // A metric alone has nothing to repeat.
        let mut alone = Vec::new();
        for request in [&one, &two] {
            for metric in &request.resource_metrics[0].scope_metrics[0].metrics {
                let mut single = request.clone();
                single.resource_metrics[0].scope_metrics[0].metrics = vec![metric.clone()];
                alone.extend(point_series(&settings, protocol, &single));
            }
        }
        assert_eq!(together, sorted(alone));
    }
}

#[test]
fn series_of_a_metric_stand_together() {
    let of_service = |name: &str| {
        let metrics = ["m", "n"].map(|name| metric(name, "", gauge(vec![number(&[], 1.0, 1)])));
        of_resource(&[("service.name", name)], metrics.to_vec()).resource_metrics
    };
    let request = ExportMetricsServiceRequest {
        resource_metrics: [of_service("a"), of_service("b"), of_service("c")].concat(),
    };
    for protocol in BOTH {
        let series = point_series(&Settings::default(), protocol, &request);
        let order: Vec<_> = series
            .iter()
            .map(|series| (series.name(), series.label("job").unwrap_or_default()))
            .collect();
        assert_eq!(
            order,
            [
                ("m", "a"),
                ("m", "b"),
                ("m", "c"),
                ("n", "a"),
                ("n", "b"),
                ("n", "c")
            ]
        );
    }
}

#[test]
fn metrics_are_told_apart_whichever_came_before() {
    let named = |name: &str, unit: &str, description: &str| Metric {
        description: description.to_owned(),
        ..metric(name, unit, gauge(vec![number(&[], 1.0, 1)]))
    };
    // Each time another metric follows the first, and all but its kind or where its texts end is the same.
    let others = [
        named("ab", "c", "d"),
        named("a", "bc", "d"),
        named("ab", "", "cd"),
        named("ab", "cd", ""),
        Metric {
            data: Some(counter(vec![number(&[], 1.0, 1)])),
            ..named("ab", "c", "d")
        },
        named("ab", "c", "d"),
    ];
    let resources = others.iter().zip("123456".chars()).flat_map(|(other, service)| {
        let metrics = vec![named("first", "", ""), other.clone()];
        of_resource(&[("service.name", &service.to_string())], metrics).resource_metrics
    });
    let together = ExportMetricsServiceRequest {
        resource_metrics: resources.collect(),
    };
    for protocol in BOTH {
        let mut alone = Vec::new();
        for resource in &together.resource_metrics {
            let request = ExportMetricsServiceRequest {
                resource_metrics: vec![resource.clone()],
            };
            alone.extend(point_series(&Settings::default(), protocol, &request));
        }
        let mut together = point_series(&Settings::default(), protocol, &together);
        let job = |series: &Series| series.label("job").map(str::to_owned);
        together.sort_by_key(job);
        assert_eq!(together, alone);
    }
}

#[test]
fn each_bad_point_is_dropped_alone_and_counted() {
    let good = || number(&[("k", "good")], 1.0, 1);
    let bad_value = |value| NumberDataPoint {
        attributes: vec![attribute_of("k", value)],
        ..number(&[], 1.0, 1)
    };
    let mut deep = value(Value::IntValue(1));
    for _ in 0..120 {
        deep = value(Value::ArrayValue(ArrayValue { values: vec![deep] }));
    }
    let histogram_point = |bounds: &[f64], counts: &[u64]| HistogramDataPoint {
        explicit_bounds: bounds.to_vec(),
        bucket_counts: counts.to_vec(),
        sum: Some(1.0),
        ..HistogramDataPoint::default()
    };
    let exponential_point = |scale, count, sum| ExponentialHistogramDataPoint {
        scale,
        count,
        sum,
        positive: Some(Buckets {
            offset: 0,
            bucket_counts: vec![1],
        }),
        ..ExponentialHistogramDataPoint::default()
    };
    let cases = [
        (
            DropReason::InvalidLabel,
            gauge(vec![good(), number(&[("_", "x")], 1.0, 1)]),
        ),
        (
            DropReason::InvalidLabel,
            gauge(vec![number(&[("", "x")], 1.0, 1), good()]),
        ),
        (DropReason::Malformed, gauge(vec![good(), bad_value(deep)])),
        (DropReason::Duplicate, gauge(vec![good(), good()])),
        (
            DropReason::Superseded,
            gauge(vec![number(&[("k", "good")], 7.0, 1), good()]),
        ),
        (
            DropReason::BucketCountMismatch,
            histogram(vec![
                histogram_point(&[1.0], &[0, 0]),
                histogram_point(&[1.0], &[0]),
            ]),
        ),
        (
            DropReason::Malformed,
            histogram(vec![
                histogram_point(&[], &[]),
                histogram_point(&[2.0, 1.0], &[0; 3]),
            ]),
        ),
        (
            DropReason::CountMismatch,
            exponential(vec![
                exponential_point(0, 1, Some(1.0)),
                exponential_point(0, 2, Some(1.0)),
            ]),
        ),
        (
            DropReason::ScaleTooSmall,
            exponential(vec![
                exponential_point(-5, 1, Some(1.0)),
                exponential_point(0, 1, Some(1.0)),
            ]),
        ),
        (
            DropReason::MissingSum,
            exponential(vec![
                exponential_point(0, 1, Some(1.0)),
                exponential_point(0, 1, None),
            ]),
        ),
    ];
    for ((reason, data), protocol) in cases.into_iter().flat_map(|case| BOTH.map(|p| (case.clone(), p))) {
        let settings = Settings {
            labels: LabelNamer {
                underscore_prefix: false,
                ..LabelNamer::default()
            },
            ..Settings::default()
        };
        // From messages: bytes nested that deep are refused at the door.
        let batch = crate::support::decoded(&request(vec![metric("m", "", data)]));
        let out = translate(&settings, protocol, &batch);
        assert_eq!(out.drops.iter().collect::<Vec<_>>(), [(reason, 1)]);
        assert_eq!(reason.unit(), DropUnit::Points);
        assert_eq!(
            out.requests.iter().map(|r| r.points).sum::<u64>(),
            1,
            "{reason:?}"
        );
        out.requests.iter().for_each(|request| drop(decode(request)));
    }
}

#[test]
fn a_metric_that_cannot_be_sent_counts_with_all_its_points() {
    let points = || vec![number(&[("a", "1")], 1.0, 1), number(&[("a", "2")], 1.0, 1)];
    let good = metric("good", "", gauge(points()));
    for (reason, count, bad) in [
        (
            DropReason::DeltaTemporality,
            2,
            metric("m", "", sum(points(), true, DELTA)),
        ),
        (
            DropReason::UnspecifiedTemporality,
            2,
            metric("m", "", sum(points(), true, 0)),
        ),
        (DropReason::InvalidName, 2, metric("@@", "", gauge(points()))),
        (DropReason::NoData, 1, metric("m", "", gauge(Vec::new()))),
        (
            DropReason::NoData,
            1,
            Metric {
                name: "m".to_owned(),
                ..Metric::default()
            },
        ),
    ] {
        let out = translate(
            &Settings::default(),
            Protocol::V2,
            &wire(&request(vec![bad, good.clone()])),
        );
        assert_eq!(out.drops.iter().collect::<Vec<_>>(), [(reason, count)]);
        assert_eq!(
            out.drops.points(),
            if reason.unit() == DropUnit::Points {
                count
            } else {
                0
            }
        );
        assert_eq!(out.requests[0].points, 2);
    }
}

/// Replaces a text of the same length in an encoded request.
fn tampered(request: &ExportMetricsServiceRequest, from: &[u8], to: &[u8]) -> Batch {
    let mut bytes = request.encode_to_vec();
    let at = bytes
        .windows(from.len())
        .position(|window| window == from)
        .unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
    Batch::from_wire(Signal::Metrics, Bytes::from(bytes)).unwrap()
}

#[test]
fn text_that_is_not_utf8_costs_only_what_it_stands_in() {
    let points = vec![
        number(&[("key1", "value1")], 1.0, 1),
        number(&[("key2", "value2")], 1.0, 1),
    ];
    let mut metric = metric("name1", "unit1", gauge(points));
    metric.description = "help1".to_owned();
    let request = of_resource(&[("service.name", "svc"), ("host", "host1")], vec![metric]);
    for (text, points, reason) in [
        ("key1", 1, Some(DropReason::InvalidUtf8)),
        ("value2", 1, Some(DropReason::InvalidUtf8)),
        ("name1", 0, Some(DropReason::InvalidUtf8)),
        ("unit1", 0, Some(DropReason::InvalidUtf8)),
        ("svc", 0, Some(DropReason::InvalidUtf8)),
        // Not part of any point.
        ("host1", 2, Some(DropReason::InvalidTargetInfo)),
        ("help1", 2, None),
    ] {
        let batch = tampered(&request, text.as_bytes(), &[0xff, 0xfe]);
        let out = translate(&Settings::default(), Protocol::V2, &batch);
        assert_eq!(
            out.requests.iter().map(|r| r.points).sum::<u64>(),
            points,
            "{text}"
        );
        assert_eq!(out.drops.points(), 2 - points, "{text}");
        assert_eq!(
            out.drops.iter().map(|(reason, _)| reason).next(),
            reason.or(None),
            "{text}"
        );
        out.requests.iter().for_each(|request| drop(decode(request)));
    }
}

#[test]
fn keys_whose_values_never_repeat_give_the_same_series() {
    let points = (0..500).map(|n| {
        let unique = format!("id-{n}");
        number(&[("unique", &unique), ("same", "x")], f64::from(n), 1)
    });
    let request = one_gauge(points.collect());
    for protocol in BOTH {
        let series = point_series(&Settings::default(), protocol, &request);
        assert_eq!(series.len(), 500);
        assert!(
            (0..500)
                .zip(&series)
                .all(|(n, s)| s.label("unique") == Some(&format!("id-{n}")))
        );
    }
}

#[test]
fn metadata_records_come_once_per_request_and_only_if_wanted() {
    let named = |name: &str, unit| Metric {
        description: "help".to_owned(),
        ..metric(name, unit, counter(vec![number(&[], 1.0, 1)]))
    };
    let request = request(vec![named("a.b", "s"), named("c", ""), named("a_b", "s")]);
    let settings = Settings {
        send_metadata: true,
        ..Settings::default()
    };
    let out = translate(&settings, Protocol::V1, &wire(&request));
    let names: Vec<_> = metadata_v1(&out.requests[0])
        .into_iter()
        .map(|m| (m.metric_family_name, m.unit))
        .collect();
    assert_eq!(
        names,
        [
            ("a_b_seconds_total".to_owned(), "seconds".to_owned()),
            ("c_total".to_owned(), String::new())
        ]
    );
    let one_each = Settings {
        max_series: 1,
        ..settings
    };
    let out = translate(&one_each, Protocol::V1, &wire(&request));
    assert!(out.requests.iter().all(|r| r.metadata == 1 && r.series == 1));
    assert!(
        metadata_v1(&translate(&Settings::default(), Protocol::V1, &wire(&request)).requests[0]).is_empty()
    );
}

#[test]
fn metadata_types_follow_the_hint_of_the_source() {
    let kind = |data, hint: &str| {
        let metadata = vec![attribute("prometheus.type", hint)];
        let request = request(vec![Metric {
            metadata,
            ..metric("m", "", data)
        }]);
        series_of(&Settings::default(), Protocol::V2, &request)[0]
            .metadata
            .as_ref()
            .map_or(0, |m| m.kind)
    };
    let points = || vec![number(&[], 1.0, 1)];
    let histogram_point = || vec![HistogramDataPoint::default()];
    assert_eq!(kind(gauge(points()), ""), 2);
    assert_eq!(kind(gauge(points()), "unknown"), 0);
    assert_eq!(kind(counter(points()), "unknown"), 1);
    assert_eq!(kind(sum(points(), false, CUMULATIVE), "info"), 6);
    assert_eq!(kind(sum(points(), false, CUMULATIVE), "stateset"), 7);
    assert_eq!(kind(histogram(histogram_point()), "gaugehistogram"), 4);
    assert_eq!(kind(summary(vec![Default::default()]), ""), 5);
}

#[test]
fn start_times_go_with_what_counts_up() {
    let point = |start_ms: u64| NumberDataPoint {
        start_time_unix_nano: start_ms * 1_000_000,
        ..number(&[], 1.0, 10)
    };
    let start = |data| {
        series_of(
            &Settings::default(),
            Protocol::V2,
            &request(vec![metric("m", "", data)]),
        )[0]
        .samples[0]
            .2
    };
    assert_eq!(start(counter(vec![point(5)])), 5);
    assert_eq!(start(gauge(vec![point(5)])), 0);
    assert_eq!(start(sum(vec![point(5)], false, CUMULATIVE)), 0);
    assert_eq!(start(counter(vec![point(11)])), 0, "after the sample");
    let first_millisecond = NumberDataPoint {
        start_time_unix_nano: 1,
        ..point(0)
    };
    assert_eq!(start(counter(vec![first_millisecond])), 1, "0 would be none");
}

#[test]
fn target_info_comes_once_per_interval_and_at_once_for_new_labels() {
    let at = |host: &str, seconds: u64| {
        let point = number(&[], 1.0, seconds * 1000);
        wire(&of_resource(
            &[("service.name", "s"), ("host", host)],
            vec![metric("m", "", gauge(vec![point]))],
        ))
    };
    let mut translator = Translator::new(Settings::default(), Protocol::V2).unwrap();
    let mut out = Output::default();
    let mut count = |batch| {
        translator.translate(&batch, &mut out);
        let series: Vec<_> = out.requests.iter().flat_map(decode).collect();
        series.iter().filter(|s| s.name() == "target_info").count()
    };
    assert_eq!(count(at("a", 1000)), 1);
    assert_eq!(count(at("a", 1010)), 0);
    assert_eq!(count(at("b", 1020)), 1);
    assert_eq!(count(at("a", 1149)), 0);
    assert_eq!(count(at("a", 1150)), 1);
    assert_eq!(count(at("a", 900)), 0, "older than the last");
    assert_eq!(count(at("a", 0)), 0, "without a time");
}

#[test]
fn dropped_points_do_not_move_target_info() {
    let metrics = vec![
        metric("m", "", gauge(vec![number(&[], 1.0, 1000)])),
        metric("d", "", sum(vec![number(&[], 1.0, 9000)], true, DELTA)),
        metric(
            "e",
            "",
            exponential(vec![ExponentialHistogramDataPoint {
                time_unix_nano: 8_000_000_000,
                ..Default::default()
            }]),
        ),
    ];
    let series = series_of(
        &Settings::default(),
        Protocol::V2,
        &of_resource(&[("service.name", "s"), ("h", "x")], metrics),
    );
    let target = series.iter().find(|s| s.name() == "target_info").unwrap();
    assert_eq!(target.samples, [(1f64.to_bits(), 1000, 0)]);
}

#[test]
fn a_series_keeps_its_lane() {
    let points = |time| {
        (0..64)
            .map(|n| number(&[("n", &n.to_string())], 1.0, time))
            .collect()
    };
    let lanes = |settings: &Settings, protocol, time| {
        let mut translator = Translator::new(settings.clone(), protocol).unwrap();
        translator.set_lanes(NonZeroUsize::new(4).unwrap());
        let mut out = Output::default();
        translator.translate(&wire(&one_gauge(points(time))), &mut out);
        let mut lanes: Vec<_> = out
            .requests
            .iter()
            .flat_map(|r| decode(r).into_iter().map(|s| (s.labels, r.lane)))
            .collect();
        lanes.sort();
        lanes
    };
    let all = lanes(&Settings::default(), Protocol::V2, 1);
    assert!(
        (0..4).all(|lane| all.iter().any(|(_, l)| *l == lane)),
        "64 series leave no lane empty"
    );
    assert_eq!(
        all,
        lanes(
            &Settings {
                max_series: 3,
                ..Settings::default()
            },
            Protocol::V1,
            2
        )
    );
}

#[test]
fn a_long_series_is_cut_in_order_only_if_no_request_can_hold_it() {
    let points: Vec<_> = (1..=100).rev().map(|time| number(&[], 1.5, time)).collect();
    let settings = Settings {
        max_bytes: 200,
        ..Settings::default()
    };
    for protocol in BOTH {
        let out = translate(&settings, protocol, &wire(&one_gauge(points.clone())));
        assert!(out.requests.len() > 1 && out.requests.iter().all(|r| r.length <= 200));
        let times: Vec<i64> = out
            .requests
            .iter()
            .flat_map(decode)
            .flat_map(|s| s.samples)
            .map(|s| s.1)
            .collect();
        assert_eq!(times, (1..=100).collect::<Vec<_>>());
    }
}

#[test]
fn all_series_of_a_point_travel_together() {
    let point = |key: &str| HistogramDataPoint {
        attributes: attributes(&[("k", key)]),
        explicit_bounds: vec![1.0, 2.0, 3.0],
        bucket_counts: vec![1; 4],
        count: 4,
        sum: Some(1.0),
        ..HistogramDataPoint::default()
    };
    let request = request(vec![metric(
        "h",
        "",
        histogram(vec![point("a"), point("b"), point("c")]),
    )]);
    for (max_series, requests) in [(1, 3), (6, 3), (11, 3), (12, 2), (0, 1)] {
        let out = translate(
            &Settings {
                max_series,
                ..Settings::default()
            },
            Protocol::V2,
            &wire(&request),
        );
        assert_eq!(out.requests.len(), requests, "{max_series}");
        for request in &out.requests {
            assert_eq!(decode(request).len() as u64, request.points * 6);
        }
    }
}

#[test]
fn exemplars_that_cannot_be_sent_are_counted_and_the_point_stays() {
    let ok = Exemplar {
        time_unix_nano: 1_000_000,
        value: Some(exemplar::Value::AsInt(3)),
        ..Exemplar::default()
    };
    let exemplars = vec![
        ok.clone(),
        Exemplar {
            time_unix_nano: 0,
            ..ok.clone()
        },
        Exemplar {
            value: None,
            ..ok.clone()
        },
        Exemplar {
            filtered_attributes: attributes(&[("", "x")]),
            ..ok.clone()
        },
        Exemplar {
            filtered_attributes: attributes(&[("k", &"ü".repeat(128))]),
            time_unix_nano: 2_000_000,
            ..ok
        },
    ];
    let point = NumberDataPoint {
        exemplars,
        ..number(&[], 1.0, 5)
    };
    for protocol in BOTH {
        let out = translate(
            &Settings::default(),
            protocol,
            &wire(&request(vec![metric("m", "", counter(vec![point.clone()]))])),
        );
        assert_eq!(out.drops.of(DropReason::InvalidExemplar), 3);
        assert_eq!(out.drops.of(DropReason::ExemplarTooLong), 1);
        assert_eq!(
            (
                out.drops.points(),
                out.requests[0].points,
                out.requests[0].counts.exemplars
            ),
            (0, 1, 2)
        );
        assert_eq!(decode(&out.requests[0])[0].exemplars[0].value, 3.0);
    }
    let gauges = point_series(&Settings::default(), Protocol::V2, &one_gauge(vec![point]));
    assert!(gauges[0].exemplars.is_empty(), "gauges have none");
}

#[test]
fn utf8_names_need_version_2_and_stay_as_they_are() {
    let settings = Settings {
        strategy: Strategy::NoTranslation,
        ..Settings::default()
    };
    let error = Translator::new(settings.clone(), Protocol::V1).unwrap_err();
    assert_eq!(error, SettingsError::Utf8NeedsV2(Strategy::NoTranslation));
    let request = request(vec![metric(
        "http.größe",
        "By",
        gauge(vec![number(&[("a.b", "1"), ("a_b", "2")], 1.0, 1)]),
    )]);
    let labels = &series_of(&settings, Protocol::V2, &request)[0].labels;
    let want =
        [("__name__", "http.größe"), ("a.b", "1"), ("a_b", "2")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert_eq!(labels, &want);
}

#[test]
fn external_labels_are_named_at_the_start() {
    let with = |name: &str, value: &str| Settings {
        external_labels: vec![(name.to_owned(), value.to_owned())],
        ..Settings::default()
    };
    assert!(matches!(
        with("", "v").validate(Protocol::V1),
        Err(SettingsError::ExternalLabelName { .. })
    ));
    assert_eq!(
        with("a", "").validate(Protocol::V1),
        Err(SettingsError::EmptyExternalLabel("a".to_owned()))
    );
    for (name, want) in [("a.b", "a_b"), ("__replica__", "__replica__"), ("1x", "key_1x")] {
        let series = series_of(
            &with(name, "v"),
            Protocol::V1,
            &one_gauge(vec![number(&[], 1.0, 1)]),
        );
        assert_eq!(series[0].label(want), Some("v"));
    }
}

#[test]
fn resource_attributes_replace_those_of_the_point() {
    let request = of_resource(
        &[
            ("service.name", "svc"),
            ("k8s.pod.name", "p"),
            ("k8s.pod.uid", "u"),
            ("same", "resource"),
        ],
        vec![metric("m", "", gauge(vec![number(&[("same", "point")], 1.0, 1)]))],
    );
    let label = |resource_labels, name: &str| {
        let settings = Settings {
            resource_labels,
            ..Settings::default()
        };
        point_series(&settings, Protocol::V2, &request)[0]
            .label(name)
            .map(str::to_owned)
    };
    let all = |exclude_service| ResourceLabels::All { exclude_service };
    assert_eq!(label(ResourceLabels::None, "same").as_deref(), Some("point"));
    assert_eq!(label(all(false), "same").as_deref(), Some("resource"));
    assert_eq!(label(all(false), "service_name").as_deref(), Some("svc"));
    assert_eq!(label(all(true), "service_name"), None);
    let pods = || ResourceLabels::Matching {
        included: vec!["k8s.*".into()],
        excluded: vec!["*.uid".into()],
    };
    assert_eq!(label(pods(), "k8s_pod_name").as_deref(), Some("p"));
    assert_eq!(label(pods(), "k8s_pod_uid"), None);
    assert_eq!(label(pods(), "same").as_deref(), Some("point"));
}

#[test]
fn one_attribute_in_several_encodings_is_one_series() {
    // The value before the key, which is as good as the other way round.
    let usual = KeyValue {
        key: "k".into(),
        value: Some(AnyValue {
            value: Some(Value::BoolValue(true)),
        }),
        ..Default::default()
    };
    let request = one_gauge(vec![
        NumberDataPoint {
            attributes: vec![usual.clone()],
            ..number(&[], 1.0, 1)
        },
        NumberDataPoint {
            attributes: vec![usual],
            ..number(&[], 2.0, 2)
        },
    ]);
    let swapped = tampered(
        &request,
        b"\x0a\x01k\x12\x02\x10\x01",
        b"\x12\x02\x10\x01\x0a\x01k",
    );
    let out = translate(&Settings::default(), Protocol::V2, &swapped);
    assert_eq!(out.requests[0].series, 1);
    assert_eq!(decode(&out.requests[0])[0].samples.len(), 2);
}

#[test]
fn a_text_value_of_another_type_is_the_same_label() {
    let of = |value, time| NumberDataPoint {
        attributes: vec![attribute_of("k", value)],
        ..number(&[], 1.0, time)
    };
    let request = one_gauge(vec![
        of(value(Value::IntValue(1)), 1),
        of(value(Value::StringValue("1".into())), 2),
    ]);
    assert_eq!(series_of(&Settings::default(), Protocol::V1, &request).len(), 1);
}

/// A request's labels are copied from where they stood before; some stood too far back.
#[test]
fn labels_are_whole_however_far_back_they_stood_last() {
    let long = |text: &str| format!("{text}{}", "x".repeat(200));
    let points: Vec<_> = (0..2000)
        .map(|at| {
            let (at_text, turn) = (at.to_string(), long(&(at % 400).to_string()));
            let mut labels = vec![("at", &*at_text), ("turn", &*turn)];
            if at % 1000 == 0 {
                labels.push(("rare", "the only value"));
            }
            number(&labels, 1.5, 1)
        })
        .collect();
    for protocol in BOTH {
        let out = translate(&Settings::default(), protocol, &wire(&one_gauge(points.clone())));
        let mut turns: Vec<(usize, String, bool)> = out
            .requests
            .iter()
            .flat_map(decode)
            .map(|s| {
                let rare = s.label("rare").map(|value| assert_eq!(value, "the only value"));
                let at = s.label("at").unwrap().parse().unwrap();
                (at, s.label("turn").unwrap().to_owned(), rare.is_some())
            })
            .collect();
        turns.sort();
        for (index, (at, turn, rare)) in turns.iter().enumerate() {
            assert_eq!((*at, turn), (index, &long(&(index % 400).to_string())));
            assert_eq!(*rare, index % 1000 == 0);
        }
        assert_eq!(turns.len(), 2000);
    }
}

/// A request of a few megabytes must not become gigabytes, since each series repeats all labels.
#[test]
fn label_sets_are_bounded() {
    let labelled = |bytes: usize| number(&[("long", &"x".repeat(bytes))], 1.5, 1);
    let buckets = HistogramDataPoint {
        attributes: attributes(&[("long", &"x".repeat(40 << 10))]),
        count: 2001,
        bucket_counts: vec![1; 2001],
        explicit_bounds: (0..2000).map(f64::from).collect(),
        time_unix_nano: 1_000_000,
        ..HistogramDataPoint::default()
    };
    let fits = labelled(60 << 10);
    for protocol in BOTH {
        let metrics = vec![
            metric("g", "", gauge(vec![labelled(70 << 10), fits.clone()])),
            metric("h", "", histogram(vec![buckets.clone()])),
        ];
        let out = translate(&Settings::default(), protocol, &wire(&request(metrics)));
        assert_eq!(out.drops.of(DropReason::LabelSetTooLarge), 2);
        assert_eq!(out.requests.iter().flat_map(decode).count(), 1);
    }
}
