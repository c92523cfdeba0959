//! Metrics that move to resources of their own.

use weir_component::Batch;
use weir_pdata::Decoded;
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::metrics::v1::ResourceMetrics;
use weir_testkit::batches::{metrics, to_wire};

use crate::support::{pass, print};

/// Prints resources and their metrics.
fn shown(batch: Option<&Batch>) -> Vec<(Vec<String>, String)> {
    let Some(Decoded::Metrics(request)) = batch.map(|batch| batch.to_decoded().unwrap()) else {
        return Vec::new();
    };
    let show = |group: ResourceMetrics| {
        let attributes = group.resource.unwrap_or_default().attributes;
        let labels = attributes
            .into_iter()
            .map(|label| match label.value.and_then(|value| value.value) {
                Some(Value::StringValue(text)) => format!("{}={text}", label.key),
                other => panic!("no text: {other:?}"),
            });
        let names: Vec<_> = group
            .scope_metrics
            .iter()
            .flat_map(|scope| &scope.metrics)
            .cloned()
            .collect();
        let printed = print(&names).replace("[1]", "");
        let heads: Vec<_> = printed
            .lines()
            .filter_map(|line| line.split(' ').nth(1))
            .collect();
        (labels.collect(), heads.join(" "))
    };
    request.resource_metrics.into_iter().map(show).collect()
}

fn check(transforms: &str, sent: &Decoded, expected: &[(&[&str], &str)]) {
    for batch in [to_wire(sent), Batch::from_decoded(sent.clone())] {
        let (found, _) = pass(transforms, batch);
        let expected: Vec<_> = expected
            .iter()
            .map(|(labels, names)| {
                (
                    labels.iter().map(|label| (*label).to_owned()).collect(),
                    (*names).to_owned(),
                )
            })
            .collect();
        assert_eq!(shown(found.as_ref()), expected, "{transforms}");
    }
}

#[test]
fn metrics_move_to_a_copy_of_their_resource() {
    let sent = metrics()
        .gauge("k8s.pod.a", &[1.0])
        .gauge("container.b", &[1.0, 2.0])
        .gauge("other", &[1.0])
        .gauge("k8s.pod.c", &[1.0])
        .decoded();
    check(
        "[{include: ^k8s, match_type: regexp, action: group, group_resource_labels: {resource.type: pod, service.name: changed}},
          {include: container.b, action: group, group_resource_labels: {}},
          {include: k8s, match_type: regexp, action: update, new_name: never}]",
        &sent,
        &[
            (&["service.name=shop"], "other{n:0}"),
            (&["service.name=changed", "resource.type=pod"], "k8s.pod.a{n:0} k8s.pod.c{n:0}"),
            (&["service.name=shop"], "container.b{n:0} container.b{n:1}"),
        ],
    );
    // Nothing but the groups is left.
    check(
        "[{include: ., match_type: regexp, action: group, group_resource_labels: {a: b}}]",
        &metrics().gauge("a", &[1.0]).decoded(),
        &[(&["service.name=shop", "a=b"], "a{n:0}")],
    );
}

#[test]
fn points_that_do_not_match_stay() {
    check(
        "[{include: a, experimental_match_labels: {n: '1'}, action: group, group_resource_labels: {a: b}}]",
        &metrics().gauge("a", &[1.0, 2.0, 3.0]).decoded(),
        &[
            (&["service.name=shop"], "a{n:0} a{n:2}"),
            (&["service.name=shop", "a=b"], "a{n:1}"),
        ],
    );
}

#[test]
fn every_scope_keeps_its_own() {
    let Decoded::Metrics(mut request) = metrics().gauge("a", &[1.0]).gauge("b", &[2.0]).decoded() else {
        unreachable!("metrics");
    };
    let Decoded::Metrics(other) = metrics().resource("env", "x").gauge("b", &[2.0]).decoded() else {
        unreachable!("metrics");
    };
    // An empty resource, two with something for the group, one without, and scopes alike.
    let mut group = request.resource_metrics.remove(0);
    let mut empty = group.clone();
    empty.scope_metrics.clear();
    group
        .scope_metrics
        .push(other.resource_metrics[0].scope_metrics[0].clone());
    group.scope_metrics.push(group.scope_metrics[0].clone());
    let none = other.resource_metrics[0].clone();
    request.resource_metrics = vec![empty, group.clone(), none, group];
    check(
        "[{include: a, action: group, group_resource_labels: {g: h}}]",
        &Decoded::Metrics(request),
        &[
            (&["service.name=shop"], ""),
            (&["service.name=shop"], "b{n:0} b{n:0} b{n:0}"),
            (&["service.name=shop", "env=x"], "b{n:0}"),
            (&["service.name=shop"], "b{n:0} b{n:0} b{n:0}"),
            (&["service.name=shop", "g=h"], "a{n:0} a{n:0}"),
            (&["service.name=shop", "g=h"], "a{n:0} a{n:0}"),
        ],
    );
}
