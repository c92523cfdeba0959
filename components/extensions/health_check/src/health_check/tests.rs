//! Both forms over loopback.

mod second;

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use weir_component::ComponentKind;
use weir_component::config::OffUnlessSet;
use weir_testkit::contract;

use super::*;
use crate::FACTORY;
use crate::config::ResponseBody;

async fn started(mut config: Config) -> Arc<HealthCheck> {
    config.server.endpoint = "127.0.0.1:0".to_owned();
    let id = "health_check".parse().expect("id");
    let context = BuildContext::standalone(id, ComponentKind::Extension, None);
    let extension = Arc::new(HealthCheck::build(&config, &context).expect("built"));
    Arc::clone(&extension)
        .start(&Host::default())
        .await
        .expect("started");
    extension
}

/// Sends a request and returns status line and body.
async fn probe(extension: &HealthCheck, path: &str) -> (String, String) {
    let address = lock(&extension.servers)[0].local_address().to_string();
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nHost: weir\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    (
        head.lines().next().unwrap_or_default().to_owned(),
        body.to_owned(),
    )
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

#[tokio::test]
async fn probes_succeed_while_pipelines_run() {
    let extension = started(Config::default()).await;
    let (status, body) = probe(&extension, "/").await;
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
    assert_eq!(
        body,
        r#"{"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}"#
    );
    extension.pipelines_ready(true);
    let (status, body) = probe(&extension, "/live?full=1").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(
        body.starts_with(r#"{"status":"Server available","upSince":"2"#),
        "{body}"
    );
    extension.pipelines_ready(false);
    assert_eq!(probe(&extension, "/").await.0, "HTTP/1.1 503 Service Unavailable");
    extension.shutdown(soon()).await.expect("stopped");
}

#[tokio::test]
async fn path_and_texts_are_configurable() {
    let texts = ResponseBody {
        healthy: "fine".to_owned(),
        unhealthy: "ill".to_owned(),
    };
    let config = Config {
        path: "/ready".to_owned(),
        response_body: OffUnlessSet::on(texts),
        ..Config::default()
    };
    let extension = started(config).await;
    assert_eq!(probe(&extension, "/ready").await.1, "ill");
    extension.pipelines_ready(true);
    assert_eq!(
        probe(&extension, "/ready").await,
        ("HTTP/1.1 200 OK".to_owned(), "fine".to_owned())
    );
    assert_eq!(probe(&extension, "/").await.0, "HTTP/1.1 404 Not Found");
    extension.shutdown(soon()).await.expect("stopped");
}

#[test]
fn mistakes_are_named() {
    contract::config_is_strict(&FACTORY.meta, "{endpoint: '0.0.0.0:13133', path: /healthz}");
    contract::config_is_strict(
        &FACTORY.meta,
        "{use_v2: true, http: {endpoint: 'localhost:1', status: {path: /s}, config: {enabled: true}}, grpc: , \
         component_health: {include_permanent_errors: true, recovery_duration: 1m}}",
    );
    for (yaml, expected) in [
        ("path: health", &["path: must begin"][..]),
        (
            "{http: {endpoint: 'localhost:1'}, grpc: }",
            &["http: belongs to the second", "grpc: belongs to the second"],
        ),
        (
            "component_health: {include_permanent_errors: true}",
            &["component_health: belongs"],
        ),
        (
            "check_collector_pipeline: {enabled: true, interval: 1m}",
            &["check_collector_pipeline::enabled: not supported"],
        ),
        ("use_v2: true", &["use_v2: needs a service"]),
        (
            "{use_v2: true, endpoint: 'localhost:1', path: /x, response_body: {healthy: a}, http: }",
            &[
                "endpoint: belongs to the first",
                "path: belongs to the first",
                "response_body: belongs to the first",
            ],
        ),
        (
            "{use_v2: true, include_metadata: true, grpc: }",
            &[": keys of a server on this level"],
        ),
        (
            "{use_v2: true, http: {endpoint: here, status: {path: x}}}",
            &["http::endpoint: ", "http::status::path: must begin"],
        ),
        (
            "{use_v2: true, http: {config: {enabled: true, path: /status}}}",
            &["http::config::path: is the path of the status"],
        ),
        ("{use_v2: true, grpc: {transport: udp}}", &["grpc::transport: "]),
        (
            "{use_v2: true, http: , component_health: {recovery_duration: 5}}",
            &["invalid type"],
        ),
    ] {
        let mistakes = contract::mistakes(&FACTORY.meta, yaml);
        assert_eq!(mistakes.len(), expected.len(), "{yaml}: {mistakes:?}");
        for (mistake, expected) in mistakes.iter().zip(expected) {
            assert!(mistake.starts_with(expected), "{yaml}: {mistake}");
        }
    }
    assert!(
        contract::mistakes(
            &FACTORY.meta,
            "check_collector_pipeline: {exporter_failure_threshold: 3}"
        )
        .is_empty()
    );
}
