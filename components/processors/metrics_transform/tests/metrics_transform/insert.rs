//! Copies beside the originals.

use crate::support::check;

#[test]
fn copies_get_a_name_and_operations() {
    check(
        "[{include: metric1, action: insert, new_name: new/metric1, operations: [
            {action: update_label, label: label1, new_label: new/label1, value_actions: [{value: a, new_value: b}]}]},
          {include: new/metric1, action: update, operations: [{action: add_label, new_label: late, new_value: 'yes'}]}]",
        "gauge metric1{label1=a,label2=a} 1..2 = 3
         gauge metric1{label1=c} 1..2 = 4
         gauge metric2 1..2 = 5",
        "gauge metric1{label1=a,label2=a} 1..2 = 3
         gauge metric1{label1=c} 1..2 = 4
         gauge metric2 1..2 = 5
         gauge new/metric1{label2=a,late=yes,new/label1=b} 1..2 = 3
         gauge new/metric1{late=yes,new/label1=c} 1..2 = 4",
    );
}

#[test]
fn only_points_that_match_are_copied() {
    let transforms = |labels: &str| {
        format!(
            "[{{include: metric1, match_type: regexp, experimental_match_labels: {labels}, action: insert, new_name: new}}]"
        )
    };
    let sent = "gauge metric1{label1=value1,label2=value2} 1..2 = 3
                gauge metric1{label1=value3,label2=value4} 2..2 = 3";
    let first = "gauge new{label1=value1,label2=value2} 1..2 = 3";
    let second = "gauge new{label1=value3,label2=value4} 2..2 = 3";
    for (labels, copied) in [
        ("{label1: value3}", vec![second]),
        ("{label1: '(.|\\s)*\\S(.|\\s)*'}", vec![first, second]),
        ("{label1: '.*wrong_ending'}", vec![]),
        ("{missing: value1}", vec![]),
        ("{label1: value1, missing: value2}", vec![]),
        ("{label1: value1, missing: '^$'}", vec![first]),
    ] {
        check(
            &transforms(labels),
            sent,
            &format!("{sent}\n{}", copied.join("\n")),
        );
    }
}

#[test]
fn copies_are_aggregated_and_originals_are_not() {
    check(
        "[{include: metric1, experimental_match_labels: {label0: a}, action: insert, new_name: new, operations: [
            {action: aggregate_labels, label_set: [label1], aggregation_type: sum}]}]",
        "gauge metric1{label0=a,label1=b,label2=c} 1..2 = 3.0
         gauge metric1{label0=a,label1=b,label2=d} 1..2 = 1.0
         gauge metric1{label0=x,label1=b,label2=c} 1..2 = 1.0",
        "gauge metric1{label0=a,label1=b,label2=c} 1..2 = 3.0
         gauge metric1{label0=a,label1=b,label2=d} 1..2 = 1.0
         gauge metric1{label0=x,label1=b,label2=c} 1..2 = 1.0
         gauge new{label1=b} 1..2 = 4.0",
    );
}

#[test]
fn a_copy_without_name_or_points_is_none() {
    check(
        "[{include: '^metric(.*)', match_type: regexp, action: insert, new_name: '$1', operations: [
            {action: delete_label_value, label: a, label_value: b}]}]",
        "gauge metric 1..2 = 3
         gauge metric1{a=b} 1..2 = 3",
        "gauge metric 1..2 = 3
         gauge metric1{a=b} 1..2 = 3",
    );
}
