//! SIGHUP: one configuration in the place of another, under load.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::weir::{Weir, endpoint, get, send_point};

/// Threads that send one request after the other.
const CLIENTS: usize = 4;
const RELOADS: usize = 20;

/// Two pipelines' worth of components. What `step` says differs from reload to reload.
fn config(step: &str) -> String {
    format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}, grpc: {{endpoint: '127.0.0.1:0'}}}}}}}}
processors: {{batch: {{send_batch_size: 7, timeout: 5ms}}, {step}: {{check_interval: 1s, limit_mib: 4000}}}}
exporters: {{nop: , nop/other: }}
service:
  pipelines:
    metrics: {{receivers: [otlp], processors: [{step}, batch], exporters: [nop, nop/other]}}
  telemetry:
    metrics: {{readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: 0}}}}}}}}]}}
"
    )
}

struct Gateway {
    weir: Weir,
    metrics: String,
    otlp: String,
}

fn start(path: &Path) -> Gateway {
    let mut weir = Weir::start(&["--config", path.to_str().expect("UTF-8")]);
    let metrics = endpoint(&weir.wait_for("serving own metrics")).to_owned();
    let otlp = endpoint(&weir.wait_for("serving OTLP/HTTP")).to_owned();
    weir.wait_for("Everything is ready.");
    Gateway { weir, metrics, otlp }
}

/// Returns the value of a series of own metrics, given its name and a part of its labels.
fn value(exposition: &str, name: &str, label: &str) -> f64 {
    let line = exposition
        .lines()
        .find(|line| line.starts_with(name) && line.contains(label) && !line.starts_with('#'));
    let line = line.unwrap_or_else(|| panic!("no {name} with {label}: {exposition}"));
    line.rsplit(' ').next().expect("value").parse().expect("number")
}

#[test]
fn no_request_fails_across_reloads_and_the_books_balance() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("weir.yaml");
    fs::write(&path, config("memory_limiter/0")).expect("written");
    let mut gateway = start(&path);
    let mut round = 0;
    let sent = under_load(&gateway.otlp, || {
        round += 1;
        fs::write(&path, config(&format!("memory_limiter/{}", round % 3))).expect("written");
        gateway.weir.signal("HUP");
        gateway.weir.wait_for("Configuration reloaded.");
    }) as f64;
    let metrics = get(&gateway.metrics, "/metrics");
    let of_otlp = value(
        &metrics,
        "otelcol_receiver_accepted_metric_points",
        "transport=\"http\"",
    );
    assert_eq!(of_otlp, sent, "the counter went on across reloads: {metrics}");
    for exporter in ["nop", "nop/other"] {
        let delivered = value(
            &metrics,
            "weir_component_delivered_items_total",
            &format!("component=\"{exporter}\""),
        );
        assert_eq!(delivered, sent, "{metrics}");
    }
    let imbalances = metrics
        .lines()
        .filter(|line| line.starts_with("weir_ledger_imbalance_items"));
    assert!(imbalances.clone().count() >= 5, "{metrics}");
    imbalances.for_each(|line| assert!(line.ends_with(" 0"), "{line}"));
    assert_eq!(
        value(&metrics, "weir_config_reloads_total", "success"),
        RELOADS as f64
    );
    gateway.weir.signal("TERM");
    let (rest, code) = gateway.weir.end();
    assert_eq!(code, 0, "{rest}");
    assert!(
        rest.contains("\"left\": \"nothing\", \"dropped\": \"nothing\""),
        "{rest}"
    );
}

/// A gateway that hands each request on by gRPC, on connections that it keeps, and never tries twice.
fn edge(grpc: &str) -> (Weir, String) {
    let config = format!(
        "yaml:
receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}}}
exporters:
  otlp_grpc: {{endpoint: 'http://{grpc}', sending_queue: {{enabled: false}}, retry_on_failure: {{enabled: false}}}}
service:
  pipelines: {{metrics: {{receivers: [otlp], exporters: [otlp_grpc]}}}}
  telemetry: {{metrics: {{level: none}}}}
"
    );
    let mut weir = Weir::start(&["--config", &config]);
    let otlp = endpoint(&weir.wait_for("serving OTLP/HTTP")).to_owned();
    weir.wait_for("Everything is ready.");
    (weir, otlp)
}

