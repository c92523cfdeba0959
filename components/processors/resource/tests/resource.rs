//! The processor from its configuration to the next step.

use weir_component::Batch;
use weir_pdata::Decoded;
use weir_processor_resource::FACTORY;
use weir_proto::otlp::resource::v1::Resource;
use weir_testkit::batches::{attribute, one_of_each, to_wire};
use weir_testkit::{Bench, Sink, batches, contract};

/// What is done in these tests, and the same on decoded messages.
const ACTIONS: &str = "
attributes:
  - {key: cluster, action: upsert, value: eu-1}
  - {key: service.name, action: update, value: store}
  - {key: process.pid, action: delete}
";

fn by_hand(resource: &mut Option<Resource>) {
    let list = &mut resource.get_or_insert_default().attributes;
    list.retain(|attribute| attribute.key != "process.pid");
    for attribute in list
        .iter_mut()
        .filter(|attribute| attribute.key == "service.name")
    {
        attribute.value = batches::attribute("", "store").value;
    }
    list.push(attribute("cluster", "eu-1"));
}

fn by_hand_everywhere(decoded: &mut Decoded) {
    match decoded {
        Decoded::Metrics(request) => request
            .resource_metrics
            .iter_mut()
            .for_each(|group| by_hand(&mut group.resource)),
        Decoded::Traces(request) => request
            .resource_spans
            .iter_mut()
            .for_each(|group| by_hand(&mut group.resource)),
        Decoded::Logs(request) => request
            .resource_logs
            .iter_mut()
            .for_each(|group| by_hand(&mut group.resource)),
    }
}

async fn pass(batch: Batch) -> Batch {
    let (config, sink) = (contract::config(&FACTORY.meta, ACTIONS), Sink::new());
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
async fn resources_of_all_signals_are_changed() {
    for batch in one_of_each() {
        let mut several = batch.to_decoded().expect("sound");
        // The same again: once without a resource, once with an attribute to delete.
        match &mut several {
            Decoded::Metrics(request) => {
                let mut group = request.resource_metrics[0].clone();
                group.resource = None;
                request.resource_metrics.push(group);
            }
            Decoded::Traces(request) => {
                let mut group = request.resource_spans[0].clone();
                let resource = group.resource.get_or_insert_default();
                resource.attributes.insert(0, attribute("process.pid", 7));
                request.resource_spans.push(group);
            }
            Decoded::Logs(request) => request.resource_logs.push(Default::default()),
        }
        let mut expected = several.clone();
        by_hand_everywhere(&mut expected);
        for batch in [to_wire(&several), Batch::from_decoded(several)] {
            let items = batch.items();
            let found = pass(batch).await;
            assert_eq!(found.items(), items);
            assert_eq!(found.to_decoded().expect("sound"), expected);
        }
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    assert_eq!(
        contract::mistakes(&FACTORY.meta, "{}"),
        ["attributes: required: at least one action"]
    );
    assert_eq!(
        contract::mistakes(
            &FACTORY.meta,
            "{attributes: [{key: a, action: upsert, value: 1}, {key: a, action: upsert}]}"
        ),
        ["attributes::1::value: required: one of `value`, `from_attribute`, `from_context`"]
    );
}
