//! Rules for the labels of series as they would be sent.

use weir_prom::{DropReason, Output, Protocol, Settings, SettingsError, Translator};
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::metrics::v1::{HistogramDataPoint, Metric, SummaryDataPoint};
use weir_relabel::RuleConfig;

use crate::support::decode::metadata_v1;
use crate::support::otlp::*;
use crate::support::{BOTH, Series, decode, series_of, translate, wire};

pub(crate) fn rules(yaml: &str) -> Vec<RuleConfig> {
    serde_yaml::from_str(yaml).unwrap()
}

fn relabeling(yaml: &str) -> Settings {
    Settings {
        relabel: rules(yaml),
        ..Settings::default()
    }
}

/// A resource `job="shop"` with an attribute beside its identity.
fn of_shop(metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    let resource = attributes(&[("service.name", "shop"), ("zone", "a")]);
    ExportMetricsServiceRequest {
        resource_metrics: vec![resource_metrics(resource, None, metrics)],
    }
}

/// A histogram of two buckets and the last.
fn latency() -> Metric {
    let point = HistogramDataPoint {
        time_unix_nano: 1_000_000,
        count: 6,
        sum: Some(1.5),
        explicit_bounds: vec![0.1, 1.0],
        bucket_counts: vec![1, 2, 3],
        ..HistogramDataPoint::default()
    };
    metric("latency", "s", histogram(vec![point]))
}

fn texts(series: &[Series]) -> Vec<String> {
    let text = |(name, value): &(String, String)| format!("{name}={value}");
    let texts = |series: &Series| series.labels.iter().map(text).collect::<Vec<_>>().join(",");
    series.iter().map(texts).collect()
}

#[track_caller]
fn check(rules: &str, request: &ExportMetricsServiceRequest, expected: &[&str]) {
    for protocol in BOTH {
        let found = texts(&series_of(&relabeling(rules), protocol, request));
        assert_eq!(found, expected, "{protocol:?} {rules}");
    }
}

#[test]
fn rules_see_the_labels_as_they_would_be_sent() {
    let request = of_shop(vec![
        metric(
            "requests",
            "",
            counter(vec![number(&[("http.method", "GET")], 1.0, 1)]),
        ),
        latency(),
    ]);
    let settings = Settings {
        external_labels: vec![("cluster".to_owned(), "eu".to_owned())],
        promote_resource_attributes: vec!["zone".to_owned()],
        ..relabeling(
            r#"
            - {source_labels: [__name__, http_method, job, cluster, zone, le], target_label: seen}
            - {action: labelkeep, regex: __name__|seen}
            "#,
        )
    };
    for protocol in BOTH {
        assert_eq!(
            texts(&series_of(&settings, protocol, &request)),
            [
                "__name__=requests_total,seen=requests_total;GET;shop;eu;a;",
                "__name__=latency_seconds_sum,seen=latency_seconds_sum;;shop;eu;a;",
                "__name__=latency_seconds_count,seen=latency_seconds_count;;shop;eu;a;",
                "__name__=latency_seconds_bucket,seen=latency_seconds_bucket;;shop;eu;a;0.1",
                "__name__=latency_seconds_bucket,seen=latency_seconds_bucket;;shop;eu;a;1",
                "__name__=latency_seconds_bucket,seen=latency_seconds_bucket;;shop;eu;a;+Inf",
                "__name__=target_info,seen=target_info;;shop;eu;a;",
            ]
        );
    }
}

#[test]
fn labels_come_go_and_stay_in_order() {
    let points = vec![
        number(&[("a", "1"), ("le", "own"), ("z", "9")], 1.0, 1),
        number(&[], 1.0, 2),
    ];
    let request = request(vec![metric("m", "", gauge(points))]);
    check(
        r"
        - {target_label: __tmp, replacement: stays}
        - {source_labels: [z], regex: (.+), target_label: b}
        - {target_label: a, replacement: new}
        - {action: labeldrop, regex: z}
        ",
        &request,
        &[
            "__name__=m,__tmp=stays,a=new,b=9,le=own",
            "__name__=m,__tmp=stays,a=new",
        ],
    );
    check(
        "[{action: labeldrop, regex: none}]",
        &request,
        &["__name__=m,a=1,le=own,z=9", "__name__=m"],
    );
}

