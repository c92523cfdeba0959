//! The pages over loopback.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use serde_json::{Value, json};
use weir_component::{
    ComponentKind, ComponentStatus, ConsumeError, FeatureGate, NodeKey, PipelineId, PipelineInfo,
};
use weir_net::client::{HttpClient, Outgoing, ProxyEnvironment, Target};
use weir_testkit::contract;

use super::*;
use crate::FACTORY;

fn node(kind: ComponentKind, id: &str, pipeline: Option<&PipelineId>) -> NodeKey {
    NodeKey {
        kind,
        id: id.parse().unwrap(),
        signal: pipeline.map(PipelineId::signal),
        pipeline: pipeline.filter(|_| kind == ComponentKind::Processor).cloned(),
    }
}

/// A pipeline `logs` of `otlp`, `filter` and `debug` through which 10 items went: 3 dropped, 7 delivered; and 5 refused.
fn service() -> ServiceInfo {
    let logs: PipelineId = "logs".parse().unwrap();
    let receiver = node(ComponentKind::Receiver, "otlp", None);
    let filter = node(ComponentKind::Processor, "filter", Some(&logs));
    let debug = node(ComponentKind::Exporter, "debug/b", Some(&logs));
    let pipeline = PipelineInfo {
        receivers: vec![receiver.clone()],
        processors: vec![filter.clone()],
        exporters: vec![debug.clone()],
    };
    let service = ServiceInfo {
        pipelines: BTreeMap::from([(logs, pipeline)]),
        extensions: vec!["zpages".parse().unwrap()],
        config: "{\"exporters\":{\"debug\":{\"password\":\"hunter2\"}}}".to_owned(),
        feature_gates: vec![FeatureGate {
            id: "a.gate",
            stage: "Beta",
            enabled: true,
            description: "does something",
        }],
        ..ServiceInfo::default()
    };
    let (ledger, components) = (&service.ledger, &service.components);
    let inward = ledger.edge(receiver.clone(), filter.clone());
    let outward = ledger.edge(filter.clone(), debug.clone());
    ledger.book(filter.clone()).dropped("filtered", 3);
    ledger.book(debug.clone()).delivered(7);
    inward.offer(10).decide(&Ok(()));
    inward.offer(5).decide(&Err(ConsumeError::unavailable("full")));
    outward.offer(7).decide(&Ok(()));
    for step in [&receiver, &filter, &debug] {
        let (status, _) = components.reporter(step);
        status.stage(ComponentStatus::Starting);
        status.ok();
    }
    let (status, notes) = components.reporter(&debug);
    status.recoverable("connection refused");
    notes.list("first offenders").put("series <1>", "too long");
    service
}

/// The extension, started on a port of its own.
struct Bench(Arc<ZPages>);

impl Bench {
    async fn start() -> Self {
        let mut config = Config::default();
        config.server.endpoint = "127.0.0.1:0".to_owned();
        let context = BuildContext::standalone("zpages".parse().unwrap(), ComponentKind::Extension, None);
        let extension = Arc::new(ZPages::build(&config, &context).unwrap());
        let host = Host::default().with_service(Arc::new(service()));
        Arc::clone(&extension).start(&host).await.unwrap();
        Self(extension)
    }

    /// Sends a request and returns status, headers and body.
    async fn ask(&self, method: Method, path: &str) -> (u16, HeaderMap, String) {
        let address = {
            let server = self.0.server.lock().unwrap();
            server.as_ref().unwrap().local_address().to_string()
        };
        let client = HttpClient::default()
            .build(&Host::default(), &ProxyEnvironment::default(), "test")
            .unwrap();
        let target = Target::parse(&format!("http://{address}{path}")).unwrap();
        let mut request = Outgoing::post(&target, "text/plain", Bytes::new());
        request.method = method;
        let reply = client.send(request).await.unwrap();
        let body = String::from_utf8(reply.body.to_vec()).unwrap();
        (reply.status.as_u16(), reply.headers, body)
    }

    async fn page(&self, path: &str) -> String {
        let (status, headers, body) = self.ask(Method::GET, path).await;
        assert_eq!(
            (status, &headers[header::CACHE_CONTROL] == "no-store"),
            (200, true),
            "{path}"
        );
        body
    }

    async fn json(&self, page: &str) -> Value {
        serde_json::from_str(&self.page(&format!("/debug/{page}?format=json")).await).unwrap()
    }

