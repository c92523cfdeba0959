//! The program as its users run it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_custom-gateway"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

fn output(arguments: &[&str]) -> String {
    let output = program().args(arguments).output().expect("the program starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

/// Ends the program whatever becomes of the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn its_components_are_listed() {
    let components = output(&["components"]);
    for name in ["otlp", "batch", "drop_key", "debug", "graphite"] {
        assert!(components.contains(&format!("name: {name}\n")), "{components}");
    }
    assert!(output(&["schema", "exporters/graphite"]).contains("retry_on_failure"));
}

#[test]
fn its_configuration_is_valid() {
    assert_eq!(output(&["validate", "--config", "weir.yaml"]), "");
}

#[test]
fn metrics_go_through_it() {
    let graphite = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let otlp = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port");
    let mut command = program();
    command
        .args(["--config", "weir.yaml"])
        .env("OTLP_HTTP", otlp.to_string())
        .env("GRAPHITE", graphite.local_addr().expect("bound").to_string());
    let mut gateway = Running(command.spawn().expect("the program starts"));

    let mut client = loop {
        assert!(
            gateway.0.try_wait().expect("a child").is_none(),
            "the gateway ended"
        );
        if let Ok(client) = TcpStream::connect(otlp) {
            break client;
        }
        std::thread::yield_now();
    };
    let body = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"requests","sum":{"aggregationTemporality":2,
        "dataPoints":[{"asInt":"7","timeUnixNano":"1700000000000000000","attributes":[{"key":"route","value":{"stringValue":"/"}}]}]}}]}]}]}"#;
    write!(
        client,
        "POST /v1/metrics HTTP/1.1\r\nhost: {otlp}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .expect("sent");

    let (mut connection, _) = graphite.accept().expect("the gateway connects");
    let mut text = String::new();
    connection.read_to_string(&mut text).expect("text");
    assert_eq!(text, "requests;route=/ 7 1700000000\n");
}