#[test]
fn no_call_on_a_kept_connection_fails() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("weir.yaml");
    fs::write(&path, config("memory_limiter")).expect("written");
    let mut weir = Weir::start(&["--config", path.to_str().expect("UTF-8")]);
    let grpc = endpoint(&weir.wait_for("serving OTLP/gRPC")).to_owned();
    weir.wait_for("Everything is ready.");
    let (edge, otlp) = edge(&grpc);
    under_load(&otlp, || {
        weir.signal("HUP");
        weir.wait_for("Configuration reloaded.");
    });
    for weir in [edge, weir] {
        weir.signal("TERM");
        assert_eq!(weir.end().1, 0);
    }
}

/// Sends from several threads all the time, reloads, and returns the number of requests, all of which were answered well.
fn under_load(otlp: &str, mut reload: impl FnMut()) -> u64 {
    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let answer = send_point(otlp);
                    let good = answer
                        .as_ref()
                        .is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"));
                    if !good {
                        stop.store(true, Ordering::Relaxed);
                        panic!("{answer:?}");
                    }
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for _ in 0..RELOADS {
            let before = sent.load(Ordering::Relaxed);
            // Something must be under way each time.
            while sent.load(Ordering::Relaxed) < before + 10 && !stop.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            reload();
        }
        stop.store(true, Ordering::Relaxed);
    });
    sent.into_inner()
}

#[test]
fn a_broken_configuration_leaves_the_old_one_running() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("weir.yaml");
    fs::write(&path, config("memory_limiter")).expect("written");
    let mut gateway = start(&path);
    fs::write(
        &path,
        config("memory_limiter").replace("batch: {", "batch: {bogus: 1, "),
    )
    .expect("written");
    gateway.weir.signal("HUP");
    let line = gateway.weir.wait_for("bogus");
    assert!(
        line.contains("\terror\t") && line.contains("weir.yaml:2:"),
        "the report is in the log: {line}"
    );
    gateway
        .weir
        .wait_for("the new configuration cannot be used, the old one goes on");
    let answer = send_point(&gateway.otlp).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let metrics = get(&gateway.metrics, "/metrics");
    assert_eq!(value(&metrics, "weir_config_reloads_total", "invalid"), 1.0);
    assert_eq!(value(&metrics, "weir_config_last_reload_successful", ""), 0.0);
    let since = value(&metrics, "weir_config_last_reload_success_timestamp_seconds", "");
    assert!(since > 1_700_000_000.0, "{since}");

    fs::write(&path, config("memory_limiter")).expect("written");
    gateway.weir.signal("HUP");
    gateway.weir.wait_for("Configuration reloaded.");
    let metrics = get(&gateway.metrics, "/metrics");
    assert_eq!(value(&metrics, "weir_config_last_reload_successful", ""), 1.0);
    gateway.weir.signal("TERM");
    assert_eq!(gateway.weir.end().1, 0);
}

#[test]
fn a_configuration_that_cannot_start_gives_way_to_the_old_one() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("weir.yaml");
    fs::write(&path, config("memory_limiter")).expect("written");
    let mut gateway = start(&path);
    let taken = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = taken.local_addr().expect("address").to_string();
    let other = format!("{{http: {{endpoint: '127.0.0.1:0'}}, grpc: {{endpoint: '{address}'}}}}");
    let text = config("memory_limiter");
    let (before, after) = text.split_once("protocols: ").expect("protocols");
    let (_, after) = after.split_once("}}}}").expect("end");
    fs::write(&path, format!("{before}protocols: {other}}}}}{after}")).expect("written");
    gateway.weir.signal("HUP");
    let line = gateway.weir.wait_for("the old configuration was started again");
    assert!(line.contains(&address), "{line}");
    let answer = send_point(&gateway.otlp).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let metrics = get(&gateway.metrics, "/metrics");
    assert_eq!(value(&metrics, "weir_config_reloads_total", "rolled_back"), 1.0);
    assert_eq!(value(&metrics, "weir_config_last_reload_successful", ""), 0.0);
    gateway.weir.signal("TERM");
    assert_eq!(gateway.weir.end().1, 0);
}

