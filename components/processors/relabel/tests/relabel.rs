//! The processor from its configuration to the next step.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use weir_component::Batch;
use weir_pdata::{Decoded, Signal};
use weir_processor_relabel::FACTORY;
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::common::v1::{AnyValue, ArrayValue, KeyValue};
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::{Gauge, NumberDataPoint, number_data_point};
use weir_testkit::batches::{attribute, metrics, to_wire};
use weir_testkit::{Bench, Sink, batches, contract};

/// A point with attributes; `value` tells it from others.
fn point(value: i64, attributes: Vec<KeyValue>) -> NumberDataPoint {
    NumberDataPoint {
        attributes,
        time_unix_nano: 1,
        value: Some(number_data_point::Value::AsInt(value)),
        ..NumberDataPoint::default()
    }
}

/// A request of gauges. Points are numbered through.
fn gauges(all: &[(&str, Vec<Vec<KeyValue>>)]) -> Decoded {
    let mut number = 0;
    let builder = all.iter().fold(metrics(), |builder, (name, points)| {
        let next = |attributes: &Vec<KeyValue>| {
            number += 1;
            point(number, attributes.clone())
        };
        let data_points = points.iter().map(next).collect();
        builder.metric(name, "1", Data::Gauge(Gauge { data_points }))
    });
    builder.decoded()
}

/// Metric name and attributes of points of gauges, by the number of the point.
type Points = BTreeMap<i64, (String, Vec<KeyValue>)>;

fn points(decoded: &Decoded) -> Points {
    let Decoded::Metrics(request) = decoded else {
        panic!("metrics");
    };
    let scopes = request
        .resource_metrics
        .iter()
        .flat_map(|group| &group.scope_metrics);
    let mut points = Points::new();
    for metric in scopes.flat_map(|scope| &scope.metrics) {
        if let Some(Data::Gauge(gauge)) = &metric.data {
            for point in &gauge.data_points {
                let Some(number_data_point::Value::AsInt(number)) = point.value else {
                    panic!("numbered");
                };
                points.insert(number, (metric.name.clone(), point.attributes.clone()));
            }
        }
    }
    points
}

/// Sends batches through one processor and returns what came out, and its bench for a look at the books.
async fn pass_all(yaml: &str, batches: Vec<Batch>) -> (Vec<Batch>, Bench) {
    let (config, sink) = (contract::config(&FACTORY.meta, yaml), Sink::new());
    let bench = Bench::processor(FACTORY, &config, Signal::Metrics, &sink);
    bench.start().await;
    for batch in batches {
        bench.send(batch).await.expect("taken");
    }
    bench.stop().await;
    bench.assert_balanced();
    (sink.batches(), bench)
}

/// Relabels points of metric `m`, on the wire and decoded, the second time from memory, and returns what is left.
async fn relabel(rules: &str, sent: Vec<Vec<KeyValue>>) -> Points {
    let decoded = gauges(&[("m", sent)]);
    let batches = vec![
        to_wire(&decoded),
        to_wire(&decoded),
        Batch::from_decoded(decoded.clone()),
    ];
    let (batches, _) = pass_all(&format!("{{relabel_configs: {rules}}}"), batches).await;
    let mut found = batches
        .into_iter()
        .map(|batch| points(&batch.to_decoded().expect("sound")));
    let first = found.next().unwrap_or_default();
    for other in found {
        assert_eq!(other, first);
    }
    first
}

fn texts(pairs: &[(&str, &str)]) -> Vec<KeyValue> {
    pairs.iter().map(|(key, value)| attribute(key, *value)).collect()
}

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    let yaml = "{relabel_configs: [{target_label: a, replacement: b}], max_cache_bytes: 1000}";
    contract::config_is_strict(&FACTORY.meta, yaml);
    let config = contract::config(&FACTORY.meta, yaml);
    let batches = || (1..9).map(|points| batches::gauge("g", points)).collect();
    contract::processor_starts_and_stops_twice(FACTORY, &config, batches::gauge("g", 3)).await;
    contract::processor_passes_errors_on(FACTORY, &config, batches::gauge("g", 3)).await;
    contract::processor_keeps_order(FACTORY, &config, batches()).await;
    contract::processor_drains(FACTORY, &config, batches()).await;
}

