//! The exporter against a server on the loopback interface.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_component::{ParsedConfig, Signal};
use weir_exporter_prometheus_remote_write::FACTORY;
use weir_pdata::Batch;
use weir_testkit::remote_write::{Answer, Message, Received, Server};
use weir_testkit::{Bench, batches, contract};

const V2: &str = "protobuf_message: io.prometheus.write.v2.Request";
/// Retries at once, so that tests do not wait.
const FAST: &str = "retry_on_failure: {initial_interval: 1ms, max_interval: 2ms}";

fn config(server: &Server, options: &str) -> ParsedConfig {
    let comma = if options.is_empty() { "" } else { ", " };
    contract::config(
        &FACTORY.meta,
        &format!("{{endpoint: '{}'{comma}{options}}}", server.url()),
    )
}

async fn start(server: &Server, options: &str) -> Bench {
    let bench = Bench::exporter(FACTORY, &config(server, options), Signal::Metrics);
    bench.start().await;
    bench
}

/// Returns the values of all samples by series, in order of arrival.
fn values(received: &[Received]) -> BTreeMap<String, Vec<f64>> {
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for sample in received.iter().flat_map(|request| request.message.samples()) {
        values.entry(sample.series).or_default().push(sample.value);
    }
    values
}

/// A batch of `points` series at a time, all with the same value.
fn round(points: usize, round: u64) -> Batch {
    batches::metrics()
        .at(batches::TIME_NS + round * 1_000_000_000)
        .gauge("g", &vec![round as f64; points])
        .wire()
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let server = Server::start().await;
    contract::exporter_starts_and_stops_twice(FACTORY, &config(&server, ""), batches::gauge("g", 1)).await;
    let batch = batches::metrics()
        .gauge("a", &[1.0])
        .counter("b", &[2.0])
        .histogram("c", &[1.0], &[1, 2])
        .wire();
    contract::exporter_balances(
        FACTORY,
        &config(&server, ""),
        vec![batch, batches::gauge("d", 500)],
    )
    .await;
}

#[tokio::test]
async fn requests_of_version_1_are_as_the_specification_says() {
    let server = Server::start().await;
    let bench = start(
        &server,
        "headers: {X-Scope-OrgID: team-a}, external_labels: {cluster: c1}",
    )
    .await;
    bench
        .send(batches::metrics().counter("requests", &[5.0]).wire())
        .await
        .unwrap();
    bench.stop().await;
    let requests = server.received();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert_eq!(request.line, "POST /api/v1/write");
    assert_eq!(request.header("content-type"), "application/x-protobuf");
    assert_eq!(request.header("content-encoding"), "snappy");
    assert_eq!(request.header("x-prometheus-remote-write-version"), "0.1.0");
    assert_eq!(request.header("x-scope-orgid"), "team-a");
    assert!(
        request.header("user-agent").starts_with("weir/"),
        "{}",
        request.header("user-agent")
    );
    let expected = r#"__name__="requests_total",cluster="c1",job="shop",n="0",otel_scope_name="testkit",otel_scope_version="1.0""#;
    assert_eq!(values(&requests)[expected], [5.0]);
}

