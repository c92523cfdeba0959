//! The second form.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::uri::PathAndQuery;
use prost::Message;
use serde_json::{Value, json};
use weir_component::{ComponentKind, ComponentStatus, NodeKey, PipelineInfo, StatusReporter};
use weir_net::client::{GrpcClient, ProxyEnvironment};
use weir_net::grpc::{ClientCall, Code};
use weir_net::tls::TlsClient;

use super::*;
use crate::grpc_health::{Answer, HealthCheckRequest, HealthCheckResponse};

/// An extension in front of a service with a receiver, an exporter and the pipeline `logs/x` of both.
struct Bench {
    extension: Arc<HealthCheck>,
    receiver: StatusReporter,
    exporter: StatusReporter,
}

fn node(kind: ComponentKind, id: &str) -> NodeKey {
    NodeKey {
        kind,
        id: id.parse().unwrap(),
        signal: None,
        pipeline: None,
    }
}

async fn bench(component_health: ComponentHealth) -> Bench {
    let (receiver, exporter) = (
        node(ComponentKind::Receiver, "otlp"),
        node(ComponentKind::Exporter, "debug"),
    );
    let pipeline = PipelineInfo {
        receivers: vec![receiver.clone()],
        processors: Vec::new(),
        exporters: vec![exporter.clone()],
    };
    let service = ServiceInfo {
        pipelines: BTreeMap::from([("logs/x".parse().unwrap(), pipeline)]),
        config: "{\"receivers\":{}}".to_owned(),
        ..ServiceInfo::default()
    };
    let reporters = [&receiver, &exporter].map(|node| service.components.reporter(node).0);
    let [receiver, exporter] = reporters;
    let mut config = Config {
        use_v2: true,
        http: weir_component::config::OffUnlessNamed::on(HttpService::default()),
        grpc: weir_component::config::OffUnlessNamed::on(GrpcService::default()),
        component_health: weir_component::config::OffUnlessNamed::on(component_health),
        ..Config::default()
    };
    let http = config.http.as_mut().unwrap();
    http.server.endpoint = "127.0.0.1:0".to_owned();
    http.config.enabled = true;
    config.grpc.as_mut().unwrap().server.endpoint = "127.0.0.1:0".to_owned();
    let id = "healthcheckv2".parse().unwrap();
    let context = BuildContext::standalone(id, ComponentKind::Extension, None);
    let extension = Arc::new(HealthCheck::build(&config, &context).unwrap());
    let host = Host::default().with_service(Arc::new(service));
    Arc::clone(&extension).start(&host).await.unwrap();
    Bench {
        extension,
        receiver,
        exporter,
    }
}

impl Bench {
    fn all_started(&self) {
        for status in [&self.receiver, &self.exporter] {
            status.stage(ComponentStatus::Starting);
            status.ok();
        }
    }

    async fn status(&self, query: &str) -> (String, Value) {
        let (status, body) = probe(&self.extension, &format!("/status{query}")).await;
        (
            status["HTTP/1.1 ".len()..].to_owned(),
            serde_json::from_str(&body).unwrap_or_default(),
        )
    }

    fn client(&self) -> weir_net::grpc::Client {
        let config = GrpcClient {
            endpoint: lock(&self.extension.servers)[1].local_address().to_string(),
            tls: TlsClient {
                insecure: true,
                ..TlsClient::default()
            },
            ..GrpcClient::default()
        };
        config
            .build(&Host::default(), &ProxyEnvironment::default(), "test")
            .unwrap()
    }

    async fn check(&self, service: &str) -> Result<Answer, Code> {
        let path = PathAndQuery::from_static("/grpc.health.v1.Health/Check");
        let reply = self.client().unary(ClientCall::new(path, request(service))).await;
        reply
            .map(|reply| HealthCheckResponse::decode(reply.message).unwrap().status())
            .map_err(|status| status.code)
    }
}

fn request(service: &str) -> Bytes {
    let service = service.to_owned();
    HealthCheckRequest { service }.encode_to_vec().into()
}

/// Recoverable errors count at once.
fn strict() -> ComponentHealth {
    ComponentHealth {
        include_permanent_errors: true,
        include_recoverable_errors: true,
        recovery_duration: Duration::ZERO,
    }
}

#[tokio::test]
async fn the_status_code_follows_the_components() {
    let bench = bench(ComponentHealth::default()).await;
    assert_eq!(bench.status("").await.0, "503 Service Unavailable");
    bench.all_started();
    assert_eq!(bench.status("").await.0, "200 OK");
    bench.exporter.recoverable("connection refused");
    let (status, report) = bench.status("").await;
    assert_eq!(status, "200 OK", "it does not count");
    assert_eq!(report["status"], "StatusRecoverableError");
    assert_eq!(report["error"], "connection refused");
    assert_eq!(report["components"], Value::Null, "only if asked");
    bench.exporter.permanent("gone");
    assert_eq!(bench.status("").await.0, "200 OK");
    bench.receiver.stage(ComponentStatus::Stopping);
    bench.exporter.stage(ComponentStatus::Stopping);
    assert_eq!(bench.status("").await.0, "503 Service Unavailable");
    bench.extension.shutdown(soon()).await.unwrap();
}

#[tokio::test]
async fn errors_that_count_make_it_unhealthy() {
    let bench = bench(strict()).await;
    bench.all_started();
    bench.exporter.recoverable("connection refused");
    let (status, report) = bench.status("?pipeline=logs/x").await;
    assert_eq!(
        (status.as_str(), &report["healthy"]),
        ("500 Internal Server Error", &json!(false))
    );
    bench.exporter.ok();
    assert_eq!(bench.status("?pipeline=logs/x").await.0, "200 OK");
    assert_eq!(bench.status("?pipeline=logs/y").await.0, "404 Not Found");
    bench.extension.shutdown(soon()).await.unwrap();
}