    async fn stop(&self) {
        self.0
            .shutdown(Instant::now() + Duration::from_secs(5))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn pipelines_show_what_the_books_say() {
    let bench = Bench::start().await;
    let mut found = bench.json("pipelinez").await;
    let pipeline = &mut found["pipelines"][0];
    assert_eq!(pipeline["id"], "logs");
    for step in pipeline["steps"].as_array_mut().unwrap() {
        assert!(step["since"].as_str().unwrap().ends_with('Z'));
        step.as_object_mut().unwrap().remove("since");
    }
    let expected = json!([
        {"kind": "receiver", "id": "otlp", "status": "StatusOK"},
        {"kind": "processor", "id": "filter", "status": "StatusOK", "items": {
            "accepted": 10, "in_flight": 0, "forwarded": 7, "delivered": 0, "repeated": 0, "added": 0, "held": 0,
            "dropped": {"filtered": 3}, "imbalance": 0,
        }},
        {"kind": "exporter", "id": "debug/b", "status": "StatusRecoverableError", "error": "connection refused",
            "notes": [{"title": "first offenders", "lines": [{"name": "series <1>", "text": "too long"}], "left_out": 0}],
            "items": {
                "accepted": 7, "in_flight": 0, "forwarded": 0, "delivered": 7, "repeated": 0, "added": 0, "held": 0,
                "dropped": {}, "imbalance": 0,
        }},
    ]);
    assert_eq!(pipeline["steps"], expected);
    let edges = json!([
        {"from": "receiver otlp", "to": "processor filter", "offered": 15, "accepted": 10, "refused": 5, "given_up": 0, "in_flight": 0},
        {"from": "processor filter", "to": "exporter debug/b", "offered": 7, "accepted": 7, "refused": 0, "given_up": 0, "in_flight": 0},
    ]);
    assert_eq!(pipeline["edges"], edges);
    let html = bench.page("/debug/pipelinez/").await;
    for text in [
        "<h2>logs</h2>",
        "filtered: 3",
        "connection refused",
        "debug/b",
        "series &lt;1&gt;",
    ] {
        assert!(html.contains(text), "{text} in {html}");
    }
    bench.stop().await;
}

#[tokio::test]
async fn the_other_pages_show_the_service() {
    let bench = Bench::start().await;
    let service = bench.json("servicez").await;
    assert_eq!(service["command"], "weir");
    assert_eq!(service["exporters"], json!(["debug/b"]));
    assert_eq!(service["memory"]["budget_limit_bytes"], Value::Null);
    assert_eq!(bench.json("extensionz").await["extensions"][0]["id"], "zpages");
    assert_eq!(bench.json("featurez").await["feature_gates"][0]["id"], "a.gate");
    assert_eq!(bench.json("tracez").await["spans"], json!([]));
    let index = bench.page("/debug/").await;
    assert!(index.contains("href=\"/debug/pipelinez\""), "{index}");
    for page in ["servicez", "extensionz", "featurez", "tracez"] {
        let html = bench.page(&format!("/debug/{page}")).await;
        assert!(
            html.starts_with("<!DOCTYPE html>") && !html.contains("<script"),
            "{html}"
        );
    }
    bench.stop().await;
}

#[tokio::test]
async fn nothing_of_a_configuration_but_ids_is_shown() {
    let bench = Bench::start().await;
    for page in ["", "servicez", "pipelinez", "extensionz", "featurez", "tracez"] {
        for format in ["html", "json"] {
            let text = bench.page(&format!("/debug/{page}?format={format}")).await;
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
    bench.stop().await;
}

#[tokio::test]
async fn other_requests_are_refused() {
    let bench = Bench::start().await;
    for (method, path, expect) in [
        (Method::GET, "/", 404),
        (Method::GET, "/debug/expvarz", 404),
        (Method::POST, "/debug/servicez", 405),
    ] {
        assert_eq!(bench.ask(method, path).await.0, expect, "{path}");
    }
    bench.stop().await;
}

#[test]
fn options_are_strict() {
    assert_eq!(Config::default().server.endpoint, "localhost:55679");
    contract::config_is_strict(
        &FACTORY.meta,
        "{endpoint: '0.0.0.0:55679', expvar: {enabled: false}}",
    );
    let mistakes = contract::mistakes(&FACTORY.meta, "{expvar: {enabled: true}, endpoint: here}");
    assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    assert!(
        mistakes[0].starts_with("expvar::enabled: not supported"),
        "{mistakes:?}"
    );
}