#[tokio::test]
async fn names_and_attributes_are_labels() {
    let found = relabel(
        r#"[{source_labels: [__name__, k8s.pod], separator: /, regex: "(.*)/(.*)-.*", target_label: k8s.set, replacement: "$2.$1"},
            {source_labels: [k8s.set], regex: "db.*", target_label: __name__, replacement: "${1}renamed"},
            {regex: 'k8s[.]pod', action: labeldrop}]"#,
        vec![
            texts(&[("k8s.pod", "db-1"), ("é", "x")]),
            texts(&[("k8s.pod", "web-1"), ("k8s.set", "old"), ("y", "")]),
        ],
    )
    .await;
    let expected = [
        (
            1,
            ("renamed".to_owned(), texts(&[("é", "x"), ("k8s.set", "db.m")])),
        ),
        (2, ("m".to_owned(), texts(&[("k8s.set", "web.m"), ("y", "")]))),
    ];
    assert_eq!(found, expected.into());
}

#[tokio::test]
async fn resource_and_scope_are_read_under_names_of_their_own() {
    let found = relabel(
        r#"[{source_labels: [__resource_service.name, __scope_name, __scope_version], separator: /, target_label: from},
            {regex: __resource_(.*), replacement: r.$1, action: labelmap}]"#,
        vec![texts(&[("__resource_service.name", "spoof"), ("__resource_env", "spoof"), ("a", "1")])],
    )
    .await;
    let attributes = texts(&[
        ("a", "1"),
        ("from", "shop/testkit/1.0"),
        ("r.service.name", "shop"),
    ]);
    assert_eq!(found, [(1, ("m".to_owned(), attributes))].into());
}

#[tokio::test]
async fn resources_are_told_apart_in_memory() {
    let of = |service: &str| {
        let mut decoded = gauges(&[("m", vec![vec![]])]);
        if let Decoded::Metrics(request) = &mut decoded {
            let resource = request.resource_metrics[0].resource.as_mut().expect("a resource");
            resource.attributes = texts(&[("service.name", service)]);
        }
        to_wire(&decoded)
    };
    let rules = "{relabel_configs: [{source_labels: [__resource_service.name], target_label: job}]}";
    let (found, _) = pass_all(rules, vec![of("a"), of("b"), of("a")]).await;
    for (batch, service) in found.iter().zip(["a", "b", "a"]) {
        let found = points(&batch.to_decoded().expect("sound"));
        assert_eq!(found[&1].1, texts(&[("job", service)]));
    }
}

#[tokio::test]
async fn values_that_do_not_change_keep_their_type() {
    let list = KeyValue {
        key: "list".to_owned(),
        value: Some(AnyValue {
            value: Some(Value::ArrayValue(ArrayValue {
                values: vec![AnyValue {
                    value: Some(Value::BoolValue(true)),
                }],
            })),
        }),
        ..KeyValue::default()
    };
    let sent = vec![attribute("n", 5), list, attribute("f", 1.5)];
    let same = r#"[{source_labels: [n], target_label: n}, {source_labels: [list], regex: "[[](.*)[]]", action: keep}]"#;
    assert_eq!(relabel(same, vec![sent.clone()]).await[&1].1, sent);
    let changed = r#"[{source_labels: [list, f, n], target_label: n}]"#;
    let mut expected = sent.clone();
    expected[0] = attribute("n", "[true];1.5;5");
    assert_eq!(relabel(changed, vec![sent]).await[&1].1, expected);
}

#[tokio::test]
async fn labels_of_rules_alone_do_not_stay() {
    let found = relabel(
        r#"[{source_labels: [a], target_label: __tmp}, {source_labels: [__tmp], target_label: b},
            {target_label: __resource_x, replacement: y}]"#,
        vec![texts(&[("a", "1"), ("__sent", "2"), ("__name__", "other")])],
    )
    .await;
    assert_eq!(
        found,
        [(1, ("m".to_owned(), texts(&[("a", "1"), ("b", "1")])))].into()
    );
}

