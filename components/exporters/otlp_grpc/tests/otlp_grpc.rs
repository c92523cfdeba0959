//! The exporter against a server on the loopback interface.

mod server;

use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use server::Server;
use weir_component::{Code, ParsedConfig, Retry, Signal};
use weir_exporter_otlp_grpc::FACTORY;
use weir_net::grpc::Status;
use weir_net::server::GrpcServer;
use weir_pdata::Batch;
use weir_proto::otlp::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse};
use weir_testkit::{Bench, batches, contract};

/// Retries at once, so that tests do not wait.
const FAST: &str = "retry_on_failure: {initial_interval: 1ms, max_interval: 2ms}";

fn config(server: &Server, options: &str) -> ParsedConfig {
    contract::config(
        &FACTORY.meta,
        &format!(
            "{{endpoint: '{}', tls: {{insecure: true}}, {options}}}",
            server.address()
        ),
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
    let services = [
        "metrics.v1.MetricsService",
        "trace.v1.TraceService",
        "logs.v1.LogsService",
    ];
    for (batch, service) in batches::one_of_each().into_iter().zip(services) {
        let bench = start(&server, "headers: {X-Scope-OrgID: team-a}", batch.signal()).await;
        bench.send(batch.clone()).await.unwrap();
        bench.stop().await;
        let call = server.received().pop().unwrap();
        assert_eq!(
            call.path,
            format!("/opentelemetry.proto.collector.{service}/Export")
        );
        assert_eq!(call.message, batch.to_wire()[0]);
        assert_eq!(call.metadata("grpc-encoding"), "gzip");
        assert_eq!(call.metadata("x-scope-orgid"), "team-a");
        assert!(call.metadata("user-agent").starts_with("weir/"));
        assert!(call.has_deadline, "the server is told the timeout");
    }
}

#[tokio::test]
async fn every_compression_is_understood() {
    let server = Server::start([]).await;
    let batch = batches::gauge("g", 100);
    for name in ["none", "gzip", "zstd", "snappy"] {
        let bench = start(&server, &format!("compression: {name}"), Signal::Metrics).await;
        bench.send(batch.clone()).await.unwrap();
        bench.stop().await;
        let call = server.received().pop().unwrap();
        let sent = call.metadata("grpc-encoding");
        assert_eq!(if sent.is_empty() { "none" } else { sent }, name);
        assert_eq!(call.message, batch.to_wire()[0], "{name}");
    }
}

#[tokio::test]
async fn merged_batches_are_messages_in_a_row() {
    let server = Server::start([]).await;
    for compression in ["none", "zstd"] {
        let options = format!(
            "compression: {compression}, sending_queue: {{num_consumers: 1, batch: {{min_size: 12, flush_timeout: 1h}}}}"
        );
        let bench = start(&server, &options, Signal::Logs).await;
        let sent: Vec<Batch> = (0..3).map(|_| batches::logs(4)).collect();
        for batch in &sent {
            bench.send(batch.clone()).await.unwrap();
        }
        bench.stop().await;
        let message = server.received().pop().unwrap().message;
        let row: Vec<u8> = sent.iter().flat_map(|batch| batch.to_wire().concat()).collect();
        assert_eq!(message, row, "{compression}");
        assert_eq!(Batch::from_wire(Signal::Logs, message).unwrap().items(), 12);
    }
}

#[tokio::test]
async fn statuses_mean_what_the_specification_says() {
    let codes = (1..=16).map(|number| Code::from_grpc(number).unwrap());
    for code in codes {
        let retried = matches!(
            code,
            Code::Cancelled
                | Code::DeadlineExceeded
                | Code::Aborted
                | Code::OutOfRange
                | Code::Unavailable
                | Code::DataLoss
        );
        let server = Server::start([Err(Status::new(code, "because"))]).await;
        let bench = start(&server, FAST, Signal::Metrics).await;
        bench.send(batches::gauge("g", 3)).await.unwrap();
        bench.stop().await;
        assert_eq!(server.received().len(), if retried { 2 } else { 1 }, "{code}");
        assert_eq!(bench.dropped("rejected"), if retried { 0 } else { 3 }, "{code}");
    }
}

#[tokio::test]
async fn exhausted_servers_are_asked_again_only_if_they_say_when() {
    let delay = Duration::from_millis(200);
    let exhausted = Status::new(Code::ResourceExhausted, "quota");
    let server = Server::start([Err(exhausted.with_retry_delay(delay))]).await;
    let bench = start(&server, FAST, Signal::Logs).await;
    bench.send(batches::logs(1)).await.unwrap();
    bench.stop().await;
    let received = server.received();
    assert_eq!(received.len(), 2);
    assert!(
        received[1].at - received[0].at >= delay,
        "the delay is a lower bound"
    );
    assert_eq!(bench.account().delivered, 1);
}

#[tokio::test]
async fn partial_successes_are_counted() {
    let response = |rejected_spans| ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans,
            error_message: "too old".to_owned(),
        }),
    };
    let answers = [3, 0].map(|rejected| Ok(response(rejected).encode_to_vec().into()));
    let server = Server::start(answers.into_iter().chain([Ok(Bytes::from_static(b"<html>"))])).await;
    let bench = start(&server, "", Signal::Traces).await;
    for _ in 0..3 {
        bench.send(batches::spans(10)).await.unwrap();
    }
    bench.stop().await;
    assert_eq!(
        bench.dropped("partial_success"),
        3,
        "warnings and unreadable responses are successes"
    );
    assert_eq!(bench.account().delivered, 27);
    let labels = format!(
        "{{exporter=\"otlp_grpc\",server_address=\"127.0.0.1\",server_port=\"{}\"}}",
        server.port()
    );
    let metrics = bench.context.metrics.render();
    for line in [
        format!("otelcol_exporter_sent_spans{labels} 27"),
        format!("otelcol_exporter_send_failed_spans{labels} 3"),
    ] {
        assert!(metrics.contains(&line), "{line} not in\n{metrics}");
    }
}

