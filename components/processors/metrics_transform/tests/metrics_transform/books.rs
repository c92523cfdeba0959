//! What is counted, and what is refused.

use bytes::Bytes;
use weir_component::{Batch, Code, ConsumeError};
use weir_pdata::Signal;
use weir_processor_metrics_transform::FACTORY;
use weir_testkit::batches::metrics;
use weir_testkit::{Bench, Sink, batches, contract};

use crate::support::{parse, pass, transform};

const COPY: &str = "{transforms: [{include: ., match_type: regexp, action: insert, new_name: '${0}_copy'}]}";

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    contract::config_is_strict(&FACTORY.meta, COPY);
    for yaml in [
        "",
        "{transforms: [{include: g, action: update, new_name: h}]}",
        "{transforms: [{include: g, action: combine, new_name: h, aggregation_type: sum}]}",
    ] {
        let config = contract::config(&FACTORY.meta, yaml);
        let batches = || (1..9).map(|points| batches::gauge("g", points)).collect();
        contract::processor_starts_and_stops_twice(FACTORY, &config, batches::gauge("g", 3)).await;
        contract::processor_passes_errors_on(FACTORY, &config, batches::gauge("g", 3)).await;
        contract::processor_keeps_order(FACTORY, &config, batches()).await;
        contract::processor_drains(FACTORY, &config, batches()).await;
    }
    assert_eq!(FACTORY.meta.aliases, ["metricstransform"]);
}

#[test]
fn what_comes_and_goes_is_in_the_books() {
    let (found, bench) = transform(
        "[{include: a, action: insert, new_name: b},
          {include: b, action: update, operations: [{action: delete_label_value, label: l, label_value: '1'}]},
          {include: a, action: update, operations: [{action: aggregate_labels, aggregation_type: sum}]},
          {include: '^[cd](x?)$', match_type: regexp, action: combine, new_name: e}]",
        parse(
            "gauge a{l=1} 1..1 = 1
             gauge a{l=2} 1..1 = 1
             gauge a{l=3} 1..1 = 1
             gauge c 1..1 = 1
             gauge d 1..1 = 1",
        ),
    );
    assert_eq!(found.len(), 3);
    let account = bench.account();
    assert_eq!((account.accepted, account.forwarded, account.added), (5, 4, 3));
    let dropped = ["label_value_deleted", "aggregated", "duplicate"].map(|reason| bench.dropped(reason));
    assert_eq!(dropped, [1, 2, 1]);
}

#[test]
fn a_batch_of_which_nothing_is_left_ends_here() {
    let transforms = "[{include: g, action: update, operations: [{action: delete_label_value, label: n, label_value: '0'}]}]";
    let (found, bench) = pass(transforms, batches::gauge("g", 1));
    assert!(found.is_none());
    assert_eq!(bench.dropped("label_value_deleted"), 1);
}

#[tokio::test]
async fn a_refused_batch_leaves_the_books_in_balance() {
    let delete = "{action: delete_label_value, label: n, label_value: '0'}";
    for (yaml, made_again) in [
        (COPY.to_owned(), 3),
        (
            format!("{{transforms: [{{include: g, action: update, operations: [{delete}]}}]}}"),
            0,
        ),
        (
            format!("{{transforms: [{{include: g, action: insert, new_name: h, operations: [{delete}]}}]}}"),
            2,
        ),
    ] {
        let (config, sink) = (contract::config(&FACTORY.meta, &yaml), Sink::new());
        let bench = Bench::processor(FACTORY, &config, Signal::Metrics, &sink);
        bench.start().await;
        sink.refuse(ConsumeError::unavailable("full"));
        bench.send(batches::gauge("g", 3)).await.expect_err("refused");
        bench.assert_balanced();
        assert_eq!(bench.dropped("made_again"), made_again, "{yaml}");
    }
}

#[tokio::test]
async fn copies_of_copies_have_an_end() {
    let double = "{include: ., match_type: regexp, action: insert, new_name: '${0}x'}";
    let yaml = format!("{{transforms: [{}]}}", vec![double; 40].join(","));
    let (config, sink) = (contract::config(&FACTORY.meta, &yaml), Sink::new());
    let bench = Bench::processor(FACTORY, &config, Signal::Metrics, &sink);
    // A metric of 1 MiB.
    let gauge = parse("gauge g 1..2 = 1").remove(0).data.expect("data");
    let batch = metrics().metric("g", &"u".repeat(1 << 20), gauge).wire();
    let error = bench.send(batch).await.expect_err("too large");
    assert_eq!(
        (error.code(), error.is_partial()),
        (Code::ResourceExhausted, false)
    );
    bench.assert_balanced();
}

#[test]
fn a_metric_that_is_not_text_passes() {
    // The key of a label is cut out of the sound request, and put back as what is no UTF-8.
    let sound = metrics().gauge("g", &[1.0]).gauge("h", &[1.0]).wire().to_wire()[0].to_vec();
    let (at, mut bytes) = (
        sound.windows(3).position(|part| part == b"\x0a\x01n").unwrap() + 2,
        sound,
    );
    bytes[at] = 0xff;
    let bytes = Bytes::from(bytes);
    let batch = Batch::from_wire(Signal::Metrics, bytes.clone()).unwrap();
    let (found, _) = pass("[{include: g, action: insert, new_name: i}]", batch);
    assert_eq!(found.unwrap().to_wire()[0], bytes);
}