#[test]
fn a_point_is_dropped_when_no_series_of_it_is_left() {
    let quantiles = SummaryDataPoint {
        time_unix_nano: 1_000_000,
        ..SummaryDataPoint::default()
    };
    let request = of_shop(vec![
        metric(
            "up",
            "",
            gauge(vec![
                number(&[("id", "a")], 1.0, 1),
                number(&[("id", "a")], 2.0, 2),
            ]),
        ),
        metric("kept", "", gauge(vec![number(&[], 1.0, 1)])),
        latency(),
        metric("sizes", "", summary(vec![quantiles])),
    ]);
    for (regex, left, points, series) in [
        // Both points of a series.
        ("up", 9, 2, 0),
        // Some series of a point: the point counts as delivered.
        (".*_bucket", 7, 0, 3),
        // All series of a histogram.
        ("latency_.*", 5, 1, 0),
        ("sizes_.*|latency_.*", 3, 2, 0),
        // No point is behind this one.
        ("target_info", 9, 0, 1),
        ("[^k].*", 1, 4, 1),
        (".*", 0, 5, 1),
    ] {
        let settings = relabeling(&format!(
            "[{{source_labels: [__name__], regex: '{regex}', action: drop}}]"
        ));
        for protocol in BOTH {
            let batch = wire(&request);
            let out = translate(&settings, protocol, &batch);
            assert_eq!(out.requests.iter().flat_map(decode).count(), left, "{regex}");
            assert_eq!(out.drops.of(DropReason::Relabel), points, "{regex}");
            assert_eq!(out.drops.of(DropReason::RelabelSeries), series, "{regex}");
            let sent: u64 = out.requests.iter().map(|request| request.points).sum();
            assert_eq!(sent + out.drops.points(), batch.items() as u64, "{regex}");
        }
    }
}

#[test]
fn metadata_stays_with_its_series_and_its_family() {
    let mut total = metric("requests", "", counter(vec![number(&[], 1.0, 1)]));
    total.description = "all of them".to_owned();
    let mut gone = metric("gone", "", gauge(vec![number(&[], 1.0, 1)]));
    gone.description = "not sent".to_owned();
    let request = request(vec![gone, total]);
    let settings = Settings {
        send_metadata: true,
        ..relabeling(
            r"
            - {source_labels: [__name__], regex: gone, action: drop}
            - {source_labels: [__name__], regex: requests_total, target_label: __name__, replacement: calls}
            ",
        )
    };
    let second = series_of(&settings, Protocol::V2, &request);
    assert_eq!(texts(&second), ["__name__=calls"]);
    assert_eq!(second[0].metadata.as_ref().unwrap().help, "all of them");
    let first = translate(&settings, Protocol::V1, &wire(&request));
    let records: Vec<_> = metadata_v1(&first.requests[0])
        .into_iter()
        .map(|record| (record.metric_family_name, record.help))
        .collect();
    assert_eq!(records, [("requests_total".to_owned(), "all of them".to_owned())]);
}

#[test]
fn series_that_become_equal_are_both_sent() {
    let points = vec![number(&[("pod", "a")], 1.0, 1), number(&[("pod", "b")], 2.0, 1)];
    check(
        "[{action: labeldrop, regex: pod}]",
        &request(vec![metric("m", "", gauge(points))]),
        &["__name__=m", "__name__=m"],
    );
}

#[test]
fn what_no_store_would_take_is_dropped_with_a_reason_of_its_own() {
    let request = request(vec![
        metric("m", "", gauge(vec![number(&[("x", "1")], 1.0, 1)])),
        metric("n", "", gauge(vec![number(&[("y", "1")], 1.0, 1)])),
    ]);
    let double = |prefix: char| format!("{{action: labelmap, replacement: '{prefix}$1'}}");
    let double_all = format!("[{}]", ('a'..='l').map(double).collect::<Vec<_>>().join(","));
    for (rules, reason, points) in [
        (
            "[{action: labeldrop, regex: __name__}]",
            DropReason::NoMetricName,
            2,
        ),
        (
            "[{action: labelmap, regex: 'x()', replacement: $1}]",
            DropReason::EmptyLabelName,
            1,
        ),
        (&double_all, DropReason::LabelSetTooLarge, 2),
    ] {
        for protocol in BOTH {
            let out = translate(&relabeling(rules), protocol, &wire(&request));
            assert_eq!(out.drops.of(reason), points, "{rules}");
            assert_eq!(out.drops.points(), points, "{rules}");
            assert_eq!(
                out.requests.iter().flat_map(decode).count() as u64,
                2 - points,
                "{rules}"
            );
        }
    }
}

#[test]
fn results_are_the_same_from_memory() {
    let request = of_shop(vec![latency()]);
    let rules = r"
        - {source_labels: [le], regex: '0.1', action: drop}
        - {source_labels: [le], regex: '(.+)', target_label: bound}
    ";
    for protocol in BOTH {
        for relabel_cache_bytes in [0, 1 << 20] {
            let settings = Settings {
                relabel_cache_bytes,
                target_info: false,
                ..relabeling(rules)
            };
            let mut translator = Translator::new(settings, protocol).unwrap();
            let mut out = Output::default();
            translator.translate(&wire(&request), &mut out);
            let first = out.requests.clone();
            assert_eq!(first[0].series, 4);
            translator.translate(&wire(&request), &mut out);
            assert_eq!(out.requests, first);
        }
    }
}

#[test]
fn a_rule_that_is_none_is_an_error() {
    let settings = relabeling("[{target_label: a}, {action: hashmod, target_label: a}]");
    let error = Translator::new(settings, Protocol::V1).unwrap_err();
    assert!(matches!(error, SettingsError::Relabel(_)));
    assert_eq!(
        error.to_string(),
        "relabeling rule: `1::modulus`: required for `hashmod`: at least 1"
    );
}
