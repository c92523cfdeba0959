//! The built binary at work: from the first log line to the last.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};

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

/// A running `weir`. Killed when dropped, so that a failing test leaves nothing behind.
struct Weir {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Drop for Weir {
    fn drop(&mut self) {
        // It has ended already if the test went well.
        let _ = self.child.kill();
    }
}

impl Weir {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_weir"))
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let log = BufReader::new(child.stderr.take().expect("standard error"));
        Self { child, log }
    }

    /// Reads log lines up to one that contains `part`, and returns it.
    fn wait_for(&mut self, part: &str) -> String {
        let mut seen = String::new();
        loop {
            let start = seen.len();
            assert_ne!(
                self.log.read_line(&mut seen).expect("log"),
                0,
                "`{part}` did not come: {seen}"
            );
            if seen[start..].contains(part) {
                return seen[start..].to_owned();
            }
        }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &id])
                .status()
                .expect("kill")
                .success()
        );
    }

    /// Returns the rest of the log and the exit code.
    fn end(mut self) -> (String, i32) {
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).expect("log");
        let status = self.child.wait().expect("ended");
        (rest, status.code().expect("exit code"))
    }
}

/// Returns the address in the field `endpoint` of a log line.
fn endpoint(line: &str) -> &str {
    let (_, rest) = line.split_once("\"endpoint\": \"").expect("endpoint");
    rest.split_once('"').expect("end of endpoint").0
}

/// Sends a GET request and returns the answer.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: weir\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

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

    weir.signal("HUP");
    weir.wait_for("SIGHUP ignored");
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
    let body = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":
        [{"asInt":"1","timeUnixNano":"1700000000000000000"}]}}]}]}]}"#;
    let mut stream = TcpStream::connect(&otlp).expect("connected");
    write!(
        stream,
        "POST /v1/metrics HTTP/1.1\r\nHost: weir\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
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
