//! OTLP/HTTP: the table of answers.

use std::time::Duration;

use ::http::{Method, StatusCode};
use prost::Message;
use serde_json::{Value, json};
use weir_component::{Code, ConsumeError, Refusal, Retry};
use weir_net::Body;
use weir_net::compression::{Encoder, Encoding};
use weir_pdata::{Decoded, json};
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceResponse;
use weir_proto::otlp::collector::trace::v1::ExportTraceServiceResponse;
use weir_proto::rpc;
use weir_testkit::batches;

use super::running::{Answer, BOTH, JSON, PROTOBUF, bytes, start};

const ONLY_HTTP: &str = "{protocols: {http: {endpoint: '127.0.0.1:0'}}}";

fn as_json(batch: &weir_component::Batch) -> Vec<u8> {
    match batch.to_decoded().unwrap() {
        Decoded::Metrics(request) => json::encode(&request),
        Decoded::Traces(request) => json::encode(&request),
        Decoded::Logs(request) => json::encode(&request),
    }
}

/// Returns the code in the body of a failure, in either format.
fn code_in(answer: &Answer) -> Option<i64> {
    match answer.header("content-type") {
        "application/x-protobuf" => rpc::Status::decode(answer.body.clone())
            .ok()
            .map(|status| status.code.into()),
        "application/json" => serde_json::from_slice::<Value>(&answer.body).ok()?["code"].as_i64(),
        _ => None,
    }
}

