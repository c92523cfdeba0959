//! What every component of Weir promises, asked of the two of this crate; and what they are for.

use std::io::Read as _;
use std::net::TcpListener;
use std::sync::mpsc;

use custom_gateway::{drop_key, graphite};
use weir_component::{ParsedConfig, Signal};
use weir_testkit::{Bench, Sink, batches, contract};

fn drop_host() -> ParsedConfig {
    contract::config(&drop_key::FACTORY.meta, "key: host.name")
}

#[test]
fn options_are_strict() {
    contract::config_is_strict(&drop_key::FACTORY.meta, "key: host.name");
    contract::config_is_strict(
        &graphite::FACTORY.meta,
        "{endpoint: 'graphite:2003', sending_queue: {enabled: false}}",
    );
    assert_eq!(contract::mistakes(&drop_key::FACTORY.meta, "").len(), 1);
    assert_eq!(
        contract::mistakes(&graphite::FACTORY.meta, "endpoint: graphite").len(),
        1
    );
}

#[tokio::test]
async fn the_processor_keeps_the_contract() {
    for batch in batches::one_of_each() {
        contract::processor_starts_and_stops_twice(drop_key::FACTORY, &drop_host(), batch.clone()).await;
        contract::processor_passes_errors_on(drop_key::FACTORY, &drop_host(), batch.clone()).await;
        contract::processor_keeps_order(
            drop_key::FACTORY,
            &drop_host(),
            vec![batch.clone(), batch.clone()],
        )
        .await;
        contract::processor_drains(drop_key::FACTORY, &drop_host(), vec![batch.clone(), batch]).await;
    }
}

#[tokio::test]
async fn the_processor_drops_the_key() {
    let metrics = || {
        batches::metrics()
            .resource("service.name", "shop")
            .gauge("g", &[1.0])
    };
    let sink = Sink::new();
    let bench = Bench::processor(drop_key::FACTORY, &drop_host(), Signal::Metrics, &sink);
    bench.start().await;
    bench
        .send(metrics().resource("host.name", "a").wire())
        .await
        .expect("taken");
    bench.stop().await;
    assert_eq!(sink.batches()[0].to_decoded().unwrap(), metrics().decoded());
}

/// A Graphite server: yields the text of each connection.
fn server() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = listener.local_addr().expect("bound").to_string();
    let (received, texts) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut text = String::new();
            stream
                .and_then(|mut stream| stream.read_to_string(&mut text))
                .expect("text");
            if received.send(text).is_err() {
                return;
            }
        }
    });
    (endpoint, texts)
}

fn to(endpoint: &str) -> ParsedConfig {
    contract::config(&graphite::FACTORY.meta, &format!("endpoint: '{endpoint}'"))
}

#[tokio::test]
async fn the_exporter_keeps_the_contract() {
    let (endpoint, _texts) = server();
    let batch = batches::gauge("g", 3);
    contract::exporter_starts_and_stops_twice(graphite::FACTORY, &to(&endpoint), batch.clone()).await;
    contract::exporter_balances(graphite::FACTORY, &to(&endpoint), vec![batch.clone(), batch]).await;
}

#[tokio::test]
async fn the_exporter_writes_lines() {
    let (endpoint, texts) = server();
    let bench = Bench::exporter(graphite::FACTORY, &to(&endpoint), Signal::Metrics);
    bench.start().await;
    let batch = batches::metrics()
        .at(1_700_000_000_000_000_000)
        .gauge("room temperature", &[20.5, f64::NAN])
        .histogram("latency", &[0.1], &[2, 1])
        .wire();
    bench.send(batch).await.expect("queued");
    bench.stop().await;
    let text = texts.recv().expect("a connection");
    let mut lines = text.lines();
    assert!(
        lines
            .next()
            .is_some_and(|line| line.starts_with("room_temperature") && line.ends_with(" 20.5 1700000000")),
        "{text}"
    );
    assert!(
        lines
            .next()
            .is_some_and(|line| line.starts_with("latency.count") && line.ends_with(" 3 1700000000")),
        "{text}"
    );
    assert!(
        lines.next().is_some_and(|line| line.starts_with("latency.sum")),
        "{text}"
    );
    assert_eq!(bench.dropped("no_value"), 1);
}
