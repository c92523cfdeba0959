//! Weir's own metrics, spans and logs, from a whole gateway to a server that they are pushed to.

mod backend;
mod gateway;
mod table;

use std::collections::BTreeMap;

use weir_cli::Gateway;
use weir_pdata::Decoded;
use weir_proto::otlp::metrics::v1::{AggregationTemporality, metric, number_data_point};

use backend::{Backend, address, text};
use gateway::{Place, app, config, scrape, stop};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_gateway_does_is_seen_elsewhere() {
    let (backend, place, app) = (Backend::start().await, Place::new(), app());
    let (http, grpc) = (backend.http(), backend.grpc());
    let config = config(
        &app,
        &format!(
            "
receivers: {{otlp: {receiver}}}
exporters: {{otlp_http: {{endpoint: '{http}', compression: none}}}}
service:
  pipelines: {{metrics: {{receivers: [otlp], exporters: [otlp_http]}}}}
  telemetry:
    resource:
      attributes: [{{name: service.name, value: edge}}, {{name: rack, value: 7}}]
      detection/development: {{detectors: [{{process: }}]}}
    logs:
      level: debug
      initial_fields: {{site: here}}
      processors:
        - batch: {{schedule_delay: 3600000, exporter: {{otlp: {{protocol: http/protobuf, endpoint: '{http}'}}}}}}
    metrics:
      level: detailed
      views:
        - selector: {{instrument_name: otelcol_exporter_queue_*}}
          stream: {{aggregation: {{drop: }}}}
      readers:
        - periodic: {{interval: 3600000, exporter: {{otlp: {{protocol: grpc, endpoint: '{grpc}', compression: gzip,
            headers: [{{name: x-key, value: secret}}]}}}}}}
        - periodic: {{interval: 3600000, exporter: {{otlp: {{protocol: http/protobuf, endpoint: '{http}',
            temporality_preference: delta}}}}}}
        - pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: 0}}}}}}
        - pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: 0, without_units: false, without_type_suffix: false,
            without_scope_info: false, with_resource_constant_labels: {{included: [rack]}}}}}}}}
    traces:
      propagators: [tracecontext]
      processors:
        - batch: {{schedule_delay: 3600000, exporter: {{otlp: {{protocol: http/protobuf, endpoint: '{http}'}}}}}}
",
            receiver = place.receiver()
        ),
    );
    let mut logs = weir_cli::install_logs(&app, &config).expect("logs");
    logs.start();
    let gateway = Gateway::start(&app, &config).await.expect("started");
    place.send(Some(&format!("00-{TRACE}-{PARENT}-01"))).await;

    let addresses: Vec<_> = gateway.metrics_addresses().map(address).collect();
    let [plain, rich] = addresses[..] else {
        panic!("{addresses:?}")
    };
    let (plain, rich) = (scrape(plain).await, scrape(rich).await);
    for line in [
        "otelcol_receiver_accepted_metric_points{receiver=\"otlp\",transport=\"grpc\"} 1",
        "rpc_server_call_duration_count{rpc_system_name=\"grpc\",",
        "target_info{process_executable_name=",
    ] {
        assert!(plain.contains(line), "{line}: {plain}");
    }
    assert!(
        !plain.contains("otelcol_exporter_queue_"),
        "dropped by a view: {plain}"
    );
    let line = "otelcol_receiver_accepted_metric_points_total{rack=\"7\",receiver=\"otlp\",transport=\"grpc\",\
        otel_scope_name=\"go.opentelemetry.io/collector/receiver/receiverhelper\",otel_scope_version=";
    assert!(rich.contains(line), "{rich}");

    stop(gateway).await;
    logs.shutdown(std::time::Instant::now() + std::time::Duration::from_secs(20))
        .await;

    metrics_arrived(&backend);
    spans_arrived(&backend);
    logs_arrived(&backend);
    backend.stop().await;
}

fn metrics_arrived(backend: &Backend) {
    for (by, temporality) in [
        ("grpc", AggregationTemporality::Cumulative),
        ("http", AggregationTemporality::Delta),
    ] {
        let metrics = backend.metrics(by);
        let found = metrics
            .iter()
            .find(|metric| metric.name == "otelcol_receiver_accepted_metric_points")
            .unwrap_or_else(|| panic!("{by}: {metrics:?}"));
        let Some(metric::Data::Sum(sum)) = &found.data else {
            panic!("{found:?}")
        };
        assert!(sum.is_monotonic && found.unit == "{datapoints}", "{found:?}");
        assert_eq!(sum.aggregation_temporality, temporality as i32);
        let point = &sum.data_points[0];
        assert_eq!(point.value, Some(number_data_point::Value::AsInt(1)));
        assert!(0 < point.start_time_unix_nano && point.start_time_unix_nano < point.time_unix_nano);
        assert_eq!(text(&point.attributes, "receiver").as_deref(), Some("otlp"));
    }
    let taken = backend.taken();
    let pushed = taken
        .iter()
        .find(|taken| taken.by == "grpc")
        .expect("pushed by gRPC");
    assert_eq!(pushed.headers["x-key"], "secret");
    let Decoded::Metrics(request) = &pushed.request else {
        panic!("{pushed:?}")
    };
    let resource = request.resource_metrics[0].resource.as_ref().expect("a resource");
    assert_eq!(
        text(&resource.attributes, "service.name").as_deref(),
        Some("edge")
    );
    assert_eq!(text(&resource.attributes, "rack").as_deref(), Some("7"));
    assert!(text(&resource.attributes, "process.pid").is_some());
}

