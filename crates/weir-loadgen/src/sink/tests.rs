//! Remote write into the sink over loopback.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use tokio::net::TcpStream;
use weir_proto::prometheus::{v1, v2};

use super::*;
use crate::check::{Level, Rule};
use crate::count::{count_write_v1, count_write_v2};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const V2: &str = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

async fn post(sink: &Sink, content_type: &str, version: &str, body: Vec<u8>, http2: bool) -> Response<Bytes> {
    let stream = TokioIo::new(TcpStream::connect(sink.address()).await.unwrap());
    let request = Request::post(sink.remote_write_url())
        .header("host", "sink")
        .header("content-type", content_type)
        .header("content-encoding", "snappy")
        .header("user-agent", "test/1")
        .header("x-prometheus-remote-write-version", version)
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    let response = if http2 {
        let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
            .await
            .unwrap();
        tasks.spawn(connection);
        sender.send_request(request).await.unwrap()
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tasks.spawn(connection);
        sender.send_request(request).await.unwrap()
    };
    let (parts, body) = response.into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

fn snappy(message: &impl prost::Message) -> Vec<u8> {
    snap::raw::Encoder::new()
        .compress_vec(&message.encode_to_vec())
        .unwrap()
}

fn write_v1() -> v1::WriteRequest {
    let series = |name: &str, samples| v1::TimeSeries {
        labels: vec![v1::Label {
            name: "__name__".into(),
            value: name.into(),
        }],
        samples: (1..=samples)
            .map(|time| v1::Sample {
                value: 1.0,
                timestamp: time,
            })
            .collect(),
        ..Default::default()
    };
    v1::WriteRequest {
        timeseries: vec![series("up", 3), series("target_info", 2)],
        ..Default::default()
    }
}

fn write_v2() -> v2::Request {
    let metadata = Some(v2::Metadata {
        r#type: 2,
        ..Default::default()
    });
    let series = |value, samples| v2::TimeSeries {
        labels_refs: vec![1, value],
        samples: (1..=samples)
            .map(|timestamp| v2::Sample {
                value: 1.0,
                timestamp,
                ..Default::default()
            })
            .collect(),
        metadata,
        ..Default::default()
    };
    let mut histogram = series(4, 0);
    histogram.histograms.push(v2::Histogram {
        timestamp: 1,
        count: Some(v2::histogram::Count::CountInt(0)),
        zero_count: Some(v2::histogram::ZeroCount::ZeroCountInt(0)),
        ..Default::default()
    });
    let symbols = ["", "__name__", "up", "target_info", "native"]
        .map(String::from)
        .to_vec();
    v2::Request {
        symbols,
        timeseries: vec![series(2, 3), series(3, 2), histogram],
    }
}

#[tokio::test]
async fn both_versions_are_told_apart_and_counted_over_http1_and_http2() {
    let sink = Sink::start(
        ANY,
        Options {
            mode: Mode::Check,
            ..Options::default()
        },
    )
    .await
    .unwrap();
    for http2 in [false, true] {
        let response = post(
            &sink,
            "application/x-protobuf",
            "0.1.0",
            snappy(&write_v1()),
            http2,
        )
        .await;
        assert_eq!(response.status(), 204);
        let response = post(&sink, V2, "2.0.0", snappy(&write_v2()), http2).await;
        assert_eq!(response.status(), 204);
        assert_eq!(
            response.headers()["x-prometheus-remote-write-samples-written"],
            "5"
        );
        assert_eq!(
            response.headers()["x-prometheus-remote-write-histograms-written"],
            "1"
        );
        assert_eq!(
            response.headers()["x-prometheus-remote-write-exemplars-written"],
            "0"
        );
    }
    let counts = sink.counts();
    assert_eq!((counts.requests, counts.v2_requests), (4, 2));
    assert_eq!((counts.written.series, counts.written.samples), (10, 20));
    assert_eq!((counts.written.histograms, counts.written.info_samples), (2, 8));
    sink.stop().await;
}

#[test]
fn counting_walks_agree_with_decoding() {
    let written = count_write_v1(&write_v1().encode_to_vec()).unwrap();
    assert_eq!((written.series, written.samples, written.info_samples), (2, 5, 2));
    let written = count_write_v2(&write_v2().encode_to_vec()).unwrap();
    assert_eq!((written.series, written.samples, written.info_samples), (3, 5, 2));
}

#[tokio::test]
async fn headers_and_compression_are_checked() {
    let sink = Sink::start(
        ANY,
        Options {
            mode: Mode::Check,
            ..Options::default()
        },
    )
    .await
    .unwrap();
    post(&sink, V2, "0.1.0", snappy(&write_v2()), false).await;
    let framed = b"\xff\x06\x00\x00sNaPpY".to_vec();
    let response = post(&sink, "application/x-protobuf", "0.1.0", framed, false).await;
    assert_eq!(response.status(), 400);
    let garbage = snap::raw::Encoder::new().compress_vec(b"\xff\xff\xff").unwrap();
    let response = post(&sink, "application/x-protobuf", "0.1.0", garbage, false).await;
    assert_eq!(response.status(), 400);
    let violations = sink.findings().violations;
    assert_eq!(violations.of(Rule::VersionHeader), 1);
    assert!(violations.of(Rule::SnappyBlock) >= 1);
    assert_eq!(sink.counts().damaged, 2);
    assert_eq!(sink.counts().requests, 1);
}

#[tokio::test]
async fn injected_errors_leave_no_trace_in_the_counts() {
    let options = Options {
        error_every: 1,
        error_status: 429,
        ..Options::default()
    };
    let sink = Sink::start(ANY, options).await.unwrap();
    let response = post(&sink, V2, "2.0.0", snappy(&write_v2()), false).await;
    assert_eq!(response.status(), 429);
    assert_eq!(
        response.headers()["x-prometheus-remote-write-samples-written"],
        "0"
    );
    assert_eq!(
        sink.counts(),
        Counts {
            injected: 1,
            ..Counts::default()
        }
    );
    assert_eq!(sink.findings().violations.count(Level::Must), 0);
}

#[tokio::test]
async fn a_status_that_is_no_refusal_is_an_error() {
    assert!(
        Sink::start(
            ANY,
            Options {
                error_status: 200,
                ..Options::default()
            }
        )
        .await
        .is_err()
    );
}

#[tokio::test]
async fn a_discarding_sink_counts_bytes_of_1_0_and_everything_of_2_0() {
    let sink = Sink::start(
        ANY,
        Options {
            mode: Mode::Discard,
            ..Options::default()
        },
    )
    .await
    .unwrap();
    post(
        &sink,
        "application/x-protobuf",
        "0.1.0",
        b"anything".to_vec(),
        false,
    )
    .await;
    assert_eq!(
        sink.counts(),
        Counts {
            requests: 1,
            bytes: 8,
            ..Counts::default()
        }
    );
    post(&sink, V2, "2.0.0", snappy(&write_v2()), false).await;
    assert_eq!(sink.counts().written.samples, 5);
}
