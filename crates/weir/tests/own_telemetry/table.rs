//! The Collector's own metrics (v0.155), held against what the built-in components show after traffic.

use std::collections::{BTreeMap, BTreeSet};

use weir_cli::Gateway;

use crate::backend::{Backend, address};
use crate::gateway::{Place, app, config, scrape, stop};

/// From which level on a metric is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Basic,
    Normal,
    Detailed,
}
use Level::{Basic, Detailed, Normal};

/// Name, type, labels, level.
type Row = (&'static str, &'static str, &'static [&'static str], Level);

const ENDPOINT: [&str; 4] = ["exporter", "server_address", "server_port", "url_path"];
const RECEIVER: &[&str] = &["receiver", "transport"];
const PROCESSOR: &[&str] = &["processor"];
const HELPED: &[&str] = &["otel_signal", "processor"];
const EXPORTER: &[&str] = &["exporter"];
const QUEUE: &[&str] = &["data_type", "exporter"];
const SENT: &[&str] = &ENDPOINT;
/// At the level `detailed`; the last two are missing below it.
const FAILED: &[&str] = &[
    "exporter",
    "server_address",
    "server_port",
    "url_path",
    "error_type",
    "error_permanent",
];

/// All metrics of the Collector's core that Weir has.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("otelcol_receiver_accepted_metric_points", "counter", RECEIVER, Basic),
    ("otelcol_receiver_accepted_spans", "counter", RECEIVER, Basic),
    ("otelcol_receiver_accepted_log_records", "counter", RECEIVER, Basic),
    ("otelcol_receiver_refused_metric_points", "counter", RECEIVER, Basic),
    ("otelcol_receiver_refused_spans", "counter", RECEIVER, Basic),
    ("otelcol_receiver_refused_log_records", "counter", RECEIVER, Basic),
    ("otelcol_receiver_failed_metric_points", "counter", RECEIVER, Basic),
    ("otelcol_receiver_failed_spans", "counter", RECEIVER, Basic),
    ("otelcol_receiver_failed_log_records", "counter", RECEIVER, Basic),
    ("otelcol_processor_incoming_items", "counter", HELPED, Basic),
    ("otelcol_processor_outgoing_items", "counter", HELPED, Basic),
    ("otelcol_processor_internal_duration", "histogram", HELPED, Detailed),
    ("otelcol_processor_batch_batch_send_size", "histogram", PROCESSOR, Normal),
    ("otelcol_processor_batch_batch_send_size_bytes", "histogram", PROCESSOR, Detailed),
    ("otelcol_processor_batch_batch_size_trigger_send", "counter", PROCESSOR, Normal),
    ("otelcol_processor_batch_timeout_trigger_send", "counter", PROCESSOR, Normal),
    ("otelcol_processor_batch_metadata_cardinality", "gauge", PROCESSOR, Normal),
    ("otelcol_processor_memory_limiter_accepted_metric_points", "counter", PROCESSOR, Basic),
    ("otelcol_processor_memory_limiter_accepted_spans", "counter", PROCESSOR, Basic),
    ("otelcol_processor_memory_limiter_accepted_log_records", "counter", PROCESSOR, Basic),
    ("otelcol_processor_memory_limiter_refused_metric_points", "counter", PROCESSOR, Basic),
    ("otelcol_processor_memory_limiter_refused_spans", "counter", PROCESSOR, Basic),
    ("otelcol_processor_memory_limiter_refused_log_records", "counter", PROCESSOR, Basic),
    ("otelcol_exporter_sent_metric_points", "counter", SENT, Basic),
    ("otelcol_exporter_sent_spans", "counter", SENT, Basic),
    ("otelcol_exporter_sent_log_records", "counter", SENT, Basic),
    ("otelcol_exporter_send_failed_metric_points", "counter", FAILED, Basic),
    ("otelcol_exporter_send_failed_spans", "counter", FAILED, Basic),
    ("otelcol_exporter_send_failed_log_records", "counter", FAILED, Basic),
    ("otelcol_exporter_enqueue_failed_metric_points", "counter", EXPORTER, Basic),
    ("otelcol_exporter_enqueue_failed_spans", "counter", EXPORTER, Basic),
    ("otelcol_exporter_enqueue_failed_log_records", "counter", EXPORTER, Basic),
    ("otelcol_exporter_queue_size", "gauge", QUEUE, Basic),
    ("otelcol_exporter_queue_capacity", "gauge", QUEUE, Basic),
    ("otelcol_exporter_in_flight_requests", "gauge", QUEUE, Basic),
    ("otelcol_exporter_enqueue_size", "histogram", EXPORTER, Detailed),
    ("otelcol_exporter_enqueue_size_bytes", "histogram", EXPORTER, Detailed),
    ("otelcol_exporter_queue_batch_send_size", "histogram", SENT, Detailed),
    ("otelcol_exporter_queue_batch_send_size_bytes", "histogram", SENT, Detailed),
    ("otelcol_process_uptime", "counter", &[], Basic),
    ("otelcol_process_cpu_seconds", "counter", &[], Basic),
    ("otelcol_process_memory_rss", "gauge", &[], Basic),
    ("http_client_request_duration", "histogram", &["http_request_method", "http_response_status_code", "server_address", "server_port"], Detailed),
    ("http_client_request_body_size", "histogram", &["http_request_method", "http_response_status_code", "server_address", "server_port"], Detailed),
    ("rpc_server_call_duration", "histogram", &["rpc_method", "rpc_response_status_code", "rpc_system_name"], Detailed),
];

