//! What a service manager is told.

use std::os::unix::net::UnixDatagram;

use crate::weir::Weir;

const CONFIG: &str = "yaml:
receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}
exporters: {nop: }
service:
  pipelines: {metrics: {receivers: [otlp], exporters: [nop]}}
  telemetry: {metrics: {level: none}}
";

/// Receives messages up to the next one that is not from the watchdog.
fn next(socket: &UnixDatagram, watchdog: &mut u32) -> Vec<String> {
    loop {
        let mut message = [0; 1024];
        let length = socket.recv(&mut message).expect("a message");
        let text = String::from_utf8(message[..length].to_vec()).expect("UTF-8");
        if text != "WATCHDOG=1\n" {
            return text.lines().map(str::to_owned).collect();
        }
        *watchdog += 1;
    }
}

#[test]
fn a_service_manager_hears_of_start_reload_and_stop() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("bound");
    let path = path.to_str().expect("UTF-8");
    let environment = [("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "20000")];
    let mut weir = Weir::start_with(&["--config", CONFIG], &environment);
    let mut watchdog = 0;
    assert_eq!(next(&socket, &mut watchdog), ["READY=1", "STATUS=running"]);
    while watchdog < 3 {
        let mut message = [0; 64];
        let length = socket.recv(&mut message).expect("a message");
        assert_eq!(&message[..length], b"WATCHDOG=1\n");
        watchdog += 1;
    }
    weir.signal("HUP");
    let reloading = next(&socket, &mut watchdog);
    assert_eq!(reloading[0], "RELOADING=1");
    let since = reloading[1].strip_prefix("MONOTONIC_USEC=").expect("a time");
    assert!(since.parse::<u64>().expect("a number") > 0);
    assert_eq!(reloading[2], "STATUS=reloading the configuration");
    assert_eq!(next(&socket, &mut watchdog), ["READY=1", "STATUS=running"]);
    weir.wait_for("Configuration reloaded.");
    weir.signal("TERM");
    assert_eq!(next(&socket, &mut watchdog), ["STOPPING=1", "STATUS=stopping"]);
    assert_eq!(weir.end().1, 0);
}
