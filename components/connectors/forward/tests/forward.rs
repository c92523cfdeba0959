//! The connector between pipelines.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_component::{
    BuildContext, ComponentKind, ConsumeError, Consumer, PipelineId, Refusal, Signal, Step,
};
use weir_connector_forward::FACTORY;
use weir_pdata::{Batch, Context, ContextParts};
use weir_testkit::{Sink, batches, contract};

fn forward(signal: Signal, sinks: &[&Sink]) -> Step {
    let context = BuildContext::standalone(
        "forward".parse().expect("an id"),
        ComponentKind::Connector,
        Some(signal),
    );
    let outputs: BTreeMap<PipelineId, Consumer> = sinks
        .iter()
        .enumerate()
        .map(|(number, sink)| {
            (
                format!("{signal}/{number}").parse().expect("an id"),
                sink.consumer(),
            )
        })
        .collect();
    FACTORY
        .build(&contract::config(&FACTORY.meta, ""), &context, outputs)
        .expect("the connector can be built")
}

fn bytes(batches: &[Batch]) -> Vec<Vec<u8>> {
    batches.iter().map(|batch| batch.to_wire().concat()).collect()
}

#[test]
fn it_has_no_options_and_joins_like_with_like() {
    contract::config_is_strict(&FACTORY.meta, "");
    assert!(FACTORY.pairs.iter().all(|(taken, given)| taken == given));
    assert_eq!(FACTORY.pairs.len(), Signal::ALL.len());
}

#[tokio::test]
async fn every_pipeline_gets_the_same_bytes_and_context() {
    let context = Context::new(ContextParts {
        tenant: Some("a".to_owned()),
        ..ContextParts::default()
    });
    for batch in [batches::gauge("g", 3), batches::spans(2), batches::logs(4)] {
        let (one, two) = (Sink::new(), Sink::new());
        let step = forward(batch.signal(), &[&one, &two]);
        let sent = batch.with_context(context.clone());
        step.consumer.consume(sent.clone()).await.unwrap();
        for sink in [one, two] {
            assert_eq!(bytes(&sink.batches()), bytes(std::slice::from_ref(&sent)));
            assert_eq!(sink.batches()[0].context(), &context);
        }
    }
}

#[tokio::test]
async fn batches_come_out_in_order() {
    let sink = Sink::new();
    let step = forward(Signal::Metrics, &[&sink]);
    let sent: Vec<Batch> = (1..=20).map(|points| batches::gauge("g", points)).collect();
    for batch in &sent {
        step.consumer.consume(batch.clone()).await.unwrap();
    }
    assert_eq!(bytes(&sink.batches()), bytes(&sent));
}

#[tokio::test]
async fn errors_reach_the_caller_unchanged() {
    let refusal = Refusal {
        reason: "too_old",
        items: 1,
    };
    for error in [
        ConsumeError::permanent("will stay wrong"),
        ConsumeError::overloaded("full", Duration::from_secs(7)),
        ConsumeError::partial(vec![refusal], "one is too old"),
    ] {
        let (good, bad) = (Sink::new(), Sink::new());
        bad.refuse(error.clone());
        for sinks in [vec![&bad], vec![&good, &bad]] {
            let step = forward(Signal::Metrics, &sinks);
            let passed = step.consumer.consume(batches::gauge("g", 2)).await.unwrap_err();
            assert_eq!(
                (passed.code(), passed.retry(), passed.extent()),
                (error.code(), error.retry(), error.extent())
            );
        }
        assert_eq!(good.items(), 2, "the other pipeline has it");
    }
}

#[tokio::test]
async fn a_slow_pipeline_does_not_keep_the_data_from_the_others() {
    let (slow, fast) = (Sink::new(), Sink::new());
    slow.hold();
    let step = forward(Signal::Logs, &[&slow, &fast]);
    let call = step.consumer.consume(batches::logs(1));
    let watch = async {
        fast.wait_for_items(1).await;
        slow.release();
    };
    let (answer, ()) = tokio::join!(call, watch);
    answer.unwrap();
    assert_eq!(slow.items(), 1);
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let config = contract::config(&FACTORY.meta, "");
    for batch in [batches::gauge("g", 3), batches::spans(2), batches::logs(4)] {
        contract::connector_starts_and_stops_twice(FACTORY, &config, batch.clone()).await;
        contract::connector_passes_errors_on(FACTORY, &config, batch.clone()).await;
        contract::connector_keeps_order(FACTORY, &config, vec![batch.clone(), batch]).await;
    }
}