/// What the Collector has and this gateway does not show, and why. `docs/differences.md` says the same.
const MISSING: &[(&str, &str)] = &[
    (
        "otelcol_process_runtime_heap_alloc_bytes",
        "told by the allocator of the binary, which this test does not have",
    ),
    (
        "otelcol_process_runtime_total_sys_memory_bytes",
        "told by the allocator of the binary, which this test does not have",
    ),
    (
        "otelcol_process_runtime_total_alloc_bytes",
        "the allocator has no such counter that can be read safely",
    ),
    ("otelcol_receiver_requests", "behind a feature gate there"),
    (
        "otelcol_receiver_accepted_profile_samples",
        "there are no profiles",
    ),
    (
        "otelcol_receiver_refused_profile_samples",
        "there are no profiles",
    ),
    ("otelcol_exporter_sent_profile_samples", "there are no profiles"),
    (
        "otelcol_exporter_send_failed_profile_samples",
        "there are no profiles",
    ),
    (
        "otelcol_exporter_enqueue_failed_profile_samples",
        "there are no profiles",
    ),
    (
        "otelcol_scraper_scraped_metric_points",
        "no built-in component scrapes on behalf of others",
    ),
    (
        "otelcol_scraper_errored_metric_points",
        "no built-in component scrapes on behalf of others",
    ),
    (
        "otelcol_receiver_produced_items",
        "behind a feature gate there; the ledger tells it",
    ),
    (
        "otelcol_processor_consumed_items",
        "behind a feature gate there; the ledger tells it",
    ),
    (
        "otelcol_exporter_consumed_items",
        "behind a feature gate there; the ledger tells it",
    ),
];

/// Type and sets of labels of what is shown, by name.
type Shown = BTreeMap<String, (String, BTreeSet<BTreeSet<String>>)>;

/// Reads the text format as far as it is needed.
fn read(text: &str) -> Shown {
    let mut shown = Shown::new();
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            shown.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
            continue;
        }
        let Some((series, _)) = line.rsplit_once(' ').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        // Values hold neither quotes nor commas.
        let labels = labels.trim_end_matches('}').split(',');
        let names = labels.filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
        let names: BTreeSet<String> = names.filter(|name| name != "le").collect();
        let mut parts = ["_bucket", "_sum", "_count"]
            .iter()
            .filter_map(|part| name.strip_suffix(part));
        let whole = parts.find(|name| shown.contains_key(*name)).unwrap_or(name);
        if let Some((_, sets)) = shown.get_mut(whole) {
            sets.insert(names);
        }
    }
    shown
}

