//! OTLP/gRPC.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use weir_component::{ConsumeError, Refusal, Retry, Signal};
use weir_net::compression::Encoding;
use weir_net::grpc::{ClientCall, Code};
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceResponse;
use weir_testkit::batches;

use super::running::{BOTH, bytes, method, start};

#[tokio::test]
async fn requests_are_taken() {
    let running = start("{protocols: {grpc: {endpoint: '127.0.0.1:0'}}}").await;
    let reply = running
        .export(Signal::Metrics, bytes(&batches::gauge("g", 3)))
        .await
        .unwrap();
    assert!(reply.message.is_empty());
    running
        .export(Signal::Traces, bytes(&batches::spans(2)))
        .await
        .unwrap();
    let taken = running.sink.batches();
    assert_eq!(
        taken[0].to_wire(),
        batches::gauge("g", 3).to_wire(),
        "not a byte is changed"
    );
    assert_eq!(taken[1].to_wire(), batches::spans(2).to_wire());
    assert_eq!(
        running.own_metric("otelcol_receiver_accepted_spans", &[r#"transport="grpc""#]),
        2.0
    );
    running.stop().await;
}

#[tokio::test]
async fn all_encodings_are_read() {
    let running = start(BOTH).await;
    for encoding in [
        Encoding::Identity,
        Encoding::Gzip,
        Encoding::Zstd,
        Encoding::Snappy,
    ] {
        let call = ClientCall::new(method(Signal::Metrics), bytes(&batches::gauge("g", 50)));
        running
            .client()
            .with_compression(encoding)
            .unary(call)
            .await
            .unwrap_or_else(|status| panic!("{encoding}: {status}"));
    }
    assert_eq!(running.sink.items(), 200);
}

#[tokio::test]
async fn what_nobody_serves_is_unimplemented() {
    let running = start(BOTH).await;
    let status = running
        .export(Signal::Logs, bytes(&batches::logs(1)))
        .await
        .unwrap_err();
    assert_eq!(status.code, Code::Unimplemented);
    for path in [
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Other",
        "/v1/metrics",
    ] {
        let call = ClientCall::new(path.parse().unwrap(), Bytes::new());
        assert_eq!(
            running.client().unary(call).await.unwrap_err().code,
            Code::Unimplemented,
            "{path}"
        );
    }
}

#[tokio::test]
async fn malformed_and_large_messages_are_refused() {
    let running = start("{protocols: {grpc: {endpoint: '127.0.0.1:0', max_recv_msg_size_mib: 1}}}").await;
    let status = running
        .export(Signal::Metrics, &b"\x0a\xff"[..])
        .await
        .unwrap_err();
    assert_eq!(status.code, Code::InvalidArgument);
    assert_eq!(
        running.own_metric("weir_receiver_refused_requests_total", &[r#"reason="malformed""#]),
        1.0
    );
    let large = vec![0; (1 << 20) + 1];
    let status = running.export(Signal::Metrics, large.clone()).await.unwrap_err();
    assert_eq!(
        (status.code, status.retry_delay()),
        (Code::ResourceExhausted, None),
        "which no client sends again"
    );
    let call = ClientCall::new(method(Signal::Metrics), large);
    let status = running
        .client()
        .with_compression(Encoding::Gzip)
        .unary(call)
        .await
        .unwrap_err();
    assert_eq!(status.code, Code::ResourceExhausted, "decompressed");
    assert_eq!(running.sink.calls(), 0);
}

#[tokio::test]
async fn errors_of_the_pipelines_follow_the_table() {
    let running = start(BOTH).await;
    let delay = Duration::from_millis(1_500);
    for (error, code, retry) in [
        (ConsumeError::malformed("bad"), Code::InvalidArgument, None),
        (ConsumeError::permanent("no"), Code::Internal, None),
        (ConsumeError::unavailable("later"), Code::Unavailable, None),
        (
            ConsumeError::overloaded("full", delay),
            Code::Unavailable,
            Some(delay),
        ),
        (
            ConsumeError::new(Code::ResourceExhausted, "full").with_retry(Retry::After(delay)),
            Code::ResourceExhausted,
            Some(delay),
        ),
        (
            ConsumeError::new(Code::PermissionDenied, "no"),
            Code::PermissionDenied,
            None,
        ),
    ] {
        running.sink.answer_next([Err(error.clone())]);
        let status = running
            .export(Signal::Metrics, bytes(&batches::gauge("g", 2)))
            .await
            .unwrap_err();
        assert_eq!((status.code, status.retry_delay()), (code, retry), "{error:?}");
        assert_eq!(status.message, error.to_string());
    }
}

#[tokio::test]
async fn a_request_taken_in_part_is_a_success_that_says_so() {
    let running = start(BOTH).await;
    running.sink.refuse(ConsumeError::partial(
        vec![Refusal {
            reason: "too_old",
            items: 2,
        }],
        "bad times",
    ));
    let reply = running
        .export(Signal::Metrics, bytes(&batches::gauge("g", 5)))
        .await
        .unwrap();
    let partial = ExportMetricsServiceResponse::decode(reply.message)
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(
        (partial.rejected_data_points, partial.error_message.as_str()),
        (2, "bad times")
    );
}

#[tokio::test]
async fn an_empty_request_is_a_success_without_the_pipeline() {
    let running = start(BOTH).await;
    running.export(Signal::Metrics, Bytes::new()).await.unwrap();
    assert_eq!(running.sink.calls(), 0);
}