#[tokio::test]
async fn requests_of_version_2_are_as_the_specification_says() {
    let server = Server::start().await;
    let bench = start(&server, V2).await;
    bench
        .send(batches::metrics().counter("requests", &[5.0]).wire())
        .await
        .unwrap();
    bench.stop().await;
    let requests = server.received();
    assert_eq!(
        requests[0].header("content-type"),
        "application/x-protobuf;proto=io.prometheus.write.v2.Request"
    );
    assert_eq!(requests[0].header("x-prometheus-remote-write-version"), "2.0.0");
    assert!(matches!(requests[0].message, Message::V2(_)));
    assert!(
        values(&requests)
            .keys()
            .any(|series| series.starts_with(r#"__name__="requests_total""#))
    );
    let text = bench.context.metrics.render();
    assert!(
        text.contains("otelcol_exporter_prometheusremotewrite_written_samples{"),
        "{text}"
    );
}

#[tokio::test]
async fn statuses_mean_what_the_specification_says() {
    // Status, attempts made when it is answered once, reason for which the point is dropped.
    for (status, attempts, reason) in [
        (200, 1, None),
        (204, 1, None),
        (500, 2, None),
        (503, 2, None),
        (429, 2, None),
        (400, 1, Some("bad_request")),
        (401, 1, Some("unauthorized")),
        (403, 1, Some("unauthorized")),
        (404, 1, Some("not_found")),
        (409, 1, Some("rejected")),
        (302, 1, Some("rejected")),
        (415, 1, Some("unknown_protocol")),
    ] {
        let server = Server::start().await;
        server.answer_next([Answer::status(status).body("because")]);
        let bench = start(&server, FAST).await;
        bench.send(batches::gauge("g", 1)).await.unwrap();
        bench.stop().await;
        assert_eq!(server.received().len(), attempts, "{status}");
        let dropped: Vec<_> = bench.account().dropped.into_iter().collect();
        assert_eq!(
            dropped,
            reason.map(|reason| (reason, 1)).into_iter().collect::<Vec<_>>(),
            "{status}"
        );
    }
}

#[tokio::test]
async fn too_many_requests_can_be_final() {
    let server = Server::start().await;
    server.answer_next([Answer::status(429)]);
    let bench = start(&server, "retry_on_http_429: false").await;
    bench.send(batches::gauge("g", 3)).await.unwrap();
    bench.stop().await;
    assert_eq!(bench.dropped("too_many_requests"), 3);
}

#[tokio::test]
async fn the_receiver_may_ask_for_a_pause() {
    let server = Server::start().await;
    server.answer_next([Answer::status(503).retry_after(Duration::from_secs(1))]);
    let bench = start(&server, FAST).await;
    bench.send(batches::gauge("g", 1)).await.unwrap();
    server.wait_for(2).await;
    bench.stop().await;
    let requests = server.received();
    assert!(requests[1].at - requests[0].at >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_tried_again() {
    let server = Server::start().await;
    let options = "retry_on_failure: {initial_interval: 1ms, max_interval: 2ms, max_elapsed_time: 20ms}";
    let bench = start(&server, options).await;
    server.stop().await;
    bench.send(batches::gauge("g", 3)).await.unwrap();
    bench.stop().await;
    assert_eq!(bench.dropped("retries_exhausted"), 3);
    assert!(
        bench
            .context
            .metrics
            .render()
            .contains("weir_exporter_remote_write_failed_requests_total")
    );
}

#[tokio::test]
async fn an_old_receiver_gets_the_old_protocol() {
    // Once by status, once by a success that does not say what was written.
    for refusal in [Answer::status(415), Answer::status(204)] {
        let server = Server::start().await;
        server.answer_next([refusal]);
        let bench = start(&server, V2).await;
        bench.send(batches::gauge("a", 3)).await.unwrap();
        server.wait_for(2).await;
        bench.send(batches::gauge("b", 3)).await.unwrap();
        bench.stop().await;
        let versions: Vec<bool> = server
            .received()
            .iter()
            .map(|request| matches!(request.message, Message::V2(_)))
            .collect();
        assert_eq!(versions, [true, false, false]);
        assert_eq!(bench.account().delivered, 6);
    }
}

#[tokio::test]
async fn a_partial_write_is_counted_and_not_sent_again() {
    let server = Server::start().await;
    server.answer_next([Answer::status(400).written(7, 0, 0).body("3 samples are too old")]);
    let bench = start(&server, &format!("{V2}, target_info: {{enabled: false}}")).await;
    bench.send(batches::gauge("g", 10)).await.unwrap();
    bench.stop().await;
    assert_eq!(server.received().len(), 1);
    assert_eq!((bench.account().delivered, bench.dropped("bad_request")), (7, 3));
}

#[tokio::test]
async fn what_is_too_large_arrives_in_parts() {
    let server = Server::start().await;
    server.answer_next([Answer::status(413), Answer::status(413)]);
    let bench = start(&server, "target_info: {enabled: false}").await;
    bench.send(batches::gauge("g", 100)).await.unwrap();
    bench.stop().await;
    assert_eq!(bench.account().delivered, 100);
    let requests = server.received();
    let sizes: Vec<usize> = requests
        .iter()
        .map(|request| request.message.samples().len())
        .collect();
    assert_eq!(sizes, [100, 50, 25, 25, 50]);
    assert_eq!(values(&requests[2..]).len(), 100, "every series arrived");
}

#[tokio::test]
async fn series_stay_in_order_although_requests_are_parallel() {
    const SERIES: usize = 60;
    const ROUNDS: u64 = 20;
    let server = Server::start().await;
    let options =
        "max_series_per_request: 10, remote_write_queue: {num_consumers: 4}, target_info: {enabled: false}";
    let bench = start(&server, options).await;
    server.hold();
    for number in 0..ROUNDS {
        bench.send(round(SERIES, number)).await.unwrap();
        if number == 0 {
            // The first batch is under way; the others wait and are merged.
            server.wait_for(4).await;
            server.release();
        }
    }
    bench.stop().await;
    let requests = server.received();
    assert!(
        requests.iter().any(|request| request.in_flight > 1),
        "requests are in flight at the same time"
    );
    assert!(
        requests.iter().all(|request| request.in_flight <= 4),
        "but no more than consumers"
    );
    let expected: Vec<f64> = (0..ROUNDS).map(|round| round as f64).collect();
    let values = values(&requests);
    assert_eq!(values.len(), SERIES);
    for (series, values) in values {
        assert_eq!(values, expected, "{series}");
    }
}

#[tokio::test]
async fn a_full_queue_refuses_and_loses_nothing() {
    let server = Server::start().await;
    server.hold();
    let bench = start(&server, "remote_write_queue: {queue_size: 2}").await;
    bench.send(batches::gauge("a", 1)).await.unwrap();
    server.wait_for(1).await;
    bench.send(batches::gauge("b", 1)).await.unwrap();
    let error = bench.send(batches::gauge("c", 1)).await.unwrap_err();
    assert!(error.is_retryable());
    server.release();
    bench.stop().await;
    assert_eq!(bench.account().delivered, 2);
}

#[tokio::test]
async fn what_is_queued_is_delivered_before_the_end() {
    let server = Server::start().await;
    server.answer_next([Answer::status(503), Answer::status(503), Answer::status(503)]);
    let bench = start(&server, FAST).await;
    for name in ["a", "b", "c", "d"] {
        bench.send(batches::gauge(name, 5)).await.unwrap();
    }
    bench.stop().await;
    assert_eq!(bench.account().delivered, 20);
}

#[tokio::test]
async fn what_cannot_be_delivered_before_the_end_is_counted() {
    let server = Server::start().await;
    server.answer_always(Answer::status(503));
    let bench = start(&server, FAST).await;
    bench.send(batches::gauge("a", 5)).await.unwrap();
    let error = bench.shutdown(Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "5 items could not be delivered in time and were dropped"
    );
    assert_eq!(bench.dropped("shutdown"), 5);
    bench.assert_balanced();
}

#[tokio::test]
async fn without_a_queue_the_sender_gets_the_verdict() {
    let server = Server::start().await;
    let off = "remote_write_queue: {enabled: false}, retry_on_failure: {enabled: false}";
    let bench = start(&server, off).await;
    server.answer_next([
        Answer::status(503).retry_after(Duration::from_secs(7)),
        Answer::status(400).body("too old"),
    ]);
    let error = bench.send(batches::gauge("a", 5)).await.unwrap_err();
    assert_eq!(
        error.retry(),
        weir_component::Retry::After(Duration::from_secs(7))
    );
    let error = bench.send(batches::gauge("a", 1)).await.unwrap_err();
    assert!(error.is_partial() && !error.is_retryable());
    bench.send(batches::gauge("a", 5)).await.unwrap();
    bench.stop().await;
    assert_eq!((bench.account().delivered, bench.dropped("bad_request")), (5, 1));
}

#[tokio::test]
async fn rules_have_the_last_word_on_labels() {
    let rules = r#"write_relabel_configs: [
        {source_labels: [__name__], regex: "debug_.*|.*_bucket", action: drop},
        {source_labels: [__name__, cluster], regex: "requests_total;(.*)", target_label: __name__, replacement: "${1}:calls"},
        {action: labelkeep, regex: "__name__|job"}]"#;
    for queue in [
        "",
        "remote_write_queue: {enabled: false}, retry_on_failure: {enabled: false}, ",
    ] {
        let server = Server::start().await;
        let bench = start(
            &server,
            &format!("{queue}external_labels: {{cluster: eu}}, {rules}"),
        )
        .await;
        let batch = batches::metrics()
            .counter("requests", &[5.0])
            .gauge("debug_a", &[1.0, 2.0])
            .histogram("sizes", &[1.0], &[1, 2])
            .wire();
        bench.send(batch).await.unwrap();
        // Rules that leave nothing are no failure either.
        bench.send(batches::gauge("debug_b", 3)).await.unwrap();
        bench.stop().await;
        let sent = values(&server.received());
        let series: Vec<&str> = sent.keys().map(String::as_str).collect();
        assert_eq!(
            series,
            [
                r#"__name__="eu:calls",job="shop""#,
                r#"__name__="sizes_seconds_count",job="shop""#,
                r#"__name__="sizes_seconds_sum",job="shop""#,
            ]
        );
        assert_eq!(bench.account().delivered, 2);
        assert_eq!(bench.dropped("relabel"), 5);
        bench.assert_balanced();
        let text = bench.context.metrics.render();
        for (name, value) in [
            ("otelcol_exporter_sent_metric_points{", " 2"),
            (
                "otelcol_exporter_prometheusremotewrite_failed_translations{",
                " 0",
            ),
            ("weir_exporter_remote_write_left_out_total{", " 2"),
        ] {
            let line = text.lines().find(|line| line.starts_with(name));
            assert!(line.is_some_and(|line| line.ends_with(value)), "{name}: {text}");
        }
        assert!(
            !text.lines().any(|line| {
                line.starts_with("otelcol_exporter_send_failed_metric_points{") && !line.ends_with(" 0")
            }),
            "{text}"
        );
    }
}
