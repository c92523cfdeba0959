//! Options, good and bad.

use weir_processor_metrics_transform::FACTORY;
use weir_testkit::contract;

#[track_caller]
fn check(transform: &str, expected: &[&str]) {
    let yaml = format!("{{transforms: [{{include: a, action: update}}, {transform}]}}");
    let expected: Vec<_> = expected
        .iter()
        .map(|mistake| format!("transforms::1::{mistake}"))
        .collect();
    assert_eq!(contract::mistakes(&FACTORY.meta, &yaml), expected, "{transform}");
}

#[test]
fn what_is_required_is_asked_for() {
    check(
        "{}",
        &[
            "include: required: the name of a metric",
            "action: required: update, insert, combine or group",
        ],
    );
    check(
        "{include: a, action: insert}",
        &["new_name: required for `insert`"],
    );
    check(
        "{include: a, action: group}",
        &["group_resource_labels: required for `group`"],
    );
    let sum = "required: sum, mean, min, max, count or median";
    check(
        "{include: a, action: combine}",
        &[
            "new_name: required for `combine`",
            &format!("aggregation_type: {sum}; only an `include` with groups does without"),
        ],
    );
    check(
        "{include: (a), match_type: regexp, action: combine, new_name: b}",
        &[],
    );
    check(
        "{include: a, action: combine, new_name: b, aggregation_type: median}",
        &[],
    );
    let operation = |operation: &str| format!("{{include: a, action: update, operations: [{operation}]}}");
    check(
        &operation("{}"),
        &[
            "operations::0::action: required: add_label, update_label, delete_label_value, toggle_scalar_data_type, \
           experimental_scale_value, aggregate_labels or aggregate_label_values",
        ],
    );
    for (action, asked) in [
        (
            "add_label",
            vec![
                "new_label: required: the key of a label",
                "new_value: required: the value of the label",
            ],
        ),
        ("update_label", vec!["label: required: the key of a label"]),
        (
            "delete_label_value",
            vec![
                "label: required: the key of a label",
                "label_value: required: the value of the label",
            ],
        ),
        ("toggle_scalar_data_type", vec![]),
        (
            "experimental_scale_value",
            vec!["experimental_scale: required: a factor"],
        ),
        (
            "aggregate_labels",
            vec!["aggregation_type: required: sum, mean, min, max, count or median"],
        ),
        (
            "aggregate_label_values",
            vec![
                "label: required: the key of a label",
                "aggregation_type: required: sum, mean, min, max, count or median",
                "aggregated_values: required: at least one value",
            ],
        ),
    ] {
        let asked: Vec<_> = asked
            .iter()
            .map(|asked| format!("operations::0::{asked}"))
            .collect();
        check(
            &operation(&format!("{{action: {action}}}")),
            &asked.iter().map(String::as_str).collect::<Vec<_>>(),
        );
    }
    for scale in ["0", "-0.0", ".nan", ".inf"] {
        check(
            &operation(&format!(
                "{{action: experimental_scale_value, experimental_scale: {scale}}}"
            )),
            &["operations::0::experimental_scale: must be a finite number other than 0"],
        );
    }
}

#[test]
fn what_has_no_effect_is_refused() {
    check(
        "{include: a, action: update, aggregation_type: sum, submatch_case: lower, group_resource_labels: {}}",
        &[
            "aggregation_type: has no effect with `update`: it is for `combine`",
            "submatch_case: has no effect with `update`: it is for `combine`",
            "group_resource_labels: has no effect with `update`: it is for `group`",
        ],
    );
    check(
        "{include: a, action: group, group_resource_labels: {}, new_name: b, operations: [{action: toggle_scalar_data_type}]}",
        &[
            "new_name: has no effect with `group`: use a transform before it",
            "operations: has no effect with `group`: use a transform before it",
        ],
    );
    check(
        "{include: a, action: combine, new_name: b, aggregation_type: sum, submatch_case: upper}",
        &["submatch_case: has no effect: `include` is no expression with groups"],
    );
    check(
        "{include: (a), match_type: regexp, action: combine, new_name: $1}",
        &[
            "new_name: `combine` makes one metric of all that match, so groups of the expression cannot be in its name: they become labels",
        ],
    );
    check(
        "{include: a, action: update, operations: [{action: update_label, label: a, new_value: b, label_set: [c]}]}",
        &[
            "operations::0::label_set: has no effect with `update_label`",
            "operations::0::new_value: has no effect with `update_label`",
        ],
    );
}

#[test]
fn expressions_are_compiled() {
    check(
        "{include: '[', match_type: regexp, action: update, experimental_match_labels: {b: '('}}",
        &[
            "experimental_match_labels::b: not a regular expression: unclosed group",
            "include: not a regular expression: unclosed character class",
        ],
    );
    check(
        "{include: '[', action: update, experimental_match_labels: {b: '('}}",
        &[],
    );
}

#[test]
fn words_are_known() {
    for transform in [
        "{include: a, match_type: expr, action: update}",
        "{include: a, action: delete}",
        "{include: a, action: combine, new_name: b, aggregation_type: average}",
        "{include: (a), match_type: regexp, action: combine, new_name: b, submatch_case: title}",
        "{include: a, action: update, operations: [{action: rename}]}",
        "{include: a, action: update, operations: [{action: aggregate_labels, aggregation_type: p99}]}",
        "{metric_name: a, action: update}",
    ] {
        let found = contract::mistakes(&FACTORY.meta, &format!("{{transforms: [{transform}]}}"));
        assert_eq!(found.len(), 1, "{transform}: {found:?}");
    }
}

/// What users of the Collector have, word by word.
#[test]
fn configurations_of_users_are_taken() {
    for transforms in [
        r"[{include: ^legacy\.(.*)$, match_type: regexp, action: update, new_name: 'app.${1}'},
           {include: app.cpu.usage, action: update, operations: [
             {action: aggregate_labels, label_set: [state, host], aggregation_type: sum}]}]",
        r#"[{include: ".*", match_type: regexp, action: update, operations: [
             {label: exported_instance, new_label: instance, action: update_label}]}]"#,
        r"[{include: '^couchbase\.bucket\.memory\.usage\.(?P<state>free|used)$', match_type: regexp, action: combine,
            new_name: couchbase.bucket.memory.usage}]",
        "[{action: update, include: otelcol_process_uptime, operations: [
             {action: add_label, new_label: version, new_value: some long text}]}]",
    ] {
        contract::config(&FACTORY.meta, &format!("transforms: {transforms}"));
    }
}
