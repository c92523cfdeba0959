//! The processor from its configuration to the next step.

use proptest::collection::vec;
use proptest::prelude::*;
use weir_component::{Batch, BuildContext, ComponentKind, Consumer, Context, Signal};
use weir_pdata::{ContextParts, Decoded};
use weir_processor_attributes::FACTORY;
use weir_proto::otlp::common::v1::KeyValue;
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_testkit::batches::{attribute, metrics, to_wire};
use weir_testkit::{Bench, Sink, batches, contract};

/// What is done in these tests, and the same on decoded messages.
const ACTIONS: &str = "
actions:
  - {key: region, action: insert, value: eu}
  - {key: n, action: delete}
  - {key: zone, action: upsert, from_attribute: region}
";

fn by_hand(list: &mut Vec<KeyValue>) {
    if !list.iter().any(|attribute| attribute.key == "region") {
        list.push(attribute("region", "eu"));
    }
    list.retain(|attribute| attribute.key != "n" && attribute.key != "zone");
    let region = list.iter().find(|attribute| attribute.key == "region");
    let value = region.and_then(|region| region.value.clone());
    list.push(KeyValue {
        key: "zone".to_owned(),
        value,
        ..KeyValue::default()
    });
}

fn by_hand_everywhere(decoded: &mut Decoded) {
    match decoded {
        Decoded::Metrics(request) => {
            let groups = request
                .resource_metrics
                .iter_mut()
                .flat_map(|group| &mut group.scope_metrics);
            for metric in groups.flat_map(|group| &mut group.metrics) {
                match metric.data.as_mut().expect("with data") {
                    Data::Gauge(data) => data
                        .data_points
                        .iter_mut()
                        .for_each(|point| by_hand(&mut point.attributes)),
                    Data::Sum(data) => data
                        .data_points
                        .iter_mut()
                        .for_each(|point| by_hand(&mut point.attributes)),
                    Data::Histogram(data) => {
                        data.data_points
                            .iter_mut()
                            .for_each(|point| by_hand(&mut point.attributes));
                    }
                    Data::ExponentialHistogram(data) => {
                        data.data_points
                            .iter_mut()
                            .for_each(|point| by_hand(&mut point.attributes));
                    }
                    Data::Summary(data) => {
                        data.data_points
                            .iter_mut()
                            .for_each(|point| by_hand(&mut point.attributes));
                    }
                }
            }
        }
        Decoded::Traces(request) => {
            let groups = request
                .resource_spans
                .iter_mut()
                .flat_map(|group| &mut group.scope_spans);
            groups
                .flat_map(|group| &mut group.spans)
                .for_each(|span| by_hand(&mut span.attributes));
        }
        Decoded::Logs(request) => {
            let groups = request
                .resource_logs
                .iter_mut()
                .flat_map(|group| &mut group.scope_logs);
            groups
                .flat_map(|group| &mut group.log_records)
                .for_each(|record| by_hand(&mut record.attributes));
        }
    }
}

/// Points of all kinds.
fn points() -> Batch {
    metrics()
        .gauge("g", &[1.0, 2.0])
        .counter("c", &[3.0])
        .histogram("h", &[1.0], &[1, 2])
        .exponential_histogram("e", 3, &[1, 2])
        .summary("s", &[(0.5, 1.0)])
        .wire()
}

async fn pass(yaml: &str, batch: Batch) -> Batch {
    let (config, sink) = (contract::config(&FACTORY.meta, yaml), Sink::new());
    let bench = Bench::processor(FACTORY, &config, batch.signal(), &sink);
    bench.start().await;
    bench.send(batch).await.expect("taken");
    bench.stop().await;
    sink.batches().remove(0)
}

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    contract::config_is_strict(&FACTORY.meta, ACTIONS);
    let config = contract::config(&FACTORY.meta, ACTIONS);
    contract::processor_starts_and_stops_twice(FACTORY, &config, batches::gauge("g", 3)).await;
    contract::processor_passes_errors_on(FACTORY, &config, batches::spans(3)).await;
    contract::processor_keeps_order(FACTORY, &config, (1..9).map(batches::logs).collect()).await;
    contract::processor_drains(FACTORY, &config, (1..9).map(batches::logs).collect()).await;
}

