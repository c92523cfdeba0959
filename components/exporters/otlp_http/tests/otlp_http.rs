//! The exporter against a server on the loopback interface.

mod server;

use std::time::Duration;

use bytes::Bytes;
use server::{Answer, Server, status};
use weir_component::{BuildContext, ComponentKind, ParsedConfig, Signal};
use weir_exporter_otlp_http::FACTORY;
use weir_pdata::{Batch, Decoded, json};
use weir_testkit::{Bench, batches, contract};

/// Retries at once, so that tests do not wait.
const FAST: &str = "retry_on_failure: {initial_interval: 1ms, max_interval: 2ms}";

fn config(server: &Server, options: &str) -> ParsedConfig {
    contract::config(
        &FACTORY.meta,
        &format!("{{endpoint: '{}', {options}}}", server.url()),
    )
}

async fn start(server: &Server, options: &str, signal: Signal) -> Bench {
    let bench = Bench::exporter(FACTORY, &config(server, options), signal);
    bench.start().await;
    bench
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let server = Server::start([]).await;
    for batch in batches::one_of_each() {
        let config = config(&server, "");
        contract::exporter_starts_and_stops_twice(FACTORY, &config, batch.clone()).await;
        contract::exporter_balances(FACTORY, &config, vec![batch.clone(), batch]).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn untouched_batches_leave_as_the_bytes_they_came_in_as() {
    let server = Server::start([]).await;
    for (batch, path) in batches::one_of_each()
        .into_iter()
        .zip(["/v1/metrics", "/v1/traces", "/v1/logs"])
    {
        let bench = start(&server, "headers: {X-Scope-OrgID: team-a}", batch.signal()).await;
        bench.send(batch.clone()).await.unwrap();
        bench.stop().await;
        let request = server.received().pop().unwrap();
        assert_eq!(request.path, path);
        assert_eq!(request.body, batch.to_wire()[0]);
        assert_eq!(request.header("content-type"), "application/x-protobuf");
        assert_eq!(request.header("content-encoding"), "gzip");
        assert_eq!(request.header("x-scope-orgid"), "team-a");
        assert!(request.header("user-agent").starts_with("weir/"));
    }
}

#[tokio::test]
async fn every_compression_is_understood() {
    let server = Server::start([]).await;
    let batch = batches::gauge("g", 100);
    for name in [
        "none",
        "gzip",
        "zstd",
        "snappy",
        "x-snappy-framed",
        "zlib",
        "deflate",
        "lz4",
    ] {
        let bench = start(&server, &format!("compression: {name}"), Signal::Metrics).await;
        bench.send(batch.clone()).await.unwrap();
        bench.stop().await;
        let request = server.received().pop().unwrap();
        let sent = request.header("content-encoding");
        assert_eq!(if sent.is_empty() { "none" } else { sent }, name);
        assert_eq!(request.body, batch.to_wire()[0], "{name}");
    }
}

#[tokio::test]
async fn json_says_the_same_as_protobuf() {
    let server = Server::start([]).await;
    // The large one is written off the reactor.
    for batch in batches::one_of_each()
        .into_iter()
        .chain([batches::gauge("g", 2000)])
    {
        let bench = start(&server, "encoding: json", batch.signal()).await;
        bench.send(batch.clone()).await.unwrap();
        bench.stop().await;
        let request = server.received().pop().unwrap();
        assert_eq!(request.header("content-type"), "application/json");
        let read = match batch.signal() {
            Signal::Metrics => Decoded::Metrics(json::decode(&request.body).unwrap()),
            Signal::Traces => Decoded::Traces(json::decode(&request.body).unwrap()),
            Signal::Logs => Decoded::Logs(json::decode(&request.body).unwrap()),
        };
        assert_eq!(read, batch.to_decoded().unwrap());
    }
}

#[tokio::test]
async fn statuses_mean_what_the_specification_says() {
    // Status, attempts made when it is answered once, reason for which the points are dropped.
    for (answered, attempts, reason) in [
        (200, 1, None),
        (202, 1, None),
        (204, 1, None),
        (429, 2, None),
        (502, 2, None),
        (503, 2, None),
        (504, 2, None),
        (301, 1, Some("rejected")),
        (400, 1, Some("rejected")),
        (401, 1, Some("rejected")),
        (403, 1, Some("rejected")),
        (404, 1, Some("rejected")),
        (408, 1, Some("rejected")),
        (413, 1, Some("rejected")),
        (500, 1, Some("rejected")),
        (501, 1, Some("rejected")),
    ] {
        let server = Server::start([status(answered)]).await;
        let bench = start(&server, FAST, Signal::Metrics).await;
        bench.send(batches::gauge("g", 3)).await.unwrap();
        bench.stop().await;
        assert_eq!(server.received().len(), attempts, "{answered}");
        let dropped: Vec<_> = bench.account().dropped.into_iter().collect();
        assert_eq!(
            dropped,
            reason.map(|reason| (reason, 3)).into_iter().collect::<Vec<_>>(),
            "{answered}"
        );
    }
}

#[tokio::test]
async fn retry_after_is_a_lower_bound() {
    let wait: Answer = (503, vec![("retry-after", "1")], Bytes::new());
    let server = Server::start([wait]).await;
    let bench = start(&server, FAST, Signal::Logs).await;
    bench.send(batches::logs(1)).await.unwrap();
    bench.stop().await;
    let received = server.received();
    assert_eq!(received.len(), 2);
    assert!(received[1].at - received[0].at >= Duration::from_millis(990));
    let metrics = bench.context.metrics.render();
    assert!(metrics.contains("weir_exporter_retries_total{exporter=\"otlp_http\",data_type=\"logs\"} 1"));
}

#[tokio::test]
async fn partial_successes_are_counted() {
    let partial: Answer = (
        200,
        vec![("content-type", "application/x-protobuf")],
        Bytes::from_static(b"\x0a\x06\x08\x03\x12\x02no"),
    );
    let server = Server::start([partial.clone(), partial]).await;
    let bench = start(&server, "", Signal::Traces).await;
    bench.send(batches::spans(10)).await.unwrap();
    bench.stop().await;
    assert_eq!(bench.dropped("partial_success"), 3);
    assert_eq!(bench.account().delivered, 7);
    let labels = format!(
        "{{exporter=\"otlp_http\",server_address=\"127.0.0.1\",server_port=\"{}\",url_path=\"/v1/traces\"}}",
        server.port()
    );
    let metrics = bench.context.metrics.render();
    for line in [
        format!("otelcol_exporter_sent_spans{labels} 7"),
        format!("otelcol_exporter_send_failed_spans{labels} 3"),
    ] {
        assert!(metrics.contains(&line), "{line} not in\n{metrics}");
    }

    // Without a queue the sender learns it.
    let bench = start(&server, "sending_queue: {enabled: false}", Signal::Traces).await;
    let error = bench.send(batches::spans(10)).await.unwrap_err();
    assert_eq!(error.refused_items(10), 3);
    bench.stop().await;
}

#[tokio::test]
async fn small_requests_leave_as_one() {
    let server = Server::start([]).await;
    let batching = "sending_queue: {num_consumers: 1, batch: {min_size: 10, flush_timeout: 1h}}";
    let bench = start(&server, batching, Signal::Metrics).await;
    for (name, points) in [("a", 4), ("b", 4), ("c", 4)] {
        bench.send(batches::gauge(name, points)).await.unwrap();
    }
    bench.stop().await;
    let received = server.received();
    assert_eq!(received.len(), 1);
    let merged = Batch::from_wire(Signal::Metrics, received[0].body.clone()).unwrap();
    assert_eq!(merged.items(), 12);
    assert_eq!(bench.account().delivered, 12);
}

#[tokio::test]
async fn an_outage_is_waited_out_and_ended_by_the_deadline() {
    let server = Server::start([]).await;
    let options = format!("endpoint: '{}'", server.url());
    server.stop().await;
    let config = contract::config(&FACTORY.meta, &format!("{{{options}, {FAST}}}"));
    let bench = Bench::exporter(FACTORY, &config, Signal::Metrics);
    bench.start().await;
    bench.send(batches::gauge("g", 5)).await.unwrap();
    bench.shutdown(Duration::from_millis(300)).await.unwrap_err();
    bench.assert_balanced();
    assert_eq!(bench.dropped("shutdown"), 5);
}

#[tokio::test]
async fn without_a_queue_the_sender_gets_the_verdict() {
    let server = Server::start([status(503), status(400)]).await;
    let options = "sending_queue: {enabled: false}, retry_on_failure: {enabled: false}";
    let bench = start(&server, options, Signal::Metrics).await;
    assert!(
        bench
            .send(batches::gauge("g", 1))
            .await
            .unwrap_err()
            .is_retryable()
    );
    assert!(
        !bench
            .send(batches::gauge("g", 1))
            .await
            .unwrap_err()
            .is_retryable()
    );
    bench.send(batches::gauge("g", 1)).await.unwrap();
    bench.stop().await;
    assert_eq!(bench.account().delivered, 1);
}

#[tokio::test]
async fn a_slow_server_is_given_up_on_and_asked_again() {
    // Takes connections and says nothing.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let yaml = format!(
        "{{endpoint: 'http://{}', timeout: 20ms, sending_queue: {{enabled: false}}, retry_on_failure: {{enabled: false}}}}",
        listener.local_addr().unwrap()
    );
    let bench = Bench::exporter(FACTORY, &contract::config(&FACTORY.meta, &yaml), Signal::Metrics);
    bench.start().await;
    let error = bench.send(batches::gauge("g", 1)).await.unwrap_err();
    assert_eq!(error.to_string(), "no answer within 20ms");
    assert!(error.is_retryable());
    bench.stop().await;
}

#[test]
fn a_signal_without_an_endpoint_cannot_be_built() {
    let config = contract::config(&FACTORY.meta, "{logs_endpoint: 'http://h/in'}");
    let context = BuildContext::standalone(
        "otlp_http".parse().unwrap(),
        ComponentKind::Exporter,
        Some(Signal::Metrics),
    );
    let error = FACTORY.build(&config, &context).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no endpoint for metrics: set `endpoint` or `metrics_endpoint`"
    );
}