#[tokio::test]
async fn requests_are_taken_in_both_formats() {
    let running = start(BOTH).await;
    let answer = running
        .post("/v1/metrics", &[PROTOBUF], bytes(&batches::gauge("g", 3)))
        .await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::OK, "application/x-protobuf")
    );
    assert!(answer.body.is_empty());
    let answer = running
        .post("/v1/traces", &[JSON], as_json(&batches::spans(2)))
        .await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::OK, "application/json")
    );
    assert_eq!(answer.body, r#"{"partialSuccess":{}}"#);
    let taken = running.sink.batches();
    assert_eq!(
        taken[0].to_decoded().unwrap(),
        batches::gauge("g", 3).to_decoded().unwrap()
    );
    assert_eq!(
        taken[1].to_decoded().unwrap(),
        batches::spans(2).to_decoded().unwrap()
    );
    let accepted = |name| running.own_metric(name, &[r#"receiver="otlp""#, r#"transport="http""#]);
    assert_eq!(accepted("otelcol_receiver_accepted_metric_points"), 3.0);
    assert_eq!(accepted("otelcol_receiver_accepted_spans"), 2.0);
    running.stop().await;
}

#[tokio::test]
async fn media_types_are_read_without_case_and_parameters() {
    let running = start(ONLY_HTTP).await;
    for media_type in ["Application/X-Protobuf", "application/x-protobuf; charset=utf-8"] {
        let answer = running
            .post(
                "/v1/metrics",
                &[("content-type", media_type)],
                bytes(&batches::gauge("g", 1)),
            )
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{media_type}");
    }
    for media_type in ["text/plain", "application/protobuf", "application/json+x", ""] {
        let answer = running
            .post(
                "/v1/metrics",
                &[("content-type", media_type)],
                bytes(&batches::gauge("g", 1)),
            )
            .await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{media_type}");
        assert_eq!(answer.header("content-type"), "text/plain");
    }
    let answer = running
        .post("/v1/metrics", &[], bytes(&batches::gauge("g", 1)))
        .await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn paths_match_exactly_and_only_with_a_pipeline() {
    let running =
        start("{protocols: {http: {endpoint: '127.0.0.1:0', metrics_url_path: custom/path}}}").await;
    for (path, status) in [
        ("/custom/path", StatusCode::OK),
        ("/v1/metrics", StatusCode::NOT_FOUND),
        ("/v1/traces", StatusCode::OK),
        ("/v1/traces/", StatusCode::NOT_FOUND),
        ("/V1/traces", StatusCode::NOT_FOUND),
        ("/v1/traces?x=1", StatusCode::OK),
        ("/v1/logs", StatusCode::NOT_FOUND),
        ("/", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(running.post(path, &[PROTOBUF], "").await.status, status, "{path}");
    }
}

#[tokio::test]
async fn only_post_is_served() {
    let running = start(ONLY_HTTP).await;
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let answer = running
            .send(method.clone(), "/v1/metrics", &[PROTOBUF], Body::empty())
            .await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (StatusCode::METHOD_NOT_ALLOWED, "POST"),
            "{method}"
        );
    }
}

#[tokio::test]
async fn all_content_encodings_are_read() {
    let running = start(ONLY_HTTP).await;
    let (protobuf, json) = (bytes(&batches::gauge("g", 50)), as_json(&batches::gauge("g", 50)));
    for encoding in Encoding::ALL {
        for (media_type, plain) in [(PROTOBUF, protobuf.to_vec()), (JSON, json.clone())] {
            let mut body = Vec::new();
            Encoder::new(encoding, 0).encode(&plain, &mut body).unwrap();
            let answer = running
                .post(
                    "/v1/metrics",
                    &[media_type, ("content-encoding", encoding.as_str())],
                    body,
                )
                .await;
            assert_eq!(answer.status, StatusCode::OK, "{encoding} {media_type:?}");
        }
    }
    assert_eq!(running.sink.items(), Encoding::ALL.len() * 2 * 50);
}

#[tokio::test]
async fn what_cannot_be_read_is_answered_in_the_format_of_the_request() {
    let running = start(ONLY_HTTP).await;
    for (headers, body) in [
        (&[][..], &b"\x0a\xff"[..]),
        (&[("content-encoding", "gzip")], b"no gzip"),
        (&[("content-encoding", "br")], b""),
    ] {
        for format in [PROTOBUF, JSON] {
            let headers: Vec<_> = [format].iter().chain(headers).copied().collect();
            let answer = running.post("/v1/metrics", &headers, body).await;
            assert_eq!(
                (answer.status, code_in(&answer)),
                (StatusCode::BAD_REQUEST, Some(3)),
                "{headers:?}"
            );
            assert_eq!(answer.header("retry-after"), "");
        }
    }
    assert_eq!(running.sink.calls(), 0);
    assert_eq!(
        running.own_metric("weir_receiver_refused_requests_total", &[r#"reason="malformed""#]),
        6.0
    );
}

#[tokio::test]
async fn large_bodies_are_refused_however_they_come() {
    let running = start("{protocols: {http: {endpoint: '127.0.0.1:0', max_request_body_size: 1000}}}").await;
    let mut zipped = Vec::new();
    Encoder::new(Encoding::Gzip, 0)
        .encode(&[0; 100_000], &mut zipped)
        .unwrap();
    assert!(zipped.len() < 1_000);
    for (what, headers, body) in [
        ("announced", &[PROTOBUF][..], vec![0; 1_001]),
        ("decompressed", &[PROTOBUF, ("content-encoding", "gzip")], zipped),
        ("JSON", &[JSON], vec![b' '; 1_001]),
    ] {
        let answer = running.post("/v1/metrics", headers, body).await;
        assert_eq!(
            (answer.status, code_in(&answer)),
            (StatusCode::PAYLOAD_TOO_LARGE, Some(3)),
            "{what}"
        );
    }
    let chunked = Body::from_chunks([vec![0; 600].into(), vec![0; 600].into()]);
    let answer = running
        .send(
            Method::POST,
            "/v1/metrics",
            &[PROTOBUF, ("transfer-encoding", "chunked")],
            chunked,
        )
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "chunked");
    assert_eq!(
        running.own_metric("weir_receiver_refused_requests_total", &[r#"reason="too_large""#]),
        4.0
    );
}

#[tokio::test]
async fn errors_of_the_pipelines_follow_the_table() {
    let running = start(ONLY_HTTP).await;
    for (error, status, retry_after) in [
        (ConsumeError::malformed("bad"), 400, ""),
        (ConsumeError::permanent("no"), 500, ""),
        (ConsumeError::unavailable("later"), 503, ""),
        (
            ConsumeError::overloaded("full", Duration::from_millis(1_500)),
            503,
            "2",
        ),
        (ConsumeError::shutting_down(), 503, ""),
        (
            ConsumeError::new(Code::ResourceExhausted, "full").with_retry(Retry::Later),
            429,
            "",
        ),
        (
            ConsumeError::new(Code::ResourceExhausted, "full").retry_after(Duration::from_secs(7)),
            429,
            "7",
        ),
        (ConsumeError::new(Code::Unauthenticated, "who"), 401, ""),
        (ConsumeError::new(Code::PermissionDenied, "no"), 403, ""),
        (ConsumeError::new(Code::Unimplemented, "what"), 404, ""),
        (ConsumeError::new(Code::DeadlineExceeded, "slow"), 503, ""),
        (ConsumeError::new(Code::Unknown, "?"), 500, ""),
    ] {
        for (format, body) in [
            (PROTOBUF, bytes(&batches::gauge("g", 2)).to_vec()),
            (JSON, as_json(&batches::gauge("g", 2))),
        ] {
            running.sink.answer_next([Err(error.clone())]);
            let answer = running.post("/v1/metrics", &[format], body).await;
            assert_eq!(answer.status, status, "{error:?}");
            assert_eq!(answer.header("retry-after"), retry_after, "{error:?}");
            assert_eq!(code_in(&answer), Some(error.code().grpc().into()), "{error:?}");
        }
    }
    assert_eq!(
        running.own_metric("otelcol_receiver_accepted_metric_points", &[]),
        0.0
    );
    let lost = running.own_metric("otelcol_receiver_failed_metric_points", &[]);
    assert_eq!(
        running.own_metric("otelcol_receiver_refused_metric_points", &[]) + lost,
        48.0
    );
}

#[tokio::test]
async fn retry_info_is_in_the_body_too() {
    let running = start(ONLY_HTTP).await;
    running
        .sink
        .refuse(ConsumeError::overloaded("full", Duration::from_millis(1_500)));
    let answer = running
        .post("/v1/metrics", &[JSON], as_json(&batches::gauge("g", 1)))
        .await;
    let expected = json!({"code": 14, "message": "full", "details":
        [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"}]});
    assert_eq!(serde_json::from_slice::<Value>(&answer.body).unwrap(), expected);
    let answer = running
        .post("/v1/metrics", &[PROTOBUF], bytes(&batches::gauge("g", 1)))
        .await;
    let status = rpc::Status::decode(answer.body).unwrap();
    assert_eq!(status.details[0].type_url, rpc::RETRY_INFO_TYPE_URL);
}

#[tokio::test]
async fn a_request_taken_in_part_is_a_success_that_says_so() {
    let running = start(ONLY_HTTP).await;
    let refusals = vec![
        Refusal {
            reason: "too_old",
            items: 2,
        },
        Refusal {
            reason: "too_new",
            items: 1,
        },
    ];
    running.sink.refuse(ConsumeError::partial(refusals, "bad times"));
    let answer = running
        .post("/v1/metrics", &[PROTOBUF], bytes(&batches::gauge("g", 5)))
        .await;
    let partial = ExportMetricsServiceResponse::decode(answer.body)
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        (partial.rejected_data_points, partial.error_message.as_str()),
        (3, "bad times")
    );
    let answer = running
        .post("/v1/traces", &[JSON], as_json(&batches::spans(5)))
        .await;
    let partial = json::decode::<ExportTraceServiceResponse>(&answer.body)
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(
        (partial.rejected_spans, partial.error_message.as_str()),
        (3, "bad times")
    );
    assert_eq!(running.own_metric("otelcol_receiver_accepted_spans", &[]), 2.0);
    assert_eq!(running.own_metric("otelcol_receiver_refused_spans", &[]), 3.0);
}

#[tokio::test]
async fn an_empty_request_is_a_success_without_the_pipeline() {
    let running = start(ONLY_HTTP).await;
    for (format, body) in [(PROTOBUF, ""), (JSON, "{}"), (PROTOBUF, "\n\0")] {
        assert_eq!(
            running.post("/v1/metrics", &[format], body).await.status,
            StatusCode::OK,
            "{format:?}"
        );
    }
    assert_eq!(running.sink.calls(), 0);
}

#[tokio::test]
async fn large_json_is_read_off_the_reactor() {
    let running = start(ONLY_HTTP).await;
    let batch = batches::gauge("g", 5_000);
    let body = as_json(&batch);
    assert!(body.len() > 64 * 1024);
    assert_eq!(
        running.post("/v1/metrics", &[JSON], body).await.status,
        StatusCode::OK
    );
    assert_eq!(
        running.sink.batches()[0].to_decoded().unwrap(),
        batch.to_decoded().unwrap()
    );
    let mut broken = as_json(&batch);
    broken.pop();
    assert_eq!(
        running.post("/v1/metrics", &[JSON], broken).await.status,
        StatusCode::BAD_REQUEST
    );
}
