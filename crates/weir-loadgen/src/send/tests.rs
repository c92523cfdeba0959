//! Senders against sinks over loopback.

use std::net::{Ipv4Addr, SocketAddr};

use super::*;
use crate::check::{Level, Rule, compare};
use crate::sink::{self, Mode, Sink};
use crate::workload::{Payload, Temporality};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn small() -> Spec {
    Spec {
        points: 80,
        series: 800,
        ..Spec::default()
    }
}

async fn run(spec: &Spec, options: &Options, points: u64, sink: &Sink) -> SendReport {
    let limit = Limit {
        points: Some(points),
        time: None,
    };
    let load = Load::start(spec, options, limit, &sink.address().to_string()).unwrap();
    load.finish().await
}

async fn check(spec: Spec, options: Options) {
    let sink = Sink::start(
        ANY,
        sink::Options {
            mode: Mode::Check,
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let report = run(&spec, &options, 4000, &sink).await;
    assert!(report.is_exact(), "{report:?}");
    assert!(report.totals.points.total() >= 4000);
    assert_eq!(report.reading.latency.count(), report.reading.requests);
    let counts = sink.counts();
    assert_eq!(counts.points, report.totals.points);
    assert_eq!(counts.requests, report.reading.requests);
    let findings = sink.findings();
    assert_eq!(
        findings.violations.count(Level::Must),
        0,
        "{}",
        findings.violations
    );
    assert_eq!(findings.series.len() as u64, report.totals.series);
    assert_eq!(compare(&report.totals, &counts, Some(&findings.series)), []);
    sink.stop().await;
}

#[tokio::test]
async fn all_points_arrive_in_order_over_each_protocol_and_compression() {
    for protocol in [Protocol::OtlpGrpc, Protocol::OtlpHttp] {
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            check(
                small(),
                Options {
                    protocol,
                    compression,
                    in_flight: 3,
                    ..Options::default()
                },
            )
            .await;
        }
    }
}

#[tokio::test]
async fn delta_and_churn_arrive_with_their_totals() {
    check(
        Spec {
            temporality: Temporality::Delta,
            ..small()
        },
        Options::default(),
    )
    .await;
    check(
        Spec {
            churn: 1.0,
            payload: Payload::Uniq10,
            ..small()
        },
        Options::default(),
    )
    .await;
}

#[tokio::test]
async fn open_loop_keeps_its_rate() {
    let sink = Sink::start(ANY, sink::Options::default()).await.unwrap();
    let options = Options {
        rate: Some(8000.0),
        ..Options::default()
    };
    let report = run(&small(), &options, 2400, &sink).await;
    assert!(report.is_exact());
    // 30 requests at 100 per second: the last one is due 0.29 s after the first.
    assert!(
        report.elapsed >= Duration::from_millis(280),
        "{:?}",
        report.elapsed
    );
}

#[tokio::test]
async fn refused_requests_are_tried_again_and_arrive_once() {
    for protocol in [Protocol::OtlpGrpc, Protocol::OtlpHttp] {
        let faults = sink::Options {
            mode: Mode::Check,
            error_every: 7,
            ..Default::default()
        };
        let sink = Sink::start(ANY, faults).await.unwrap();
        let report = run(
            &small(),
            &Options {
                protocol,
                ..Options::default()
            },
            1600,
            &sink,
        )
        .await;
        assert!(report.is_exact(), "{report:?}");
        assert!(report.reading.retries > 0);
        assert_eq!(sink.counts().injected, report.reading.retries);
        let findings = sink.findings();
        assert_eq!(findings.violations.of(Rule::OutOfOrder), 0);
        assert_eq!(
            compare(&report.totals, &sink.counts(), Some(&findings.series)),
            []
        );
    }
}

#[tokio::test]
async fn permanent_refusals_are_counted_and_not_tried_again() {
    let faults = sink::Options {
        error_every: 2,
        error_status: 400,
        ..Default::default()
    };
    let sink = Sink::start(ANY, faults).await.unwrap();
    let report = run(&small(), &Options::default(), 1600, &sink).await;
    assert_eq!(report.reading.retries, 0);
    assert_eq!(
        report.reading.acknowledged + report.reading.refused,
        report.totals.points.total()
    );
    assert_eq!(report.reading.refused, 800);
    assert_eq!(report.failures, [("gRPC status 3: injected".to_owned(), 10)]);
    assert_eq!(sink.counts().points.total(), 800);
}

#[tokio::test]
async fn silence_is_ended_by_the_time_limit_of_an_attempt() {
    for protocol in [Protocol::OtlpGrpc, Protocol::OtlpHttp] {
        let faults = sink::Options {
            hang_every: 5,
            ..Default::default()
        };
        let sink = Sink::start(ANY, faults).await.unwrap();
        let timeout = Duration::from_millis(300);
        let options = Options {
            protocol,
            timeout,
            connections: 1,
            in_flight: 1,
            ..Options::default()
        };
        let report = run(&small(), &options, 480, &sink).await;
        assert!(report.is_exact(), "{report:?}");
        assert_eq!(
            report.failures,
            [("no answer in time".to_owned(), report.reading.retries)]
        );
        assert!(report.reading.retries > 0);
    }
}

#[tokio::test]
async fn a_load_without_a_limit_ends_when_stopped() {
    let sink = Sink::start(ANY, sink::Options::default()).await.unwrap();
    let load = Load::start(
        &small(),
        &Options::default(),
        Limit::default(),
        &sink.address().to_string(),
    )
    .unwrap();
    while load.meter().read().acknowledged < 400 {
        tokio::task::yield_now().await;
    }
    let report = load.stop().await;
    assert!(report.is_exact());
    assert_eq!(sink.counts().points, report.totals.points);
}

#[tokio::test]
async fn nobody_listening_refuses_everything_after_the_attempts() {
    let sink = Sink::start(ANY, sink::Options::default()).await.unwrap();
    let address = sink.address().to_string();
    sink.stop().await;
    let options = Options {
        attempts: 2,
        connections: 1,
        in_flight: 1,
        ..Options::default()
    };
    let limit = Limit {
        points: Some(80),
        time: None,
    };
    let report = Load::start(&small(), &options, limit, &address)
        .unwrap()
        .finish()
        .await;
    assert_eq!((report.reading.acknowledged, report.reading.refused), (0, 80));
    assert!(
        report.failures[0].0.starts_with("cannot connect"),
        "{:?}",
        report.failures
    );
}

#[test]
fn options_out_of_bounds_are_named() {
    let error = Options {
        connections: 0,
        ..Options::default()
    }
    .validate()
    .unwrap_err();
    assert_eq!(error.to_string(), "connections must be 1 to 1000");
}

#[tokio::test]
async fn every_signal_arrives_over_each_protocol_and_encoding() {
    for payload in [Payload::Mixed6, Payload::Spans, Payload::Logs] {
        for (protocol, encoding) in [
            (Protocol::OtlpGrpc, Encoding::Proto),
            (Protocol::OtlpHttp, Encoding::Proto),
            (Protocol::OtlpHttp, Encoding::Json),
        ] {
            let sink = Sink::start(ANY, sink::Options::default()).await.unwrap();
            let spec = Spec { payload, ..small() };
            let options = Options {
                protocol,
                encoding,
                compression: Compression::Gzip,
                connections: 2,
                in_flight: 1,
                ..Options::default()
            };
            let report = run(&spec, &options, 400, &sink).await;
            assert!(report.is_exact(), "{report:?}");
            assert_eq!(
                sink.counts().points,
                report.totals.points,
                "{payload:?} {encoding:?}"
            );
            assert_eq!(sink.counts().damaged, 0);
            sink.stop().await;
        }
    }
}

#[test]
fn json_goes_over_http_alone() {
    let options = Options {
        encoding: Encoding::Json,
        ..Options::default()
    };
    assert!(options.validate().is_err());
    let protocol = Protocol::OtlpHttp;
    assert!(Options { protocol, ..options }.validate().is_ok());
}

#[tokio::test]
async fn a_sink_that_stops_answering_answered_what_came_before() {
    let options = sink::Options {
        hang_after: Some(3),
        ..Default::default()
    };
    let sink = Sink::start(ANY, options).await.unwrap();
    let options = Options {
        connections: 1,
        in_flight: 1,
        ..Options::default()
    };
    let load = Load::start(&small(), &options, Limit::default(), &sink.address().to_string()).unwrap();
    while sink.counts().injected < 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(sink.counts().requests, 3);
    assert_eq!(load.meter().read().acknowledged, 3 * 80);
}

#[tokio::test]
async fn a_replay_counts_what_it_sends_again() {
    let sink = Sink::start(ANY, sink::Options::default()).await.unwrap();
    let options = Options {
        replay: true,
        compression: Compression::Gzip,
        connections: 1,
        in_flight: 2,
        ..Options::default()
    };
    let report = run(&small(), &options, 4000, &sink).await;
    assert!(report.is_exact(), "{report:?}");
    assert!(report.totals.points.total() >= 4000);
    assert_eq!(sink.counts().points, report.totals.points);
    sink.stop().await;
}
