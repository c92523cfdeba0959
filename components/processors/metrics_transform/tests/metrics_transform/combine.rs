//! One metric of several.

use crate::support::{check, parse, transform};

#[test]
fn groups_of_the_expression_become_labels() {
    check(
        "[{include: '^([mM]etric)(?P<named>[12])(x)?$', match_type: regexp, action: combine, new_name: new, submatch_case: lower}]",
        "gauge Metric1 1..1 = 1
         gauge metric2{named=goes} 1..1 = 2
         gauge metric3 1..1 = 3",
        "gauge Metric1 1..1 = 1
         gauge metric2{named=goes} 1..1 = 2
         gauge metric3 1..1 = 3",
    );
    check(
        "[{include: '^([mM]etric)(?P<named>[12])(x)?$', match_type: regexp, action: combine, new_name: new, submatch_case: lower}]",
        "gauge Metric1{named=goes} 1..1 = 1
         gauge metric2{named=goes} 1..1 = 2
         gauge metric3 1..1 = 3",
        "gauge new{$1=metric,named=1} 1..1 = 1
         gauge new{$1=metric,named=2} 1..1 = 2
         gauge metric3 1..1 = 3",
    );
    check(
        "[{include: '^([mM]etric)(?P<named>[1])$', match_type: regexp, action: combine, new_name: new, submatch_case: upper}]",
        "gauge Metric1 1..1 = 1
         gauge metric2 1..1 = 2",
        "gauge new{$1=METRIC,named=1} 1..1 = 1
         gauge metric2 1..1 = 2",
    );
}

#[test]
fn what_is_combined_is_one_metric() {
    let transforms = "[{include: '^m(.)$', match_type: regexp, action: combine, new_name: new}]";
    let (found, _) = transform(
        transforms,
        parse("sum m1 1..1 = 1\n sum m2 1..1 = 2\n sum x 1..1 = 2\n sum m3 1..1 = 3"),
    );
    let names: Vec<_> = found.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(names, ["new", "x"]);
}

#[test]
fn the_same_points_of_several_metrics_are_aggregated() {
    check(
        "[{include: '^metric[12]$', match_type: regexp, action: combine, new_name: new, aggregation_type: sum}]",
        "gauge metric1 1..1 = 1
         gauge metric2 1..1 = 2
         gauge metric3 1..1 = 3",
        "gauge new 1..1 = 3
         gauge metric3 1..1 = 3",
    );
    check(
        "[{include: '^metric[12]$', match_type: regexp, action: combine, new_name: new, aggregation_type: mean}]",
        "exponential metric1 1..1 = n=1 sum=1 scale=0 pos=0:1
         exponential metric2 1..1 = n=2 sum=3 scale=0 pos=1:2",
        "exponential new 1..1 = n=3 sum=4 scale=0 zero=0 width=0 pos=0:1,2",
    );
    // Without an aggregation the first stays.
    check(
        "[{include: '^metric(3)?', match_type: regexp, action: combine, new_name: new}]",
        "gauge metric1 1..1 = 1
         gauge metric2 1..1 = 2
         gauge metric3 1..1 = 3",
        "gauge new 1..1 = 1
         gauge new{$1=3} 1..1 = 3",
    );
}

#[test]
fn operations_see_the_combined_metric() {
    check(
        "[{include: '^(metric)(?P<named>[12])$', match_type: regexp, action: combine, new_name: new, operations: [
            {action: add_label, new_label: new_label, new_value: v},
            {action: aggregate_labels, label_set: [$1, new_label], aggregation_type: sum}]}]",
        "gauge metric1 1..1 = 1
         gauge metric2 1..1 = 2
         gauge metric3 1..1 = 3",
        "gauge new{$1=metric,new_label=v} 1..1 = 3
         gauge metric3 1..1 = 3",
    );
}

#[test]
fn metrics_that_are_not_alike_stay_as_they_are() {
    let transforms = "[{include: '^metric[12]$', match_type: regexp, action: combine, new_name: new, aggregation_type: sum}]";
    for metrics in [
        "gauge metric1 1..1 = 1\n sum metric2 1..1 = 2",
        "gauge metric1[s] 1..1 = 1\n gauge metric2[ms] 1..1 = 2",
        "gauge metric1{a=1,b=2} 1..1 = 1\n gauge metric2{a=1,b=2,c=3} 1..1 = 2",
        "gauge metric1{a=1,b=2} 1..1 = 1\n gauge metric2{a=1,c=3} 1..1 = 2",
        "sum metric1 1..1 = 1\n delta metric2 1..1 = 2",
        "sum metric1 1..1 = 1\n updown metric2 1..1 = 2",
        "histogram metric1 1..1 = n=1\n delta_histogram metric2 1..1 = n=1",
        "summary metric1 1..1 = n=1 sum=1\n summary metric2 1..1 = n=1 sum=1",
        "summary metric1 1..1 = n=1 sum=1",
    ] {
        check(transforms, metrics, metrics);
    }
}

#[test]
fn points_that_do_not_match_stay_where_they_are() {
    check(
        "[{include: '^metric', match_type: regexp, experimental_match_labels: {a: '1'}, action: combine, new_name: new, aggregation_type: max}]",
        "gauge metric1{a=1} 1..1 = 1
         gauge metric1{a=2} 1..1 = 2
         gauge metric2{a=1} 1..1 = 3
         gauge metric3{a=2} 1..1 = 4",
        "gauge new{a=1} 1..1 = 3
         gauge metric1{a=2} 1..1 = 2
         gauge metric3{a=2} 1..1 = 4",
    );
}
