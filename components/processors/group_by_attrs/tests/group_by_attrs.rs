//! The processor from its configuration to the next step.

use weir_component::{Batch, ConsumeError, Signal};
use weir_pdata::Decoded;
use weir_processor_group_by_attrs::FACTORY;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::KeyValue;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::{Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum};
use weir_proto::otlp::resource::v1::Resource;
use weir_testkit::batches::{attribute, logs, one_of_each, spans, to_wire};
use weir_testkit::{Bench, Sink, contract};

const KEYS: &str = "{keys: [host.name]}";

/// Sends a batch through, and returns what came out and the bench.
async fn pass(yaml: &str, batch: Batch) -> (Batch, Bench) {
    let (config, sink) = (contract::config(&FACTORY.meta, yaml), Sink::new());
    let bench = Bench::processor(FACTORY, &config, batch.signal(), &sink);
    bench.start().await;
    bench.send(batch).await.expect("taken");
    bench.stop().await;
    (sink.batches().remove(0), bench)
}

/// Points with these attributes: `host.name` unless it is empty, and `id`.
fn points(of: &[(&str, i64)]) -> Vec<NumberDataPoint> {
    let attributes = |(host, id): &(&str, i64)| -> Vec<KeyValue> {
        let host = (!host.is_empty()).then(|| attribute("host.name", *host));
        host.into_iter().chain([attribute("id", *id)]).collect()
    };
    of.iter()
        .map(|of| NumberDataPoint {
            attributes: attributes(of),
            ..NumberDataPoint::default()
        })
        .collect()
}

fn metric(name: &str, data: Data) -> Metric {
    Metric {
        name: name.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn gauge(name: &str, of: &[(&str, i64)]) -> Metric {
    let data_points = points(of);
    metric(name, Data::Gauge(Gauge { data_points }))
}

fn sum(name: &str, temporality: i32, of: &[(&str, i64)]) -> Metric {
    let data_points = points(of);
    metric(
        name,
        Data::Sum(Sum {
            data_points,
            aggregation_temporality: temporality,
            is_monotonic: true,
        }),
    )
}

fn resource(attributes: Vec<KeyValue>, metrics: Vec<Metric>) -> ResourceMetrics {
    ResourceMetrics {
        resource: Some(Resource {
            attributes,
            ..Resource::default()
        }),
        scope_metrics: vec![ScopeMetrics {
            metrics,
            ..ScopeMetrics::default()
        }],
        ..ResourceMetrics::default()
    }
}

fn request(resource_metrics: Vec<ResourceMetrics>) -> Decoded {
    Decoded::Metrics(ExportMetricsServiceRequest { resource_metrics })
}

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    contract::config_is_strict(&FACTORY.meta, KEYS);
    for yaml in ["{}", KEYS, "{keys: [n]}"] {
        let config = contract::config(&FACTORY.meta, yaml);
        for batch in one_of_each() {
            contract::processor_starts_and_stops_twice(FACTORY, &config, batch).await;
        }
        contract::processor_passes_errors_on(FACTORY, &config, spans(3)).await;
        contract::processor_keeps_order(FACTORY, &config, (1..9).map(logs).collect()).await;
        contract::processor_drains(FACTORY, &config, (1..9).map(logs).collect()).await;
    }
}

#[tokio::test]
async fn points_move_to_the_resource_that_they_name() {
    let local = || vec![attribute("host.name", "localhost"), attribute("source", "prom")];
    let batch = to_wire(&request(vec![resource(
        local(),
        vec![
            gauge("up", &[("a", 1), ("a", 2), ("b", 1)]),
            gauge("up", &[("a", 3), ("b", 2)]),
            gauge("mixed", &[("a", 1), ("b", 1)]),
            sum("mixed", 1, &[("a", 1)]),
            sum("mixed", 2, &[("a", 2)]),
            gauge("stays", &[("", 1)]),
        ],
    )]));
    let (found, bench) = pass(KEYS, batch).await;
    let host = |name: &str| vec![attribute("source", "prom"), attribute("host.name", name)];
    let expected = request(vec![
        resource(
            host("a"),
            vec![
                gauge("up", &[("", 1), ("", 2), ("", 3)]),
                gauge("mixed", &[("", 1)]),
                sum("mixed", 1, &[("", 1)]),
                sum("mixed", 2, &[("", 2)]),
            ],
        ),
        resource(
            host("b"),
            vec![gauge("up", &[("", 1), ("", 2)]), gauge("mixed", &[("", 1)])],
        ),
        resource(local(), vec![gauge("stays", &[("", 1)])]),
    ]);
    assert_eq!(found.to_decoded().expect("sound"), expected);
    let shown = bench.context.metrics.render();
    for line in [
        "otelcol_processor_groupbyattrs_num_grouped_metrics{processor=\"group_by_attrs\"} 9",
        "otelcol_processor_groupbyattrs_num_non_grouped_metrics{processor=\"group_by_attrs\"} 1",
        "otelcol_processor_groupbyattrs_metric_groups_sum{processor=\"group_by_attrs\"} 3",
    ] {
        assert!(shown.contains(line), "`{line}` is missing in\n{shown}");
    }
}

#[tokio::test]
async fn without_keys_equal_resources_are_merged() {
    for batch in one_of_each() {
        let mut twice = batch.clone();
        twice.append(batch.clone()).expect("one signal");
        let (found, bench) = pass("{}", twice).await;
        let resources = match found.to_decoded().expect("sound") {
            Decoded::Metrics(request) => request.resource_metrics.len(),
            Decoded::Traces(request) => request.resource_spans.len(),
            Decoded::Logs(request) => request.resource_logs.len(),
        };
        assert_eq!((resources, found.items()), (1, 2 * batch.items()));
        bench.assert_balanced();
    }
}

#[tokio::test]
async fn a_batch_in_which_nothing_moves_keeps_its_bytes() {
    for batch in one_of_each() {
        let (found, _) = pass(KEYS, batch.clone()).await;
        assert_eq!(found.to_wire(), batch.to_wire());
    }
}

#[tokio::test]
async fn the_books_balance_when_the_next_step_refuses() {
    let (config, sink) = (contract::config(&FACTORY.meta, "{keys: [n]}"), Sink::new());
    let bench = Bench::processor(FACTORY, &config, Signal::Logs, &sink);
    bench.start().await;
    sink.answer_next([Err(ConsumeError::unavailable("not now"))]);
    assert!(bench.send(logs(3)).await.is_err());
    bench.assert_balanced();
    bench.send(logs(3)).await.expect("taken");
    bench.stop().await;
    assert_eq!(sink.items(), 3);
}

#[test]
fn mistakes_are_told_with_their_place() {
    assert_eq!(
        contract::mistakes(&FACTORY.meta, "{keys: [a, '']}"),
        ["keys::1: must not be empty"]
    );
    assert!(contract::mistakes(&FACTORY.meta, "{keys: [a, a]}").is_empty());
}