async fn shown_at(level: &str) -> Shown {
    let (backend, place, app) = (Backend::start().await, Place::new(), app());
    let (http, receiver) = (backend.http(), place.receiver());
    let signals = ["metrics", "traces", "logs"];
    let pipelines = signals.map(|signal| {
        format!("{signal}: {{receivers: [otlp], processors: [memory_limiter, resource, batch], exporters: [otlp_http, otlp_http/dead]}}")
    });
    let config = config(
        &app,
        &format!(
            "
receivers: {{otlp: {receiver}}}
processors:
  memory_limiter: {{check_interval: 1s, limit_mib: 4096}}
  resource: {{attributes: [{{key: a, value: b, action: upsert}}]}}
  batch: {{timeout: 10ms}}
exporters:
  otlp_http: {{endpoint: '{http}', compression: none, sending_queue: {{batch: {{flush_timeout: 10ms, min_size: 1}}}}}}
  otlp_http/dead: {{endpoint: 'http://127.0.0.1:1', retry_on_failure: {{enabled: false}}}}
service:
  pipelines: {{{pipelines}}}
  telemetry:
    metrics:
      level: {level}
      readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: 0}}}}}}}}]
",
            pipelines = pipelines.join(", ")
        ),
    );
    let gateway = Gateway::start(&app, &config).await.expect("started");
    place.send_all().await;
    let endpoint = address(gateway.metrics_address().expect("an endpoint"));
    // What was sent is measured when it has arrived.
    let arrived = async {
        while backend.taken().len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), arrived)
        .await
        .expect("delivered");
    let settled = async {
        loop {
            let shown = read(&scrape(endpoint).await);
            let failed = ["metric_points", "spans", "log_records"]
                .map(|items| format!("otelcol_exporter_send_failed_{items}"));
            let failed = failed.iter().all(|name| shown.contains_key(name));
            let measured = shown
                .get("http_client_request_duration")
                .is_some_and(|(_, sets)| sets.len() == 2);
            if failed && (level != "detailed" || measured) {
                return shown;
            }
        }
    };
    let shown = tokio::time::timeout(std::time::Duration::from_secs(20), settled)
        .await
        .expect("measured");
    stop(gateway).await;
    backend.stop().await;
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_the_names_types_labels_and_levels_of_the_collector() {
    let mut wrong = Vec::new();
    for (name, level) in [("basic", Basic), ("normal", Normal), ("detailed", Detailed)] {
        let shown = shown_at(name).await;
        for (metric, kind, labels, from) in TABLE {
            let shorter = *labels == FAILED && level < Detailed;
            let labels = if shorter { SENT } else { labels };
            let labels: BTreeSet<String> = labels.iter().map(ToString::to_string).collect();
            match shown.get(*metric) {
                None if level >= *from => wrong.push(format!("{name}: {metric} is missing")),
                Some(_) if level < *from => wrong.push(format!("{name}: {metric} is too much")),
                Some((found, _)) if found != kind => wrong.push(format!("{name}: {metric} is a {found}")),
                Some((_, found)) if !found.contains(&labels) => {
                    wrong.push(format!("{name}: {metric} has {found:?}"))
                }
                _ => {}
            }
        }
        let known = |metric: &str| TABLE.iter().any(|(name, ..)| *name == metric);
        let unknown = shown
            .keys()
            .filter(|metric| !metric.starts_with("weir_") && *metric != "target_info" && !known(metric));
        wrong.extend(unknown.map(|metric| format!("{name}: {metric} is not in the table")));
        let found = MISSING.iter().filter(|(metric, _)| shown.contains_key(*metric));
        wrong.extend(found.map(|(metric, _)| format!("{name}: {metric} is there after all")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        MISSING
            .iter()
            .all(|(metric, why)| !metric.is_empty() && !why.is_empty())
    );
}
