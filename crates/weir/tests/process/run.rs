//! The built binary at work: from the first log line to the last.

use std::io::BufRead;
use std::process::Command;

use crate::weir::{Weir, endpoint, get, send_point};

const CONFIG: &str = "yaml:
receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}}
exporters: {nop: }
extensions: {health_check: {endpoint: '127.0.0.1:0'}}
service:
  extensions: [health_check]
  pipelines: {metrics: {receivers: [otlp], exporters: [nop]}}
  telemetry:
    resource: {attributes: [{name: service.name, value: edge}]}
    metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]}
";

#[test]
fn a_gateway_runs_until_it_is_told_to_stop() {
    let mut weir = Weir::start(&["--config", CONFIG]);
    let line = weir.wait_for("Starting weir...");
    assert!(
        line.contains("\tinfo\tweir-cli/run.rs:") && line.contains("\"resource\": {"),
        "{line}"
    );
    let metrics = endpoint(&weir.wait_for("serving own metrics")).to_owned();
    let health = endpoint(&weir.wait_for("serving health checks")).to_owned();
    weir.wait_for("Everything is ready. Begin running and processing data.");

    let answer = get(&metrics, "/metrics");
    for part in [
        "HTTP/1.1 200 OK",
        "text/plain; version=0.0.4",
        "# TYPE otelcol_process_uptime counter",
        "otelcol_process_memory_rss ",
        "otelcol_process_runtime_heap_alloc_bytes ",
        "target_info{",
        "service_name=\"edge\"",
    ] {
        assert!(answer.contains(part), "{part}: {answer}");
    }
    assert!(get(&metrics, "/").starts_with("HTTP/1.1 404"));
    assert!(get(&health, "/").starts_with("HTTP/1.1 200"));

    weir.signal("TERM");
    let (rest, code) = weir.end();
    assert_eq!(code, 0, "{rest}");
    let last = rest.lines().last().expect("last line");
    assert!(
        last.contains("Shutdown complete.") && last.contains("\"left\": \"nothing\""),
        "{rest}"
    );
}

#[test]
fn an_address_in_use_is_a_reason_not_to_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = taken.local_addr().expect("address");
    let set = format!("receivers.otlp.protocols.grpc.endpoint={address}");
    let (log, code) = Weir::start(&["--config", CONFIG, "--set", &set]).end();
    assert_eq!(code, 1, "{log}");
    let last = log.lines().last().expect("last line");
    assert!(
        last.starts_with("Error: failed to start receiver `otlp`: ") && last.contains(&address.to_string()),
        "{log}"
    );
}

#[test]
fn metrics_level_none_opens_nothing() {
    let mut weir = Weir::start(&[
        "--config",
        CONFIG,
        "--set",
        "service.telemetry.metrics={level: none}",
    ]);
    let mut seen = String::new();
    while !seen.contains("Everything is ready.") {
        assert_ne!(weir.log.read_line(&mut seen).expect("log"), 0, "{seen}");
    }
    assert!(!seen.contains("serving own metrics"), "{seen}");
    weir.signal("INT");
    assert_eq!(weir.end().1, 0);
}

/// A gateway whose exporter holds a data point that it cannot deliver.
fn stuck(arguments: &[&str]) -> Weir {
    let config = "yaml:
receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}
exporters: {prometheus_remote_write: {endpoint: 'http://127.0.0.1:1/write'}}
service:
  pipelines: {metrics: {receivers: [otlp], exporters: [prometheus_remote_write]}}
  telemetry: {metrics: {level: none}}
";
    let mut weir = Weir::start(&[&["--config", config], arguments].concat());
    let otlp = endpoint(&weir.wait_for("serving OTLP/HTTP")).to_owned();
    weir.wait_for("Everything is ready.");
    let answer = send_point(&otlp).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    weir.signal("TERM");
    weir.wait_for("Starting shutdown...");
    weir
}

#[test]
fn what_could_not_be_delivered_is_said_at_the_end() {
    let (rest, code) = stuck(&["--shutdown-timeout", "50ms"]).end();
    assert_eq!(code, 1, "{rest}");
    let last = rest.lines().last().expect("last line");
    assert!(last.contains("Shutdown complete, but not clean."), "{rest}");
    assert!(
        last.contains("\"dropped\": \"exporter prometheus_remote_write: 1 shutdown\""),
        "{rest}"
    );
}

#[test]
fn a_second_signal_ends_a_shutdown_at_once() {
    let weir = stuck(&["--shutdown-timeout", "10m"]);
    weir.signal("TERM");
    let (rest, code) = weir.end();
    assert_eq!(code, 1, "{rest}");
    assert!(
        rest.contains("\"left\": \"exporter prometheus_remote_write: 1 held\""),
        "{rest}"
    );
    assert_eq!(
        rest.lines().last(),
        Some("Error: shutdown aborted by a second signal"),
        "{rest}"
    );
}

#[test]
fn the_demo_finds_everything_it_sent() {
    let output = Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(["demo", "--rounds", "3", "--interval", "20ms"])
        .output()
        .expect("ran");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}{err}");
    assert!(out.trim_end().ends_with("sound: imbalance 0"), "{out}");
}
