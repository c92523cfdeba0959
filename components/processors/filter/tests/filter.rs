//! The processor from its configuration to the next step.

use proptest::collection::vec;
use proptest::prelude::*;
use weir_component::Batch;
use weir_pdata::Decoded;
use weir_processor_filter::FACTORY;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_testkit::batches::{logs, metrics, spans, to_wire};
use weir_testkit::{Bench, Sink, batches, contract};

/// Sends a batch through and returns what came out, and how many items were dropped.
async fn pass(yaml: &str, batch: Batch) -> (Option<Batch>, u64) {
    let (config, sink) = (contract::config(&FACTORY.meta, yaml), Sink::new());
    let bench = Bench::processor(FACTORY, &config, batch.signal(), &sink);
    bench.start().await;
    bench.send(batch).await.expect("taken");
    bench.stop().await;
    (sink.batches().pop(), bench.dropped("filtered"))
}

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    let yaml = "{metrics: {exclude: {match_type: strict, metric_names: [never]}}}";
    contract::config_is_strict(&FACTORY.meta, yaml);
    for yaml in ["{}", yaml] {
        let config = contract::config(&FACTORY.meta, yaml);
        contract::processor_starts_and_stops_twice(FACTORY, &config, batches::gauge("g", 3)).await;
        contract::processor_passes_errors_on(FACTORY, &config, spans(3)).await;
        contract::processor_keeps_order(FACTORY, &config, (1..9).map(logs).collect()).await;
        contract::processor_drains(FACTORY, &config, (1..9).map(logs).collect()).await;
    }
}

#[tokio::test]
async fn the_books_balance_when_the_next_step_refuses_what_is_left() {
    let yaml = "{metrics: {exclude: {match_type: strict, metric_names: [noise]}}}";
    let (config, sink) = (contract::config(&FACTORY.meta, yaml), Sink::new());
    let bench = Bench::processor(FACTORY, &config, weir_component::Signal::Metrics, &sink);
    bench.start().await;
    sink.answer_next([Err(weir_component::ConsumeError::unavailable("not now"))]);
    let batch = metrics()
        .gauge("noise", &[1.0, 2.0])
        .gauge("signal", &[3.0])
        .wire();
    assert!(bench.send(batch.clone()).await.is_err());
    bench.assert_balanced();
    bench.send(batch).await.expect("taken");
    bench.stop().await;
    bench.assert_balanced();
    assert_eq!(sink.items(), 1);
}

/// One metric after the other, each with as many points as its name is long, each third with a resource of its own.
fn request(names: &[String]) -> ExportMetricsServiceRequest {
    let mut request = ExportMetricsServiceRequest::default();
    for (index, names) in names.chunks(3).enumerate() {
        let builder = names
            .iter()
            .fold(metrics().resource("env", ["a", "b"][index % 2]), |all, name| {
                all.gauge(name, &vec![1.0; name.len()])
            });
        if let Decoded::Metrics(group) = builder.decoded() {
            request.resource_metrics.extend(group.resource_metrics);
        }
    }
    request
}

/// Drops by hand the metrics for which `keep` answers false, given the resource's environment and the name.
fn by_hand(request: &mut ExportMetricsServiceRequest, keep: impl Fn(&str, &str) -> bool) {
    let mut index = 0;
    request.resource_metrics.retain_mut(|group| {
        let env = ["a", "b"][index % 2];
        index += 1;
        group.scope_metrics.retain_mut(|scope| {
            scope.metrics.retain(|metric| keep(env, &metric.name));
            !scope.metrics.is_empty()
        });
        !group.scope_metrics.is_empty()
    });
}