/// The way of the one request: server, receiver, exporter, client, each within the one before.
fn spans_arrived(backend: &Backend) {
    let spans = backend.spans();
    let by_name: BTreeMap<_, _> = spans.iter().map(|span| (span.name.as_str(), span)).collect();
    let way = [
        "opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        "receiver/otlp/MetricsReceived",
        "exporter/otlp_http/metrics",
        "HTTP POST",
    ];
    let hex = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut before = PARENT.to_owned();
    for name in way {
        let span = by_name.get(name).unwrap_or_else(|| panic!("{name}: {spans:?}"));
        assert_eq!(hex(&span.trace_id), TRACE, "{name}");
        assert_eq!(hex(&span.parent_span_id), before, "{name}");
        before = hex(&span.span_id);
    }
    assert_eq!(spans.len(), way.len(), "{spans:?}");
    let exporter = by_name["exporter/otlp_http/metrics"];
    assert_eq!(text(&exporter.attributes, "items.sent").as_deref(), Some("1"));
    let receiver = by_name["receiver/otlp/MetricsReceived"];
    assert_eq!(
        text(&receiver.attributes, "accepted_metric_points").as_deref(),
        Some("1")
    );
    // The destination of the pipeline was told about the last one.
    let told = format!("00-{TRACE}-{before}-01");
    let taken = backend.taken();
    let mut headers = taken.iter().filter_map(|taken| taken.headers.get("traceparent"));
    assert_eq!(headers.next().expect("told"), &told);
    assert!(headers.next().is_none(), "pushes of own telemetry are not traced");
}

fn logs_arrived(backend: &Backend) {
    let logs = backend.logs();
    let found = logs.iter().find(|record| {
        let body = record.body.as_ref().and_then(|body| body.value.as_ref());
        format!("{body:?}").contains("serving own metrics")
    });
    let found = found.unwrap_or_else(|| panic!("{logs:?}"));
    assert_eq!(found.severity_text, "info");
    assert_eq!(text(&found.attributes, "site").as_deref(), Some("here"));
    let file = text(&found.attributes, "code.file.path").expect("a file");
    assert!(file.starts_with("weir-cli/own_telemetry/"), "{file}");
    assert!(text(&found.attributes, "endpoint").is_some_and(|endpoint| endpoint.starts_with("127.0.0.1:")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_fails_costs_the_pipeline_nothing_and_is_counted() {
    let (backend, place, app) = (Backend::start().await, Place::new(), app());
    backend.answer(http::StatusCode::BAD_REQUEST);
    let (receiver, http) = (place.receiver(), backend.http());
    let config = config(
        &app,
        &format!(
            "
receivers: {{otlp: {receiver}}}
exporters: {{nop: }}
service:
  pipelines: {{metrics: {{receivers: [otlp], exporters: [nop]}}}}
  telemetry:
    metrics:
      readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: 0}}}}}}}}]
    traces:
      processors: [{{simple: {{exporter: {{otlp: {{protocol: http/protobuf, endpoint: '{http}'}}}}}}}}]
"
        ),
    );
    let gateway = Gateway::start(&app, &config).await.expect("started");
    place.send(None).await;
    let endpoint = address(gateway.metrics_address().expect("an endpoint"));
    // A server span, and one of the receiver: both are tried, refused for good and dropped.
    let lines = [
        "weir_own_telemetry_pushes_total{signal=\"traces\",outcome=\"failure\"} 2",
        "weir_own_telemetry_dropped_total{signal=\"traces\",reason=\"push_failed\"} 2",
    ];
    let counted = async {
        loop {
            let text = scrape(endpoint).await;
            if lines.iter().all(|line| text.contains(line)) {
                break;
            }
        }
    };
    let soon = std::time::Duration::from_secs(20);
    tokio::time::timeout(soon, counted).await.expect("counted");
    backend.answer(http::StatusCode::OK);
    place.send(None).await;
    stop(gateway).await;
    assert_eq!(backend.spans().len(), 2);
    backend.stop().await;
}
