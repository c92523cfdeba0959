//! Names, labels and types, point by point.

use weir_component::Batch;
use weir_pdata::{Decoded, Signal};
use weir_testkit::batches::{metrics, to_wire};

use crate::support::{check, pass};

#[test]
fn metrics_get_other_names_one_transform_after_the_other() {
    let transforms = r"[
        {include: '^(metric)(?P<namedsubmatch>[12])$', match_type: regexp, action: update, new_name: new/$1/$namedsubmatch},
        {include: new/metric/1, action: update, new_name: new/new/metric1},
        {include: nonexistent, action: update, new_name: never},
    ]";
    check(
        transforms,
        "gauge metric1 1..2 = 1
         sum metric2 1..2 = 2
         summary metric3 1..2 = n=1 sum=2",
        "gauge new/new/metric1 1..2 = 1
         sum new/metric/2 1..2 = 2
         summary metric3 1..2 = n=1 sum=2",
    );
    check(
        "[{include: ^legacy.(.*)$, match_type: regexp, action: update, new_name: 'app.${1}'}]",
        "gauge legacy.cpu",
        "gauge app.cpu",
    );
    // Without an expression a name is a name.
    check(
        "[{include: a, action: update, new_name: $1}]",
        "gauge a",
        "gauge $1",
    );
    // Anywhere in the name, as RE2 does.
    check(
        "[{include: b, match_type: regexp, action: update, new_name: c}]",
        "gauge abc",
        "gauge c",
    );
}

#[test]
fn a_metric_without_a_new_name_keeps_its_own() {
    let transforms = "[{include: '^metric(.*)$', match_type: regexp, action: update, new_name: $1,
                        operations: [{action: add_label, new_label: a, new_value: b}]}]";
    check(
        transforms,
        "gauge metric 1..2 = 1
         gauge metric2 1..2 = 1",
        "gauge metric{a=b} 1..2 = 1
         gauge 2{a=b} 1..2 = 1",
    );
    // A name that doubles 40 times stops at what is bearable.
    let doubling = vec!["{include: '^a+$', match_type: regexp, action: update, new_name: '${0}${0}'}"; 40];
    let name = "a".repeat(16 << 10);
    check(
        &format!("[{}]", doubling.join(",")),
        "gauge a 1..2 = 1",
        &format!("gauge {name} 1..2 = 1"),
    );
}

#[test]
fn labels_and_their_values_are_renamed() {
    check(
        "[{include: metric1, action: update, operations: [
            {action: update_label, label: label1, new_label: new/label1,
             value_actions: [{value: v1, new_value: new/v1}, {value: '7', new_value: seven}]}]}]",
        "gauge metric1{label1=v1} 1..2 = 3
         gauge metric1{label1=v2,other=v1} 1..2 = 3
         gauge metric1{label1:7} 1..2 = 3
         gauge metric1{label1:8,new/label1=goes} 1..2 = 3
         gauge metric1{other=v1} 1..2 = 3",
        "gauge metric1{new/label1=new/v1} 1..2 = 3
         gauge metric1{new/label1=v2,other=v1} 1..2 = 3
         gauge metric1{new/label1=seven} 1..2 = 3
         gauge metric1{new/label1:8} 1..2 = 3
         gauge metric1{other=v1} 1..2 = 3",
    );
    // To its own key, and a value to nothing.
    check(
        "[{include: metric1, action: update, operations: [
            {action: update_label, label: a, new_label: a, value_actions: [{value: b, new_value: ''}]}]}]",
        "gauge metric1{a=b} 1..2 = 3",
        "gauge metric1{a=} 1..2 = 3",
    );
}

#[test]
fn an_expression_selects_metrics_to_edit() {
    check(
        "[{include: ^matched.*$, match_type: regexp, action: update, operations: [
            {action: update_label, label: label1, value_actions: [{value: a, new_value: b}]}]}]",
        "gauge matched-metric1{label1=a,label2=a} 1..2 = 3
         gauge unmatched-metric2{label1=a,label2=a} 1..2 = 3",
        "gauge matched-metric1{label1=b,label2=a} 1..2 = 3
         gauge unmatched-metric2{label1=a,label2=a} 1..2 = 3",
    );
}

#[test]
fn labels_are_added_where_they_are_missing() {
    check(
        "[{include: ^metric, match_type: regexp, action: update, operations: [
            {action: add_label, new_label: foo, new_value: 'bar {{version}}'}]}]",
        "gauge metric1 1..2 = 3
         histogram metric2{a=b} 1..2 = n=1 counts=1
         exponential metric3{foo=there} 1..2 = n=1 scale=0
         summary metric4{foo:7} 1..2 = n=1 sum=2
         gauge other 1..2 = 3",
        &format!(
            "gauge metric1{{foo=bar {version}}} 1..2 = 3
             histogram metric2{{a=b,foo=bar {version}}} 1..2 = n=1 counts=1
             exponential metric3{{foo=there}} 1..2 = n=1 scale=0 zero=0 width=0
             summary metric4{{foo:7}} 1..2 = n=1 sum=2
             gauge other 1..2 = 3",
            version = env!("CARGO_PKG_VERSION")
        ),
    );
}

