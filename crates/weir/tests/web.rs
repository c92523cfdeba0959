//! Configuration that is read over the network.

mod program;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use program::weir;

const GOOD: &str = "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}
exporters: {nop: }
service: {pipelines: {metrics: {receivers: [otlp], exporters: [nop]}}}
";

/// A server that knows some paths, and what it was asked.
struct Web {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

/// Serves until the test ends.
fn serve() -> Web {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("address").to_string();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&requests);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("accepted");
            let mut request = String::new();
            let mut byte = [0];
            while !request.ends_with("\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
                request.push(char::from(byte[0]));
            }
            let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
            heard.lock().expect("no test panicked").push(request);
            let (head, body) = match path.split('?').next().unwrap_or_default() {
                "/weir.yaml" => ("200 OK", GOOD.to_owned()),
                "/moved" => ("302 Found\r\nLocation: /weir.yaml", String::new()),
                "/round" => ("307 Temporary Redirect\r\nLocation: /round", String::new()),
                "/timeout" => ("200 OK", "7s\n".to_owned()),
                "/large" => ("200 OK", "#".repeat((16 << 20) + 1)),
                _ => ("404 Not Found", "hunter2".to_owned()),
            };
            // The client may have heard enough.
            let _ = write!(
                stream,
                "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    Web { address, requests }
}

#[test]
fn sources_and_values_come_from_the_web() {
    let web = serve();
    let source = format!("http://user:hunter2@{}/moved?token=hunter2", web.address);
    let set = format!(
        "exporters.otlp_http={{endpoint: 'http://127.0.0.1:1', timeout: '${{http://{}/timeout}}'}}",
        web.address
    );
    let (code, out, err) = weir(&["print-config", "--config", &source, "--set", &set]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("timeout: 7s") && out.contains("nop:"), "{out}");
    assert!(!err.contains("hunter2"), "{err}");
    let requests = web.requests.lock().expect("no test panicked");
    assert_eq!(requests.len(), 3, "{requests:?}");
    for request in &requests[..2] {
        assert!(
            request
                .to_lowercase()
                .contains("authorization: basic dxnlcjpodw50zxiy"),
            "{request}"
        );
    }
}

#[test]
fn what_cannot_be_fetched_is_named_with_the_reason() {
    let web = serve();
    let closed = TcpListener::bind("127.0.0.1:0").expect("bound");
    let nobody = closed.local_addr().expect("address").to_string();
    drop(closed);
    for (host, path, part) in [
        (
            &web.address,
            "/missing?token=hunter2",
            "status 404 Not Found instead of 200",
        ),
        (&web.address, "/round", "more than 10 redirections"),
        (&web.address, "/large", "more than 16 MiB"),
        (&nobody, "/weir.yaml", "onnect"),
    ] {
        let (code, out, err) = weir(&[
            "validate",
            "--config",
            &format!("http://user:hunter2@{host}{path}"),
        ]);
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        let shown = format!("http://{host}{}", path.split('?').next().expect("a path"));
        assert!(err.contains(part) && err.contains(&shown), "{part}: {err}");
        assert!(!err.contains("hunter2"), "{err}");
    }
}