#[test]
fn own_telemetry_follows_the_configuration() {
    let folder = tempfile::tempdir().expect("folder");
    let (path, log) = (folder.path().join("weir.yaml"), folder.path().join("weir.log"));
    fs::write(&path, config("memory_limiter")).expect("written");
    let mut gateway = start(&path);
    let logs = format!(
        "  telemetry:\n    logs: {{level: debug, output_paths: [stderr, '{}']}}",
        log.display()
    );
    let changed = config("memory_limiter").replace("  telemetry:", &logs).replace(
        "port: 0}",
        "port: 0, with_resource_constant_labels: {included: ['service.name']}}",
    );
    fs::write(&path, changed).expect("written");
    gateway.weir.signal("HUP");
    gateway.weir.wait_for("\tdebug\t");
    gateway.weir.wait_for("Configuration reloaded.");
    let metrics = get(&gateway.metrics, "/metrics");
    assert!(
        metrics.contains("service_name=\"weir\"") && metrics.contains("result=\"success\""),
        "{metrics}"
    );
    gateway.weir.signal("TERM");
    assert_eq!(gateway.weir.end().1, 0);
    let log = fs::read_to_string(log).expect("log");
    assert!(log.contains("Configuration reloaded."), "{log}");
}

/// A server that answers one request when it is told to.
fn slow_server() -> (String, Receiver<()>, Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("address").to_string();
    let ((asked, was_asked), (answer, may_answer)) = (channel(), channel());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a request");
        let mut request = [0; 64];
        stream.read_exact(&mut request).expect("a request");
        asked.send(()).expect("the test waits");
        may_answer.recv().expect("the test answers");
        let answered = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        answered.expect("answered");
        // Until the client is done.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    (address, was_asked, answer)
}

/// A gateway that drains when the returned channel says so, in a reload.
fn draining(signals: &[&str]) -> (Weir, Sender<()>) {
    let (address, asked, answer) = slow_server();
    let config = format!(
        "yaml:
receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}}}
exporters: {{otlp_http: {{endpoint: 'http://{address}', compression: none, timeout: 10m}}}}
service:
  pipelines: {{metrics: {{receivers: [otlp], exporters: [otlp_http]}}}}
  telemetry: {{metrics: {{level: none}}}}
"
    );
    let mut weir = Weir::start(&["--config", &config, "--shutdown-timeout", "10m"]);
    let otlp = endpoint(&weir.wait_for("serving OTLP/HTTP")).to_owned();
    weir.wait_for("Everything is ready.");
    let answered = send_point(&otlp).expect("answered");
    assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
    asked.recv().expect("the exporter sends");
    weir.signal("HUP");
    weir.wait_for("Reloading the configuration...");
    for signal in signals {
        weir.signal(signal);
        weir.wait_for(&format!("\"SIG{signal}\""));
    }
    (weir, answer)
}

#[test]
fn a_reload_that_is_asked_for_during_one_comes_after_it() {
    let (mut weir, answer) = draining(&["HUP", "HUP"]);
    answer.send(()).expect("the server waits");
    for _ in 0..2 {
        weir.wait_for("Configuration reloaded.");
    }
    weir.signal("TERM");
    let (rest, code) = weir.end();
    assert_eq!(code, 0, "{rest}");
    assert!(
        !rest.contains("Reloading"),
        "two requests during one reload are one: {rest}"
    );
}

#[test]
fn a_process_that_is_to_stop_starts_nothing_any_more() {
    let (weir, answer) = draining(&["TERM"]);
    answer.send(()).expect("the server waits");
    let (rest, code) = weir.end();
    assert_eq!(code, 0, "{rest}");
    assert!(
        !rest.contains("reloaded") && !rest.contains("serving OTLP/HTTP"),
        "{rest}"
    );
    assert!(rest.contains("Shutdown complete."), "{rest}");
}

#[test]
fn a_second_signal_ends_a_reload_at_once() {
    let (weir, _answer) = draining(&["TERM"]);
    weir.signal("TERM");
    let (rest, code) = weir.end();
    assert_eq!(code, 1, "{rest}");
    assert_eq!(
        rest.lines().last(),
        Some("Error: reload aborted by a second signal"),
        "{rest}"
    );
}

#[test]
fn clients_that_keep_their_connection_are_told_to_make_another() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("weir.yaml");
    fs::write(&path, config("memory_limiter")).expect("written");
    let mut gateway = start(&path);
    let mut idle = TcpStream::connect(&gateway.otlp).expect("connected");
    idle.write_all(b"GET / HTTP/1.1\r\nHost: weir\r\n\r\n")
        .expect("sent");
    let mut head = [0; 12];
    idle.read_exact(&mut head).expect("answered");
    gateway.weir.signal("HUP");
    gateway.weir.wait_for("Configuration reloaded.");
    idle.read_to_end(&mut Vec::new()).expect("closed in good order");
    send_point(&gateway.otlp).expect("answered");
    gateway.weir.signal("TERM");
    assert_eq!(gateway.weir.end().1, 0);
}