#[test]
fn points_with_a_label_value_are_deleted() {
    let transforms = "[{include: metric, action: update, operations: [
        {action: delete_label_value, label: label1, label_value: '1'}]}]";
    check(
        transforms,
        "gauge metric{label1=1,label2=v} 1..2 = 3
         gauge metric{label1=2,label2=v} 1..2 = 4
         gauge metric{label1:1} 1..2 = 5
         gauge metric 1..2 = 6
         gauge other{label1=1} 1..2 = 7",
        "gauge metric{label1=2,label2=v} 1..2 = 4
         gauge metric 1..2 = 6
         gauge other{label1=1} 1..2 = 7",
    );
    // With its last point the metric goes; one that was sent without points stays.
    check(
        transforms,
        "histogram metric{label1=1} 1..2 = n=1
         gauge metric
         gauge other 1..2 = 1",
        "gauge metric
         gauge other 1..2 = 1",
    );
}

#[test]
fn types_of_numbers_are_toggled() {
    check(
        "[{include: ., match_type: regexp, action: update, operations: [{action: toggle_scalar_data_type}]}]",
        "sum metric1 1..1 = 1
         gauge metric2 1..1 = -1.9
         gauge metric2 1..1 = 1e300
         gauge metric2 1..1 = NaN
         gauge metric2 1..1 = -
         histogram metric3 0..2 = n=3 sum=6 bounds=1,2,3 counts=0,1,1,1",
        "sum metric1 1..1 = 1.0
         gauge metric2 1..1 = -1
         gauge metric2 1..1 = 1e300
         gauge metric2 1..1 = NaN
         gauge metric2 1..1 = -
         histogram metric3 0..2 = n=3 sum=6 bounds=1,2,3 counts=0,1,1,1",
    );
}

#[test]
fn only_points_that_match_are_changed_and_the_whole_only_if_all_do() {
    let transforms = "[{include: metric1, experimental_match_labels: {label1: v1}, action: update, new_name: new, operations: [
        {action: update_label, label: label2, new_label: renamed},
        {action: toggle_scalar_data_type},
        {action: add_label, new_label: all, new_value: 'yes'},
        {action: delete_label_value, label: all, label_value: 'no'},
        {action: aggregate_labels, label_set: [], aggregation_type: sum}]}]";
    check(
        transforms,
        "gauge metric1{label1=v1,label2=a} 1..2 = 1
         gauge metric1{label1=v2,label2=a} 1..2 = 2",
        "gauge metric1{label1=v1,renamed=a} 1..2 = 1.0
         gauge metric1{label1=v2,label2=a} 1..2 = 2",
    );
    check(
        transforms,
        "gauge metric1{label1=v1,label2=a} 1..2 = 1
         gauge metric1{label1=v1,label2=b} 1..2 = 2",
        "gauge new 1..2 = 3.0",
    );
    // What a transform concerns is settled when it begins.
    check(
        "[{include: m, experimental_match_labels: {a: b}, action: update, operations: [
            {action: update_label, label: a, value_actions: [{value: b, new_value: c}]},
            {action: toggle_scalar_data_type}]},
          {include: m, experimental_match_labels: {a: b}, action: update, new_name: never}]",
        "gauge m{a=b} 1..2 = 1
         gauge m{a=c} 1..2 = 1",
        "gauge m{a=c} 1..2 = 1.0
         gauge m{a=c} 1..2 = 1",
    );
    // A label that is missing counts as empty.
    check(
        "[{include: ., match_type: regexp, experimental_match_labels: {missing: '^$', label1: 'v[12]'}, action: update, new_name: new}]",
        "gauge a{label1=v1} 1..2 = 1
         gauge b{label1=v3} 1..2 = 1
         gauge c{label1=v2,missing=no} 1..2 = 1
         gauge d",
        "gauge new{label1=v1} 1..2 = 1
         gauge b{label1=v3} 1..2 = 1
         gauge c{label1=v2,missing=no} 1..2 = 1
         gauge new",
    );
}

/// What nobody knows yet survives, byte for byte: field 200 of the request.
#[test]
fn batches_without_a_match_pass_untouched() {
    let transforms = "[{include: a, action: update, new_name: b},
        {include: a, action: insert, new_name: b},
        {include: a, action: combine, new_name: b, aggregation_type: sum},
        {include: a, action: group, group_resource_labels: {a: b}},
        {include: a, action: update, operations: [{action: experimental_scale_value, experimental_scale: 2}]}]";
    let batch = metrics()
        .gauge("g", &[1.0, 2.0])
        .histogram("h", &[1.0], &[1, 2])
        .wire();
    let mut bytes = batch.to_wire()[0].to_vec();
    bytes.extend([200 << 3 & 0x7f | 0x80, 200 >> 4, 5]);
    let batch = Batch::from_wire(Signal::Metrics, bytes.into()).unwrap();
    let (found, _) = pass(transforms, batch.clone());
    let (sent, found) = (batch.to_wire(), found.unwrap().to_wire());
    assert_eq!(
        (sent[0].as_ptr(), sent[0].len()),
        (found[0].as_ptr(), found[0].len())
    );
}

#[test]
fn resources_and_scopes_are_looked_at_one_by_one() {
    let Decoded::Metrics(mut request) = metrics().gauge("a", &[1.0]).gauge("b", &[2.0]).decoded() else {
        unreachable!("metrics");
    };
    let scopes = &mut request.resource_metrics[0].scope_metrics;
    scopes.push(scopes[0].clone());
    request.resource_metrics.push(request.resource_metrics[0].clone());
    let transforms =
        "[{include: '[ab]', match_type: regexp, action: combine, new_name: c, aggregation_type: count}]";
    let (found, bench) = pass(transforms, to_wire(&Decoded::Metrics(request)));
    assert_eq!((found.unwrap().items(), bench.dropped("aggregated")), (4, 4));
}