#[tokio::test]
async fn a_batch_that_does_not_change_is_not_copied() {
    let batch = batches::gauge("g", 3);
    let before = batch.to_wire()[0].clone();
    let (found, _) = pass_all(
        "{relabel_configs: [{source_labels: [n], target_label: n}]}",
        vec![batch],
    )
    .await;
    assert_eq!(found[0].to_wire()[0].as_ptr(), before.as_ptr());
}

#[tokio::test]
async fn every_kind_of_point_is_relabeled() {
    let batch = metrics()
        .gauge("g", &[1.0, 2.0])
        .counter("c", &[3.0])
        .histogram("h", &[1.0], &[1, 2])
        .exponential_histogram("e", 3, &[1, 2])
        .summary("s", &[(0.5, 1.0)])
        .wire();
    let rules = r#"{relabel_configs: [{source_labels: [__name__], regex: "(.)", target_label: __name__, replacement: "x.$1"},
                    {source_labels: [n], regex: "1", action: drop}]}"#;
    let (found, bench) = pass_all(rules, vec![batch]).await;
    let Decoded::Metrics(request) = found[0].to_decoded().expect("sound") else {
        panic!("metrics");
    };
    let names: Vec<&str> = request.resource_metrics[0].scope_metrics[0]
        .metrics
        .iter()
        .map(|metric| metric.name.as_str())
        .collect();
    assert_eq!(names, ["x.g", "x.c", "x.h", "x.e", "x.s"]);
    assert_eq!((found[0].items(), bench.dropped("relabel")), (5, 1));
}

#[tokio::test]
async fn what_is_dropped_is_counted_by_reason() {
    let sent = || {
        to_wire(&gauges(&[
            ("m", vec![texts(&[("a", "1")]), texts(&[("a", "2")])]),
            ("k", vec![vec![]]),
        ]))
    };
    for (rule, reason, dropped) in [
        ("{source_labels: [a], regex: '1', action: drop}", "relabel", 1),
        (
            "{source_labels: [__name__], regex: m, action: drop}",
            "relabel",
            2,
        ),
        ("{action: keep, regex: x}", "relabel", 3),
        (
            "{source_labels: [a], regex: '1', target_label: __name__, replacement: ''}",
            "no_metric_name",
            1,
        ),
        ("{regex: __name__, action: labeldrop}", "no_metric_name", 3),
        (
            "{regex: a, replacement: $2, action: labelmap}",
            "empty_label_name",
            2,
        ),
    ] {
        let (found, bench) = pass_all(&format!("{{relabel_configs: [{rule}]}}"), vec![sent()]).await;
        let left = found.iter().map(Batch::items).sum::<usize>();
        assert_eq!(
            (left as u64, bench.dropped(reason)),
            (3 - dropped, dropped),
            "{rule}"
        );
        assert_eq!(
            found.is_empty(),
            dropped == 3,
            "a batch without items is not sent on"
        );
    }
}

#[tokio::test]
async fn what_is_not_utf8_is_dropped_and_counted() {
    let broken = |text: &str| {
        let bytes = to_wire(&gauges(&[
            ("m", vec![texts(&[("key", "BROKEN")]), vec![]]),
            ("NAMED", vec![vec![]]),
        ]))
        .to_wire();
        let mut bytes = bytes[0].to_vec();
        let at = bytes
            .windows(text.len())
            .position(|window| window == text.as_bytes())
            .expect("there");
        bytes[at] = 0xff;
        Batch::from_wire(Signal::Metrics, bytes.into()).expect("sound")
    };
    for (text, rule, dropped) in [
        ("BROKEN", "{target_label: x, replacement: y}", 1),
        ("NAMED", "{target_label: x, replacement: y}", 1),
        ("shop", "{target_label: x, replacement: y}", 0),
        (
            "shop",
            "{source_labels: [__resource_service.name], target_label: x}",
            3,
        ),
        ("testkit", "{source_labels: [__scope_name], target_label: x}", 3),
    ] {
        let (found, bench) = pass_all(&format!("{{relabel_configs: [{rule}]}}"), vec![broken(text)]).await;
        let left = found.iter().map(Batch::items).sum::<usize>() as u64;
        assert_eq!(
            (left, bench.dropped("invalid_utf8")),
            (3 - dropped, dropped),
            "{text} {rule}"
        );
    }
}

