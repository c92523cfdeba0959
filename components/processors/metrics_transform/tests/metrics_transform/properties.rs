//! What holds for whatever is sent.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use weir_proto::otlp::metrics::v1::Metric;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::number_data_point::Value;

use crate::support::{parse, print, sorted, transform};

/// Makes a metric decoded, and changes nothing: all of its points match.
const DECODED: &str =
    "{include: ^, match_type: regexp, experimental_match_labels: {no such label: '^$'}, action: update}";

fn metric() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec![
        "gauge",
        "sum",
        "delta",
        "histogram",
        "exponential",
        "summary",
    ]);
    let labels = vec(
        ("[abc]", prop::sample::select(vec!["=x", "=y", ":1", ":2"])),
        0..4,
    );
    let point = (labels, 0..2u64, 2..4u64, -9..9i64, any::<bool>());
    ("[mno]", kind, vec(point, 0..5)).prop_map(|(name, kind, points)| {
        let lines = points.into_iter().map(|(labels, start, time, value, double)| {
            let labels: BTreeMap<_, _> = labels.into_iter().collect();
            let labels: Vec<_> = labels
                .iter()
                .map(|(key, value)| format!("{key}{value}"))
                .collect();
            let n = value.unsigned_abs();
            let value = match kind {
                "histogram" => format!("n={n} sum={value} min=1 max={n} bounds=1,2 counts=0,{n},0"),
                "exponential" => format!("n={n} sum={value} scale={} pos={value}:{n},{n}", start * 2),
                "summary" => format!("n={n} sum={value}"),
                _ if double => format!("{value}.5"),
                _ => format!("{value}"),
            };
            format!("{kind} {name}{{{}}} {start}..{time} = {value}", labels.join(","))
        });
        std::iter::once(format!("{kind} {name}"))
            .chain(lines)
            .collect::<Vec<_>>()
            .join("\n")
    })
}

fn edit() -> impl Strategy<Value = String> {
    prop_oneof![
        ("[abc]", "[xyz]").prop_map(|(key, value)| format!("{{action: add_label, new_label: {key}, new_value: {value}}}")),
        ("[abc]", "[abc]", "[x12]").prop_map(|(from, to, value)| format!(
            "{{action: update_label, label: {from}, new_label: {to}, value_actions: [{{value: '{value}', new_value: z}}]}}"
        )),
        ("[abc]", "[xy12]").prop_map(|(key, value)| format!(
            "{{action: delete_label_value, label: {key}, label_value: '{value}'}}"
        )),
        Just("{action: toggle_scalar_data_type}".to_owned()),
        prop::sample::select(vec![2.0, 0.1, -3.0]).prop_map(|factor| format!(
            "{{action: experimental_scale_value, experimental_scale: {factor}}}"
        )),
    ]
}

fn update() -> impl Strategy<Value = String> {
    let include = prop::sample::select(vec!["'m'", "'^(.)'", "'[no]$'"]);
    let name = prop::sample::select(vec!["''", "'m'", "'${1}x'"]);
    (include, name, vec(edit(), 0..4)).prop_map(|(include, name, edits)| {
        let edits = edits.join(",");
        format!("{{include: {include}, match_type: regexp, action: update, new_name: {name}, operations: [{edits}]}}")
    })
}

/// Sums of values, counts of measurements and points, by name.
fn totals(metrics: &[Metric]) -> BTreeMap<&str, (f64, u64, usize)> {
    let mut totals = BTreeMap::new();
    for metric in metrics {
        let total: &mut (f64, u64, usize) = totals.entry(metric.name.as_str()).or_default();
        let numbers = match metric.data.as_ref().unwrap() {
            Data::Gauge(data) => &data.data_points,
            Data::Sum(data) => &data.data_points,
            Data::Histogram(data) => {
                for point in &data.data_points {
                    total.0 += point.sum.unwrap_or_default();
                    total.1 += point.count + point.bucket_counts.iter().sum::<u64>();
                }
                total.2 += data.data_points.len();
                continue;
            }
            Data::ExponentialHistogram(data) => {
                for point in &data.data_points {
                    let buckets = |side: &Option<_>| {
                        let side: Option<
                            &weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets,
                        > = side.as_ref();
                        side.map_or(0, |side| side.bucket_counts.iter().sum::<u64>())
                    };
                    total.0 += point.sum.unwrap_or_default();
                    total.1 += point.count + buckets(&point.positive) + buckets(&point.negative);
                }
                total.2 += data.data_points.len();
                continue;
            }
            Data::Summary(data) => {
                total.2 += data.data_points.len();
                continue;
            }
        };
        for point in numbers {
            total.0 += match point.value {
                Some(Value::AsInt(value)) => value as f64,
                Some(Value::AsDouble(value)) => value,
                None => 0.0,
            };
        }
        total.2 += numbers.len();
    }
    totals
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn edits_on_the_wire_and_decoded_are_the_same(metrics in vec(metric(), 1..5), updates in vec(update(), 1..4)) {
        let sent = parse(&metrics.join("\n"));
        let updates = updates.join(",");
        let (on_the_wire, one) = transform(&format!("[{updates}]"), sent.clone());
        let (decoded, other) = transform(&format!("[{DECODED}, {updates}]"), sent);
        prop_assert_eq!(sorted(&print(&on_the_wire)), sorted(&print(&decoded)), "{}", updates);
        prop_assert_eq!(one.account(), other.account());
    }

    #[test]
    fn sums_keep_the_total(metrics in vec(metric(), 1..5), keep in "[abc]", values in "[xy]") {
        let sent = parse(&metrics.join("\n"));
        let aggregate = |operation: &str| format!("[{{include: ^, match_type: regexp, action: update, operations: [{operation}]}}]");
        for operation in [
            format!("{{action: aggregate_labels, label_set: [{keep}], aggregation_type: sum}}"),
            "{action: aggregate_labels, aggregation_type: sum}".to_owned(),
            format!("{{action: aggregate_label_values, label: {keep}, aggregated_values: [{values}, '1'], new_value: z, aggregation_type: sum}}"),
        ] {
            let (found, bench) = transform(&aggregate(&operation), sent.clone());
            let (before, after) = (totals(&sent), totals(&found));
            let points = |totals: &BTreeMap<_, (f64, u64, usize)>| totals.values().map(|total| total.2 as u64).sum::<u64>();
            prop_assert_eq!(points(&before), points(&after) + bench.dropped("aggregated"));
            for (name, before) in before {
                let after = after[name];
                prop_assert!((before.0 - after.0).abs() < 1e-9, "{name}: {before:?} {after:?}");
                prop_assert_eq!(before.1, after.1);
            }
        }
    }

    #[test]
    fn what_is_combined_keeps_its_points(metrics in vec(metric(), 1..5)) {
        let sent = parse(&metrics.join("\n"));
        let (found, bench) = transform(
            "[{include: '^(.)', match_type: regexp, action: combine, new_name: all, aggregation_type: sum}]",
            sent.clone(),
        );
        let sum = |metrics: &[Metric]| totals(metrics).values().fold((0.0, 0, 0), |all, one| (all.0 + one.0, all.1 + one.1, all.2 + one.2));
        let (before, after) = (sum(&sent), sum(&found));
        prop_assert_eq!(before.2 as u64, after.2 as u64 + bench.dropped("aggregated"));
        prop_assert!((before.0 - after.0).abs() < 1e-9 && before.1 == after.1, "{before:?} {after:?}");
    }
}