#[tokio::test]
async fn the_report_names_every_component_if_asked() {
    let bench = bench(ComponentHealth::default()).await;
    bench.all_started();
    bench.exporter.recoverable("connection refused");
    let (_, mut report) = bench.status("?verbose").await;
    let pipeline = &mut report["components"]["pipeline:logs/x"];
    assert_eq!(pipeline["status"], "StatusRecoverableError");
    let mut exporter = pipeline["components"]["exporter:debug"].take();
    let time = exporter.as_object_mut().unwrap().remove("status_time").unwrap();
    assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
    assert_eq!(
        exporter,
        json!({"healthy": true, "status": "StatusRecoverableError", "error": "connection refused"})
    );
    assert_eq!(pipeline["components"]["receiver:otlp"]["status"], "StatusOK");
    let (_, report) = bench.status("?verbose=false").await;
    assert_eq!(report["components"], Value::Null);
    bench.extension.shutdown(soon()).await.unwrap();
}

#[tokio::test]
async fn the_configuration_is_shown_where_asked() {
    let bench = bench(ComponentHealth::default()).await;
    let (status, body) = probe(&bench.extension, "/config").await;
    assert_eq!(
        (status.as_str(), body.as_str()),
        ("HTTP/1.1 200 OK", "{\"receivers\":{}}")
    );
    assert_eq!(probe(&bench.extension, "/").await.0, "HTTP/1.1 404 Not Found");
    bench.extension.shutdown(soon()).await.unwrap();
}

#[tokio::test]
async fn grpc_checks_are_answered() {
    let bench = bench(strict()).await;
    assert_eq!(bench.check("").await, Ok(Answer::NotServing));
    bench.all_started();
    assert_eq!(bench.check("").await, Ok(Answer::Serving));
    bench.exporter.recoverable("connection refused");
    assert_eq!(bench.check("logs/x").await, Ok(Answer::NotServing));
    assert_eq!(bench.check("logs/y").await, Err(Code::NotFound));
    assert_eq!(bench.check("extensions").await, Ok(Answer::Serving));
    bench.extension.shutdown(soon()).await.unwrap();
}

/// Calls `Watch` and returns the connection, on which messages arrive.
async fn watch(bench: &Bench, service: &str) -> Watching {
    let address = lock(&bench.extension.servers)[1].local_address().to_string();
    let stream = TcpStream::connect(&address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(
        hyper_util::rt::TokioExecutor::new(),
        hyper_util::rt::TokioIo::new(stream),
    )
    .await
    .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        // It ends with the test.
        let _ = connection.await;
    });
    let message = request(service);
    let mut framed = vec![0, 0, 0, 0, u8::try_from(message.len()).unwrap()];
    framed.extend_from_slice(&message);
    let request = Request::post(format!("http://{address}/grpc.health.v1.Health/Watch"))
        .header("content-type", "application/grpc")
        .body(weir_net::Body::from(Bytes::from(framed)))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    Watching {
        body: response.into_body(),
        _tasks: tasks,
    }
}

struct Watching {
    body: Incoming,
    _tasks: tokio::task::JoinSet<()>,
}

impl Watching {
    /// Returns the next status, or the code that ends the watch.
    async fn next(&mut self) -> Result<Answer, String> {
        use http_body_util::BodyExt as _;
        let frame = self.body.frame().await.unwrap().unwrap();
        match frame.into_data() {
            Ok(data) => Ok(HealthCheckResponse::decode(data.slice(5..)).unwrap().status()),
            Err(frame) => {
                let trailers = frame.into_trailers().unwrap();
                Err(trailers["grpc-status"].to_str().unwrap().to_owned())
            }
        }
    }
}

#[tokio::test]
async fn grpc_watches_see_changes_and_end_with_the_extension() {
    let bench = bench(strict()).await;
    let mut all = watch(&bench, "").await;
    let mut nobody = watch(&bench, "logs/y").await;
    assert_eq!(all.next().await, Ok(Answer::NotServing));
    assert_eq!(nobody.next().await, Ok(Answer::ServiceUnknown));
    bench.all_started();
    assert_eq!(all.next().await, Ok(Answer::Serving));
    bench.exporter.recoverable("connection refused");
    assert_eq!(all.next().await, Ok(Answer::NotServing));
    bench.exporter.ok();
    assert_eq!(all.next().await, Ok(Answer::Serving));
    let stopping = bench.extension.shutdown(soon());
    let (stopped, end, other) = tokio::join!(stopping, all.next(), nobody.next());
    stopped.unwrap();
    assert_eq!((end, other), (Err("14".to_owned()), Err("14".to_owned())));
}

#[tokio::test]
async fn a_watch_notices_when_an_error_has_lasted_too_long() {
    let rules = ComponentHealth {
        recovery_duration: Duration::from_millis(50),
        ..strict()
    };
    let bench = bench(rules).await;
    bench.all_started();
    let mut all = watch(&bench, "").await;
    assert_eq!(all.next().await, Ok(Answer::Serving));
    bench.exporter.recoverable("connection refused");
    // Nothing is reported any more: time alone turns it.
    assert_eq!(all.next().await, Ok(Answer::NotServing));
    drop(all);
    bench.extension.shutdown(soon()).await.unwrap();
}