#[tokio::test]
async fn without_a_queue_the_sender_gets_the_verdict() {
    let delay = Duration::from_secs(7);
    let server = Server::start([
        Err(Status::new(Code::Unavailable, "down").with_retry_delay(delay)),
        Err(Status::new(Code::InvalidArgument, "bad")),
    ])
    .await;
    let options = "sending_queue: {enabled: false}, retry_on_failure: {enabled: false}";
    let bench = start(&server, options, Signal::Metrics).await;
    let error = bench.send(batches::gauge("g", 1)).await.unwrap_err();
    assert_eq!(
        (error.code(), error.retry()),
        (Code::Unavailable, Retry::After(delay))
    );
    let error = bench.send(batches::gauge("g", 1)).await.unwrap_err();
    assert_eq!(
        (error.code(), error.retry()),
        (Code::InvalidArgument, Retry::Never)
    );
    bench.send(batches::gauge("g", 1)).await.unwrap();
    bench.stop().await;
    assert_eq!(bench.account().delivered, 1);
}

#[tokio::test]
async fn all_calls_share_one_connection() {
    let server = Server::start([]).await;
    let bench = start(&server, "", Signal::Metrics).await;
    for _ in 0..50 {
        bench.send(batches::gauge("g", 1)).await.unwrap();
    }
    bench.stop().await;
    let received = server.received();
    assert_eq!(received.len(), 50);
    assert!(received.iter().all(|call| call.peer == received[0].peer));
}

#[tokio::test]
async fn an_outage_is_ended_by_the_deadline() {
    let server = Server::start([]).await;
    let config = config(&server, FAST);
    server.stop().await;
    let bench = Bench::exporter(FACTORY, &config, Signal::Metrics);
    bench.start().await;
    bench.send(batches::gauge("g", 5)).await.unwrap();
    bench.shutdown(Duration::from_millis(300)).await.unwrap_err();
    bench.assert_balanced();
    assert_eq!(bench.dropped("shutdown"), 5);
}

#[tokio::test]
async fn a_silent_server_is_given_up_on() {
    // Takes connections and says nothing.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let yaml = format!(
        "{{endpoint: 'http://{}', timeout: 20ms, sending_queue: {{enabled: false}}, retry_on_failure: {{enabled: false}}}}",
        listener.local_addr().unwrap()
    );
    let bench = Bench::exporter(FACTORY, &contract::config(&FACTORY.meta, &yaml), Signal::Metrics);
    bench.start().await;
    let error = bench.send(batches::gauge("g", 1)).await.unwrap_err();
    assert_eq!(
        (error.code(), error.retry()),
        (Code::DeadlineExceeded, Retry::Later)
    );
    bench.stop().await;
}

#[tokio::test]
async fn unix_sockets_are_servers_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otlp.sock").display().to_string();
    let config = GrpcServer {
        endpoint: path.clone(),
        transport: "unix".to_owned(),
        ..GrpcServer::default()
    };
    let server = Server::with(config, []).await;
    let yaml = format!("{{endpoint: 'unix://{path}', tls: {{insecure: true}}}}");
    let bench = Bench::exporter(FACTORY, &contract::config(&FACTORY.meta, &yaml), Signal::Traces);
    bench.start().await;
    bench.send(batches::spans(2)).await.unwrap();
    bench.stop().await;
    assert_eq!(server.received().len(), 1);
    let metrics = bench.context.metrics.render();
    let line = format!("otelcol_exporter_sent_spans{{exporter=\"otlp_grpc\",server_address=\"{path}\"}} 2");
    assert!(metrics.contains(&line), "{line} not in\n{metrics}");
}

#[tokio::test]
async fn plaintext_needs_to_be_asked_for() {
    let server = Server::start([]).await;
    let yaml = format!(
        "{{endpoint: '{}', sending_queue: {{enabled: false}}, retry_on_failure: {{enabled: false}}}}",
        server.address()
    );
    let bench = Bench::exporter(FACTORY, &contract::config(&FACTORY.meta, &yaml), Signal::Metrics);
    bench.start().await;
    let error = bench.send(batches::gauge("g", 1)).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    bench.stop().await;
    assert_eq!(server.received().len(), 0);
}