#[tokio::test]
async fn attributes_of_all_items_are_changed() {
    for batch in [points(), batches::spans(3), batches::logs(3)] {
        let mut expected = batch.to_decoded().expect("sound");
        by_hand_everywhere(&mut expected);
        let decoded = Batch::from_decoded(batch.to_decoded().expect("sound"));
        for batch in [batch, decoded] {
            let found = pass(ACTIONS, batch).await;
            assert_eq!(found.to_decoded().expect("sound"), expected);
        }
    }
}

proptest! {
    #[test]
    fn only_selected_items_are_changed(names in vec("[abc]{1,2}", 0..8), include in "[abc]", exclude in "[abc]{1,2}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let decoded = names.iter().fold(metrics(), |all, name| all.gauge(name, &[1.0])).decoded();
        let mut expected = decoded.clone();
        if let Decoded::Metrics(request) = &mut expected {
            let groups = request.resource_metrics.iter_mut().flat_map(|group| &mut group.scope_metrics);
            for metric in groups.flat_map(|group| &mut group.metrics) {
                if metric.name.contains(&include)
                    && metric.name != exclude
                    && let Some(Data::Gauge(data)) = &mut metric.data
                {
                    data.data_points.iter_mut().for_each(|point| by_hand(&mut point.attributes));
                }
            }
        }
        let yaml = format!(
            "{ACTIONS}include: {{match_type: regexp, metric_names: [\"{include}\"]}}\n\
             exclude: {{match_type: strict, metric_names: [\"{exclude}\"]}}"
        );
        let found = runtime.block_on(pass(&yaml, to_wire(&decoded)));
        prop_assert_eq!(found.to_decoded().expect("sound"), expected);
    }
}

#[tokio::test]
async fn what_is_known_about_the_request_can_be_set() {
    let context = Context::new(ContextParts {
        metadata: [("x-scope-orgid".to_owned(), vec!["shop".to_owned()])].into(),
        ..ContextParts::default()
    });
    let yaml = "actions: [{key: tenant, action: upsert, from_context: metadata.X-Scope-OrgID}]";
    let batch = pass(yaml, batches::logs(1).with_context(context)).await;
    let Decoded::Logs(request) = batch.to_decoded().expect("sound") else {
        panic!("logs");
    };
    let attributes = &request.resource_logs[0].scope_logs[0].log_records[0].attributes;
    let value = attributes
        .last()
        .and_then(|last| last.value.clone())
        .and_then(|value| value.value);
    assert_eq!(value, Some(Value::StringValue("shop".to_owned())));
}

#[test]
fn mistakes_are_told_with_their_place() {
    assert_eq!(
        contract::mistakes(
            &FACTORY.meta,
            "{actions: [{action: insert, value: 1}], include: {metric_names: [a]}}"
        ),
        [
            "actions::0::key: required",
            "include::match_type: required: strict or regexp"
        ]
    );
    assert_eq!(
        contract::mistakes(&FACTORY.meta, "{}"),
        ["actions: required: at least one action"]
    );
}

#[test]
fn a_selection_that_the_signal_lacks_is_refused() {
    let yaml = format!("{ACTIONS}include: {{match_type: strict, span_names: [a]}}");
    let config = contract::config(&FACTORY.meta, &yaml);
    let build = |signal| {
        let id = "attributes".parse().expect("an id");
        let context = BuildContext::standalone(id, ComponentKind::Processor, Some(signal));
        FACTORY
            .build(&config, &context, Consumer::from_fn(|_| async { Ok(()) }))
            .map(drop)
    };
    assert!(build(Signal::Traces).is_ok());
    let error = build(Signal::Logs).expect_err("logs have no span names");
    assert!(
        error
            .to_string()
            .contains("`span_names` cannot be matched in a pipeline of logs"),
        "{error}"
    );
}
