//! What is taken in, what travels with it.

use ::http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use weir_component::{Code, MemoryBudget, Signal};
use weir_net::grpc::ClientCall;
use weir_testkit::batches;

use super::running::{BOTH, PROTOBUF, bytes, method, start, start_with};

#[tokio::test]
async fn a_body_beyond_the_budget_is_refused_before_it_is_read() {
    let running = start_with(BOTH, MemoryBudget::new(1_000)).await;
    let mut stream = TcpStream::connect(running.http_address()).await.unwrap();
    // The body is announced and never sent.
    let head = "POST /v1/metrics HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 1001\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    while !answer.contains("\r\n\r\n") {
        let mut part = [0; 1024];
        let length = stream.read(&mut part).await.unwrap();
        assert!(length > 0, "closed after {answer}");
        answer += &String::from_utf8_lossy(&part[..length]);
    }
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.to_lowercase().contains("retry-after: 1\r\n"), "{answer}");
    let status = running.export(Signal::Metrics, vec![0; 1_001]).await.unwrap_err();
    assert_eq!(
        (status.code, status.retry_delay().map(|delay| delay.as_secs())),
        (Code::Unavailable, Some(1))
    );
    for transport in [r#"transport="http""#, r#"transport="grpc""#] {
        let refused = running.own_metric(
            "weir_receiver_refused_requests_total",
            &[transport, r#"reason="memory""#],
        );
        assert_eq!(refused, 1.0, "{transport}");
    }
    assert_eq!((running.context.budget.used(), running.sink.calls()), (0, 0));
    running
        .export(Signal::Metrics, bytes(&batches::gauge("g", 1)))
        .await
        .expect("small ones are still taken");
}

#[tokio::test]
async fn a_request_holds_its_bytes_until_its_data_is_gone() {
    let running = start_with(BOTH, MemoryBudget::new(100_000)).await;
    let body = bytes(&batches::gauge("g", 10));
    running.post("/v1/metrics", &[PROTOBUF], body.clone()).await;
    running.export(Signal::Metrics, body.clone()).await.unwrap();
    assert_eq!(
        running.context.budget.used(),
        2 * body.len() as u64,
        "the sink has both"
    );
    assert!(
        running
            .sink
            .batches()
            .iter()
            .all(weir_component::Batch::has_permit)
    );
    running.post("/v1/metrics", &[PROTOBUF], "").await;
    running.post("/v1/metrics", &[PROTOBUF], "\u{1}").await;
    assert_eq!(
        running.context.budget.used(),
        2 * body.len() as u64,
        "nobody has the others"
    );
    running.stop().await;
    let budget = running.context.budget.clone();
    drop(running);
    assert_eq!(budget.used(), 0);
}

#[tokio::test]
async fn a_body_of_unknown_length_takes_what_it_may_need() {
    let yaml = "{protocols: {http: {endpoint: '127.0.0.1:0', max_request_body_size: 5000}}}";
    let body =
        || weir_net::Body::from_chunks([bytes(&batches::gauge("g", 1)), bytes(&batches::gauge("g", 1))]);
    let chunked = [PROTOBUF, ("transfer-encoding", "chunked")];
    for (limit, status) in [(4_999, StatusCode::SERVICE_UNAVAILABLE), (5_000, StatusCode::OK)] {
        let running = start_with(yaml, MemoryBudget::new(limit)).await;
        let answer = running
            .send(::http::Method::POST, "/v1/metrics", &chunked, body())
            .await;
        assert_eq!(answer.status, status, "{limit}");
        let kept: usize = running
            .sink
            .batches()
            .iter()
            .map(weir_component::Batch::bytes)
            .sum();
        assert_eq!(
            running.context.budget.used(),
            kept as u64,
            "what was not needed is returned"
        );
    }
}

#[tokio::test]
async fn the_sender_is_known_and_its_headers_only_if_wanted() {
    let wanted = "{protocols: {grpc: {endpoint: '127.0.0.1:0', include_metadata: true},
        http: {endpoint: '127.0.0.1:0', include_metadata: true}}}";
    for (yaml, included) in [(BOTH, false), (wanted, true)] {
        let running = start(yaml).await;
        let headers = [PROTOBUF, ("X-Tenant", "a"), ("x-tenant", "b")];
        running
            .post("/v1/metrics", &headers, bytes(&batches::gauge("g", 1)))
            .await;
        let mut call = ClientCall::new(method(Signal::Metrics), bytes(&batches::gauge("g", 1)));
        for (name, value) in &headers[1..] {
            call.metadata.append(
                name.to_lowercase().parse::<::http::HeaderName>().unwrap(),
                value.parse().unwrap(),
            );
        }
        call.timeout = Some(std::time::Duration::from_secs(20));
        running.client().unary(call).await.unwrap();
        for batch in running.sink.batches() {
            let context = batch.context();
            assert!(context.peer.is_some_and(|peer| peer.ip().is_loopback()));
            assert_eq!(
                context.metadata.get("x-tenant").cloned(),
                included.then(|| vec!["a".to_owned(), "b".to_owned()])
            );
            assert_eq!(context.metadata.contains_key("host"), included);
        }
        let deadlines: Vec<_> = running
            .sink
            .batches()
            .iter()
            .map(|batch| batch.context().deadline.is_some())
            .collect();
        assert_eq!(
            deadlines,
            [false, true],
            "gRPC says when the sender stops waiting"
        );
    }
}