#[tokio::test]
async fn too_many_labels_are_dropped_and_counted() {
    let many = (0..1100)
        .map(|index| attribute(&format!("l{index}"), "v"))
        .collect();
    let batch = to_wire(&gauges(&[("m", vec![many, vec![]])]));
    let (found, bench) = pass_all(
        "{relabel_configs: [{target_label: x, replacement: y}]}",
        vec![batch],
    )
    .await;
    assert_eq!((found[0].items(), bench.dropped("label_set_too_large")), (1, 1));
}

fn rule() -> impl Strategy<Value = String> {
    let label = prop::sample::select(vec!["a", "b", "c.d", "__name__", "__tmp"]);
    let source = prop::sample::select(vec![
        "a",
        "b",
        "c.d",
        "__name__",
        "__resource_service.name",
        "none",
    ]);
    let regex = prop::sample::select(vec![
        "(.*)",
        "(.)(.*)",
        "x|y",
        "[xm];(.*)",
        "a|b",
        "__.*",
        "",
        "(.+)y",
    ]);
    let replacement = prop::sample::select(vec!["$1", "${2}", "", "y", "$0z", "a$1"]);
    (label, source, regex, replacement, 0..9).prop_map(|(label, source, regex, replacement, action)| match action {
        0 => format!("{{source_labels: [{source}], regex: '{regex}', action: drop}}"),
        1 => format!("{{source_labels: [{source}], target_label: '{label}', action: dropequal}}"),
        2 => format!("{{source_labels: [{source}, a], target_label: '{label}', modulus: 5, action: hashmod}}"),
        3 => format!("{{source_labels: [{source}], target_label: '{label}', action: uppercase}}"),
        4 => format!("{{regex: '{regex}', replacement: 'q{replacement}', action: labelmap}}"),
        5 => format!("{{regex: '{regex}', action: labeldrop}}"),
        _ => format!(
            "{{source_labels: [{source}, b], regex: '{regex}', target_label: '{label}', replacement: '{replacement}'}}"
        ),
    })
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let key = prop::sample::select(vec!["a", "b", "c.d"]);
    vec((key, "[xy1]{0,2}"), 0..3).prop_map(|mut pairs| {
        pairs.sort();
        pairs.dedup_by(|next, first| next.0 == first.0);
        pairs
            .iter()
            .map(|(key, value)| attribute(key, value.as_str()))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn memory_changes_no_result(rules in vec(rule(), 1..6), sent in vec(attributes(), 1..12), bytes in prop::sample::select(vec![0, 20_000, 1 << 20])) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let rules = rules.join(", ");
        let all = gauges(&[("m", sent.clone()), ("xy", sent)]);
        let cached = format!("{{relabel_configs: [{rules}], max_cache_bytes: {bytes}}}");
        let (found, _) = runtime.block_on(pass_all(&cached, vec![to_wire(&all), to_wire(&all)]));
        // One point at a time, by a processor that has seen nothing.
        let mut expected = Points::new();
        for (number, (name, attributes)) in points(&all) {
            let alone = format!("{{relabel_configs: [{rules}], max_cache_bytes: 0}}");
            let batch = to_wire(&gauges(&[(&name, vec![attributes])]));
            let (found, _) = runtime.block_on(pass_all(&alone, vec![batch]));
            for batch in found {
                let point = points(&batch.to_decoded().expect("sound")).remove(&1);
                expected.insert(number, point.expect("the only one"));
            }
        }
        for batch in &found {
            prop_assert_eq!(points(&batch.to_decoded().expect("sound")), expected.clone());
        }
        prop_assert_eq!(found.is_empty(), expected.is_empty());
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    assert_eq!(
        contract::mistakes(&FACTORY.meta, "{}"),
        ["relabel_configs: required: at least one rule"]
    );
    assert_eq!(
        contract::mistakes(
            &FACTORY.meta,
            "{relabel_configs: [{action: labelkeep, regex: a}, {regex: '('}, {action: hashmod, target_label: a}]}"
        ),
        [
            "relabel_configs::1::target_label: required for `replace`",
            "relabel_configs::1::regex: not a regular expression: unclosed group",
            "relabel_configs::2::modulus: required for `hashmod`: at least 1",
        ]
    );
}
