//! From start to drained shutdown.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::StatusCode;
use futures_util::FutureExt;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use weir_component::{Component, Host, Signal};
use weir_testkit::{Sink, batches};

use super::running::{BOTH, PROTOBUF, build, bytes, context, soon, start};

#[tokio::test]
async fn requests_are_answered_when_the_pipeline_has_answered() {
    let running = start(BOTH).await;
    running.sink.hold();
    let body = bytes(&batches::gauge("g", 2));
    let mut http = Box::pin(running.post("/v1/metrics", &[PROTOBUF], body.clone()));
    let mut grpc = Box::pin(running.export(Signal::Metrics, body));
    tokio::select! {
        answer = &mut http => panic!("answered too early: {answer:?}"),
        answer = &mut grpc => panic!("answered too early: {answer:?}"),
        () = running.sink.wait_for_calls(2) => {}
    }
    assert!(http.as_mut().now_or_never().is_none() && grpc.as_mut().now_or_never().is_none());
    running.sink.release();
    assert_eq!(http.await.status, StatusCode::OK);
    grpc.await.unwrap();
}

#[tokio::test]
async fn shutdown_answers_the_requests_in_flight() {
    let running = start(BOTH).await;
    running.sink.hold();
    let body = bytes(&batches::gauge("g", 2));
    let requests = async {
        tokio::join!(
            running.post("/v1/metrics", &[PROTOBUF], body.clone()),
            running.export(Signal::Metrics, body.clone())
        )
    };
    let stopping = async {
        running.sink.wait_for_calls(2).await;
        let shutdown = running.receiver.shutdown(soon());
        let release = async {
            for address in [running.http_address(), running.grpc_address()] {
                while TcpStream::connect(address).await.is_ok() {
                    tokio::task::yield_now().await;
                }
            }
            running.sink.release();
        };
        tokio::join!(shutdown, release).0
    };
    let ((http, grpc), stopped) = tokio::join!(requests, stopping);
    assert_eq!(http.status, StatusCode::OK);
    grpc.unwrap();
    stopped.unwrap();
    assert_eq!(running.sink.items(), 4);
}

#[tokio::test]
async fn shutdown_ends_at_the_deadline_and_says_what_is_left() {
    let running = start(BOTH).await;
    running.sink.hold();
    let request = running.export(Signal::Metrics, bytes(&batches::gauge("g", 2)));
    let stopping = async {
        running.sink.wait_for_calls(1).await;
        running
            .receiver
            .shutdown(Instant::now() + Duration::from_millis(50))
            .await
    };
    let (answer, stopped) = tokio::join!(request, stopping);
    assert!(answer.is_err());
    let error = stopped.unwrap_err().to_string();
    assert!(error.ends_with("1 batches were still on their way"), "{error}");
    running.sink.release();
    running.sink.wait_for_items(2).await;
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_take_its_data_with_it() {
    let running = start(BOTH).await;
    running.sink.hold();
    let body = bytes(&batches::gauge("g", 2));
    let mut stream = TcpStream::connect(running.http_address()).await.unwrap();
    let head = "POST /v1/metrics HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n";
    stream
        .write_all(format!("{head}content-length: {}\r\n\r\n", body.len()).as_bytes())
        .await
        .unwrap();
    stream.write_all(&body).await.unwrap();
    running.sink.wait_for_calls(1).await;
    drop(stream);
    let mut grpc = Box::pin(running.export(Signal::Metrics, body));
    tokio::select! {
        answer = &mut grpc => panic!("{answer:?}"),
        () = running.sink.wait_for_calls(2) => {}
    }
    drop(grpc);
    running.sink.release();
    running.sink.wait_for_items(4).await;
    running.stop().await;
    assert_eq!(
        running.own_metric("otelcol_receiver_accepted_metric_points", &[]),
        4.0
    );
}

#[tokio::test]
async fn a_client_that_goes_away_while_sending_leaves_nothing_behind() {
    let running = start(BOTH).await;
    let mut stream = TcpStream::connect(running.http_address()).await.unwrap();
    let head = "POST /v1/metrics HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 1000\r\n\r\nhalf";
    stream.write_all(head.as_bytes()).await.unwrap();
    while running.context.budget.used() == 0 {
        tokio::task::yield_now().await;
    }
    drop(stream);
    while running.context.budget.used() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(running.sink.calls(), 0);
    running.stop().await;
}

#[tokio::test]
async fn a_receiver_that_cannot_start_has_not_begun() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let yaml =
        format!("{{protocols: {{grpc: {{endpoint: '127.0.0.1:0'}}, http: {{endpoint: '{address}'}}}}}}");
    let receiver = build(&yaml, &context(), &Sink::new());
    let error = Arc::clone(&receiver).start(&Host::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot serve OTLP");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains(&address.to_string()), "{cause}");
    assert!(receiver.local_addresses().is_empty());
}

#[tokio::test]
async fn a_receiver_stops_without_having_served() {
    for _ in 0..2 {
        start(BOTH).await.stop().await;
    }
}