proptest! {
    #[test]
    fn metrics_are_dropped_as_by_hand(names in vec("[xyz]{1,2}", 1..12), wanted in "[xyz]", env in "[ab]") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let sent = request(&names);
        type Keep<'a> = Box<dyn Fn(&str, &str) -> bool + 'a>;
        let cases: [(String, Keep<'_>); 4] = [
            (
                format!("{{include: {{match_type: regexp, metric_names: ['^{wanted}']}}}}"),
                Box::new(|_, name| name.starts_with(&wanted)),
            ),
            (
                format!("{{exclude: {{match_type: strict, metric_names: [x{wanted}, {wanted}]}}}}"),
                Box::new(|_, name| name != wanted && name != format!("x{wanted}")),
            ),
            (
                format!(
                    "{{include: {{match_type: strict, metric_names: [{wanted}],
                       resource_attributes: [{{key: env, value: {env}}}]}}}}"
                ),
                Box::new(|of, name| of == env && name == wanted),
            ),
            (
                format!(
                    "{{exclude: {{match_type: regexp, metric_names: [{wanted}],
                       resource_attributes: [{{key: env, value: {env}}}]}}}}"
                ),
                Box::new(|of, name| of != env && !name.contains(&wanted)),
            ),
        ];
        for (section, keep) in cases {
            let mut expected = sent.clone();
            by_hand(&mut expected, keep);
            let (kept, all) = (Decoded::Metrics(expected), Decoded::Metrics(sent.clone()));
            for batch in [to_wire(&all), Batch::from_decoded(all.clone())] {
                let (found, dropped) = runtime.block_on(pass(&format!("{{metrics: {section}}}"), batch));
                let found = found.map(|found| found.to_decoded().expect("sound"));
                prop_assert_eq!(dropped as usize, all.items() - kept.items());
                prop_assert_eq!(found, (kept.items() > 0).then(|| kept.clone()), "{}", section);
            }
        }
    }
}

#[tokio::test]
async fn spans_and_log_records_are_dropped() {
    let names = |batch: Batch| match batch.to_decoded().expect("sound") {
        Decoded::Traces(request) => {
            let spans = request.resource_spans[0].scope_spans[0].spans.iter();
            spans.map(|span| span.name.clone()).collect::<Vec<_>>()
        }
        other => panic!("spans: {other:?}"),
    };
    let yaml = "{spans: {include: {match_type: strict, services: [shop], libraries: [{name: testkit}]},
                exclude: {match_type: regexp, span_names: [\"[02]$\"]}}}";
    let (found, dropped) = pass(yaml, spans(4)).await;
    assert_eq!(
        (names(found.expect("some are left")), dropped),
        (vec!["span-1".into(), "span-3".into()], 2)
    );

    let yaml = "{logs: {exclude: {match_type: strict, bodies: [line 1], severity_texts: [INFO], severity_number: {min: INFO},
                record_attributes: [{key: n, value: 1}]}}}";
    let (found, dropped) = pass(yaml, logs(3)).await;
    assert_eq!((found.expect("some are left").items(), dropped), (2, 1));

    let (found, dropped) = pass("{logs: {include: {severity_number: {min: error}}}}", logs(3)).await;
    assert!(found.is_none(), "a batch without items is not sent on");
    assert_eq!(dropped, 3);
}

#[tokio::test]
async fn sections_of_other_signals_and_empty_ones_have_no_effect() {
    for yaml in [
        "{logs: {include: {match_type: strict, bodies: [x]}}}",
        "{metrics: {include: {match_type: strict, metric_names: []}, exclude: {}}}",
        "{error_mode: propagate, traces: {span: []}, metric_conditions: []}",
    ] {
        let (found, dropped) = pass(yaml, batches::gauge("g", 3)).await;
        assert_eq!((found.expect("all").items(), dropped), (3, 0));
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    let check =
        |yaml: &str, expect: &[&str]| assert_eq!(contract::mistakes(&FACTORY.meta, yaml), expect, "{yaml}");
    let ottl = |section: &str| {
        format!("conditions in OTTL are not supported yet: use `{section}::include` or `{section}::exclude`")
    };
    check(
        "{metrics: {metric: [a], datapoint: [b]}, traces: {spanevent: [c]}, log_conditions: [{context: log, conditions: [d]}]}",
        &[
            &format!("metrics::metric: {}", ottl("metrics")),
            &format!("metrics::datapoint: {}", ottl("metrics")),
            &format!("traces::spanevent: {}", ottl("spans")),
            &format!("log_conditions: {}", ottl("logs")),
        ],
    );
    check(
        "{metrics: {include: {match_type: expr, expressions: [a]}, regexp: {}}}",
        &[
            "metrics::include::match_type: expressions are not supported: use strict or regexp",
            "metrics::regexp: has no effect here: write it into `include` or `exclude`",
        ],
    );
    check(
        "{logs: {exclude: {match_type: regexp, bodies: ['(']}, include: {resource_attributes: [{value: 1}]}}, spans: {include: {}}}",
        &[
            "spans::include: matches nothing: set one of services, span_names, span_kinds, log_bodies, log_severity_texts, \
             log_severity_number, metric_names, attributes, resources, libraries",
            "logs::include::match_type: required: strict or regexp",
            "logs::include::resource_attributes::0::key: required",
            "logs::exclude::bodies::0: not a regular expression: unclosed group",
        ],
    );
}
