use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Notify;
use weir_component::Host;
use weir_component::config::OnUnlessDisabled;

use super::*;
use crate::compression::{Encoder, Encoding};
use crate::config::{Dialer, Headers};
use crate::testing::{
    PATIENCE, address_of, grpc_server, http_server, port_of, service, soon, transport, violations,
};

/// Answers with peer port, version and body.
async fn describe(request: Request<Incoming>) -> Response<Body> {
    let info = request.extensions().get::<Arc<ConnectionInfo>>().unwrap().clone();
    let (version, peer) = (request.version(), info.peer);
    let body = request.into_body().collect().await.unwrap().to_bytes();
    Body::from(format!(
        "{version:?} {} {}",
        peer.map_or(0, |peer| peer.port()),
        body.len()
    ))
    .into_response()
}

trait IntoResponse {
    fn into_response(self) -> Response<Body>;
}

impl IntoResponse for Body {
    fn into_response(self) -> Response<Body> {
        Response::new(self)
    }
}

fn post(running: &Running, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::new(body.into());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::try_from(format!("http://127.0.0.1:{}/in", port_of(running))).unwrap();
    request
}

async fn text(response: Response<Incoming>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// How a client begins an HTTP/2 connection: the preface, and settings that change nothing.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A gRPC server that keeps its connections in this way.
fn keeping_alive(keepalive: Keepalive) -> GrpcServer {
    GrpcServer {
        keepalive: OnUnlessDisabled::on(keepalive),
        ..grpc_server()
    }
}

/// Reads until the peer closes the connection.
async fn read_to_close(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes))
        .await
        .expect("connection stays open");
    // A reset is a way of closing, too.
    read.map(|_| bytes).unwrap_or_default()
}

#[tokio::test]
async fn one_port_speaks_both_versions_and_names_the_peer() {
    let running = http_server()
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(describe));
    for (http2, version) in [(false, "HTTP/1.1"), (true, "HTTP/2.0")] {
        let response = transport(http2)
            .send(post(&running, vec![b'x'; 100_000].leak() as &[u8]))
            .await
            .unwrap();
        let text = text(response).await;
        let parts: Vec<_> = text.split(' ').collect();
        assert_eq!((parts[0], parts[2]), (version, "100000"));
        assert_ne!(parts[1], "0");
    }
    assert_eq!(running.shutdown(soon()).await, Drained { cut: 0 });
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Self {
        Self::from(Bytes::from_static(bytes))
    }
}

#[tokio::test]
async fn endpoints_are_resolved() {
    for (endpoint, transport) in [
        ("localhost:0", "tcp"),
        (":0", "tcp"),
        ("0.0.0.0:0", "tcp4"),
        ("127.0.0.1:0", "tcp"),
    ] {
        let server = HttpServer {
            endpoint: endpoint.into(),
            transport: transport.into(),
            ..http_server()
        };
        let running = server
            .bind(&Host::default())
            .await
            .unwrap()
            .start(service(describe));
        TcpStream::connect(("127.0.0.1", port_of(&running)))
            .await
            .unwrap();
    }
    let taken = http_server().bind(&Host::default()).await.unwrap();
    let again = HttpServer {
        endpoint: taken.local_address().to_string(),
        ..http_server()
    }
    .bind(&Host::default())
    .await
    .unwrap_err();
    assert_eq!(
        again.to_string(),
        format!("cannot listen on tcp endpoint `{}`", taken.local_address())
    );
}

#[tokio::test]
async fn unix_sockets_are_served_replaced_when_stale_and_removed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("weir.sock");
    // A process that died leaves its file behind.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let config = HttpServer {
        endpoint: path.to_str().unwrap().into(),
        transport: "unix".into(),
        ..HttpServer::default()
    };
    let running = config
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(describe));
    assert!(
        config.bind(&Host::default()).await.is_err(),
        "a socket in use must not be replaced"
    );
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("HTTP/1.1 0 0"), "{answer}");
    running.shutdown(soon()).await;
    assert!(!path.exists());
}

#[tokio::test]
async fn abstract_unix_sockets_leave_no_file() {
    let name = format!("@weir-test-{}", std::process::id());
    let config = HttpServer {
        endpoint: name.clone(),
        transport: "unix".into(),
        ..HttpServer::default()
    };
    let server = config.bind(&Host::default()).await.unwrap();
    assert_eq!(server.local_address(), &LocalAddress::Unix(name.clone()));
    assert!(!std::path::Path::new(&name).exists());
}

#[tokio::test]
async fn shutdown_finishes_requests_in_flight_and_refuses_new_connections() {
    for http2 in [false, true] {
        let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let notify = (Arc::clone(&entered), Arc::clone(&release));
        let running = http_server()
            .bind(&Host::default())
            .await
            .unwrap()
            .start(service(move |_| {
                let (entered, release) = notify.clone();
                async move {
                    entered.notify_one();
                    release.notified().await;
                    Body::from("finished").into_response()
                }
            }));
        let address = address_of(&running);
        let transport = transport(http2);
        let request = tokio::task::JoinSet::from_iter([{
            let request = post(&running, Body::empty());
            async move { text(transport.send(request).await.unwrap()).await }
        }]);
        entered.notified().await;
        let (drained, answer) = tokio::join!(running.shutdown(soon()), async {
            // The listener is gone as soon as the accept loop has seen the signal.
            while TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await;
            }
            release.notify_one();
            request.join_all().await
        });
        assert_eq!(answer, ["finished"]);
        assert_eq!(drained, Drained { cut: 0 });
    }
}

#[tokio::test]
async fn shutdown_cuts_what_is_left_at_the_deadline() {
    let entered = Arc::new(Notify::new());
    let notify = Arc::clone(&entered);
    let running = http_server()
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(move |_| {
            notify.notify_one();
            std::future::pending()
        }));
    let transport = transport(true);
    let request = post(&running, Body::empty());
    let (answer, drained) = tokio::join!(transport.send(request), async {
        entered.notified().await;
        running.shutdown(Instant::now() + Duration::from_millis(20)).await
    });
    assert!(answer.is_err());
    assert!(drained.cut > 0);
}

#[tokio::test]
async fn connections_end_when_idle_and_before_they_have_said_anything() {
    let config = HttpServer {
        idle_timeout: Duration::from_millis(30),
        ..http_server()
    };
    let running = config
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(describe));
    // Silence, half a preface of HTTP/2, a finished request.
    let cases: [(&[u8], bool); 3] = [
        (b"", false),
        (b"PRI * HT", false),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true),
    ];
    for (bytes, answered) in cases {
        let mut stream = TcpStream::connect(address_of(&running)).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        assert_eq!(
            read_to_close(&mut stream).await.starts_with(b"HTTP/1.1 200"),
            answered
        );
    }
}

#[tokio::test]
async fn a_request_in_flight_is_not_idle() {
    let config = HttpServer {
        idle_timeout: Duration::from_millis(20),
        ..http_server()
    };
    let running = config
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(|_| async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Body::from("late").into_response()
        }));
    assert_eq!(
        text(
            transport(false)
                .send(post(&running, Body::empty()))
                .await
                .unwrap()
        )
        .await,
        "late"
    );
    assert_eq!(
        text(transport(true).send(post(&running, Body::empty())).await.unwrap()).await,
        "late"
    );
}

#[tokio::test]
async fn half_a_header_is_not_waited_for() {
    let config = HttpServer {
        read_header_timeout: Duration::from_millis(30),
        idle_timeout: Duration::ZERO,
        ..http_server()
    };
    let running = config
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(describe));
    let mut stream = TcpStream::connect(address_of(&running)).await.unwrap();
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        .await
        .unwrap();
    read_to_close(&mut stream).await;
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_dropped() {
    let config = HttpServer {
        write_timeout: Duration::from_millis(30),
        ..http_server()
    };
    let running = config
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(|_| async {
            // More than socket buffers hold.
            Body::from(Bytes::from(vec![0; 64 << 20])).into_response()
        }));
    let mut stream = TcpStream::connect(address_of(&running)).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    stream.readable().await.unwrap();
    assert_eq!(running.shutdown(soon()).await, Drained { cut: 0 });
}

#[tokio::test]
async fn keep_alive_can_be_off() {
    let config = HttpServer {
        keep_alives_enabled: false,
        ..http_server()
    };
    let running = config
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(describe));
    let mut stream = TcpStream::connect(address_of(&running)).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    assert!(read_to_close(&mut stream).await.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn old_connections_are_asked_to_end_and_their_calls_finish() {
    let parameters = ServerParameters {
        max_connection_age: Duration::from_millis(30),
        ..ServerParameters::default()
    };
    let config = keeping_alive(Keepalive {
        server_parameters: OnUnlessDisabled::on(parameters),
        ..Keepalive::default()
    });
    let release = Arc::new(Notify::new());
    let notify = Arc::clone(&release);
    let running = config
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(move |_| {
            let release = Arc::clone(&notify);
            async move {
                release.notified().await;
                Body::from("finished").into_response()
            }
        }));
    let stream = TcpStream::connect(address_of(&running)).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let (ended, answer) = tokio::join!(connection, async {
        let answer = sender.send_request(post(&running, Body::empty()));
        // The server says goodbye while the call is open; then the call may finish.
        let (answer, ()) = tokio::join!(answer, async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            release.notify_one();
        });
        text(answer.unwrap()).await
    });
    ended.unwrap();
    assert_eq!(answer, "finished");
}

#[tokio::test]
async fn silent_clients_are_pinged_if_asked_for() {
    let parameters = ServerParameters {
        time: Duration::from_millis(20),
        ..ServerParameters::default()
    };
    let config = keeping_alive(Keepalive {
        server_parameters: OnUnlessDisabled::on(parameters),
        ..Keepalive::default()
    });
    let running = config
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(describe));
    let mut stream = TcpStream::connect(address_of(&running)).await.unwrap();
    stream.write_all(HELLO).await.unwrap();
    // Spec: RFC 9113, section 6.7.
    const PING: u8 = 6;
    let pinged = async {
        loop {
            let mut header = [0; 9];
            stream.read_exact(&mut header).await.unwrap();
            let [_, high, low, kind, ..] = header;
            let mut payload = vec![0; usize::from(u16::from_be_bytes([high, low]))];
            stream.read_exact(&mut payload).await.unwrap();
            if kind == PING {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, pinged)
        .await
        .expect("there is a ping");
}

#[tokio::test]
async fn lost_clients_are_found_by_tcp() {
    let endpoint = listener::Endpoint {
        address: "127.0.0.1:0".to_owned(),
        transport: "tcp".to_owned(),
    };
    let (listener, local) = endpoint.listen(Host::default().sockets()).await.unwrap();
    let LocalAddress::Tcp(address) = local else {
        panic!("{local} is no TCP address");
    };
    let (accepted, _client) = tokio::join!(listener.accept(), TcpStream::connect(address));
    let listener::Accepted::Tcp(stream, _) = accepted.unwrap() else {
        panic!("not accepted over TCP");
    };
    let socket = socket2::SockRef::from(&stream);
    assert!(socket.keepalive().unwrap());
    let (time, interval) = (
        socket.tcp_keepalive_time().unwrap(),
        socket.tcp_keepalive_interval().unwrap(),
    );
    assert_eq!(
        (time, interval),
        (Duration::from_secs(15), Duration::from_secs(15))
    );
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 9);
}

#[tokio::test]
async fn calls_that_outlive_the_grace_are_cut() {
    let parameters = ServerParameters {
        max_connection_age: Duration::from_millis(20),
        max_connection_age_grace: Duration::from_millis(20),
        ..ServerParameters::default()
    };
    let config = keeping_alive(Keepalive {
        server_parameters: OnUnlessDisabled::on(parameters),
        ..Keepalive::default()
    });
    let running = config
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(|_| std::future::pending()));
    assert!(transport(true).send(post(&running, Body::empty())).await.is_err());
}

#[tokio::test]
async fn clients_that_ping_too_often_are_disconnected_if_the_policy_says_so() {
    let policy = EnforcementPolicy {
        min_time: Duration::from_secs(3600),
        permit_without_stream: true,
    };
    let config = keeping_alive(Keepalive {
        enforcement_policy: OnUnlessDisabled::on(policy),
        ..Keepalive::default()
    });
    let running = config
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(describe));
    let mut stream = TcpStream::connect(address_of(&running)).await.unwrap();
    let ping = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    let bytes = [HELLO, &ping.repeat(4)].concat();
    stream.write_all(&bytes).await.unwrap();
    read_to_close(&mut stream).await;
}

#[tokio::test]
async fn a_grpc_port_speaks_http2_only() {
    let running = grpc_server()
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(describe));
    let mut stream = TcpStream::connect(address_of(&running)).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    assert!(!read_to_close(&mut stream).await.starts_with(b"HTTP/1.1"));
    let response = transport(true).send(post(&running, Body::empty())).await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
}

#[tokio::test]
async fn read_buffers_change_nothing_but_speed() {
    for read_buffer_size in [0, 1, 100, 512 << 10] {
        let config = GrpcServer {
            read_buffer_size,
            write_buffer_size: read_buffer_size,
            ..grpc_server()
        };
        let running = config
            .bind(&Host::default())
            .await
            .unwrap()
            .start(service(describe));
        let transport = transport(true);
        for len in [0, 10, 70_000, 1_000_000] {
            let body = Body::from(Bytes::from(vec![1; len]));
            let text = text(transport.send(post(&running, body)).await.unwrap()).await;
            assert_eq!(text.rsplit(' ').next().unwrap(), len.to_string());
        }
    }
}

#[tokio::test]
async fn bodies_are_read_by_policy() {
    let config = HttpServer {
        max_request_body_size: 1000,
        read_timeout: Duration::from_millis(200),
        compression_algorithms: [Encoding::Gzip, Encoding::Snappy].into_iter().collect(),
        ..http_server()
    };
    let policy = config.body_policy();
    let running = config
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(move |request| {
            let policy = policy.clone();
            async move {
                let (head, body) = request.into_parts();
                let read = match policy.announced(&head.headers) {
                    Ok(announced) => announced.read(body).await,
                    Err(error) => Err(error),
                };
                Body::from(read.map_or_else(
                    |error| error.to_string(),
                    |bytes| format!("{} bytes", bytes.len()),
                ))
                .into_response()
            }
        }));
    let send = async |encoding: &'static str, body: Vec<u8>, chunked: bool| {
        let chunks = if chunked {
            body.chunks(100).map(Bytes::copy_from_slice).collect()
        } else {
            vec![Bytes::from(body)]
        };
        let mut request = post(&running, Body::from_chunks(chunks));
        if !encoding.is_empty() {
            request
                .headers_mut()
                .insert("content-encoding", HeaderValue::from_static(encoding));
        }
        text(transport(false).send(request).await.unwrap()).await
    };
    let compress = |encoding, len: usize| {
        let mut output = Vec::new();
        Encoder::new(encoding, 0)
            .encode(&vec![7; len], &mut output)
            .unwrap();
        output
    };
    assert_eq!(
        send("gzip", compress(Encoding::Gzip, 1000), false).await,
        "1000 bytes"
    );
    assert_eq!(
        send("Snappy", compress(Encoding::SnappyFramed, 1000), false).await,
        "1000 bytes"
    );
    assert_eq!(
        send("gzip", compress(Encoding::Gzip, 1001), false).await,
        "request body exceeds the limit of 1000 bytes"
    );
    assert_eq!(
        send("gzip", vec![0; 1001], false).await,
        "request body exceeds the limit of 1000 bytes"
    );
    assert_eq!(
        send("", vec![0; 10], false).await,
        "content encoding `identity` is not accepted"
    );
    assert_eq!(
        send("zstd", vec![0; 10], false).await,
        "content encoding `zstd` is not accepted"
    );
    assert_eq!(send("br", vec![0; 10], false).await, "unsupported encoding `br`");
    assert!(
        send("gzip", vec![0; 10], false)
            .await
            .starts_with("malformed gzip body")
    );

    let mut stream = TcpStream::connect(address_of(&running)).await.unwrap();
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\nabc";
    stream.write_all(head).await.unwrap();
    let answer = String::from_utf8(read_to_close(&mut stream).await).unwrap();
    assert!(
        answer.ends_with("request body was not received in time"),
        "{answer}"
    );
    let mut stream = TcpStream::connect(address_of(&running)).await.unwrap();
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head).await.unwrap();
    stream
        .write_all(format!("500\r\n{}\r\n", "x".repeat(0x500)).as_bytes())
        .await
        .unwrap();
    let mut answer = vec![0; 4096];
    let len = stream.read(&mut answer).await.unwrap();
    assert!(String::from_utf8_lossy(&answer[..len]).contains("exceeds the limit of 1000 bytes"));
}

#[tokio::test]
async fn no_algorithms_pass_bodies_on_as_they_are() {
    let raw = HttpServer {
        compression_algorithms: [].into_iter().collect(),
        ..http_server()
    }
    .body_policy();
    let headers =
        http::HeaderMap::from_iter([(http::header::CONTENT_ENCODING, HeaderValue::from_static("br"))]);
    let body = raw
        .announced(&headers)
        .unwrap()
        .read(Body::from("coded"))
        .await
        .unwrap();
    assert_eq!(body, "coded");
}

#[tokio::test]
async fn response_headers_and_cors_go_around_the_service() {
    let config: HttpServer = serde_yaml::from_str(
        "{endpoint: '127.0.0.1:0', response_headers: {X-Served-By: weir}, cors: {allowed_origins: ['https://*.test']}}",
    )
    .unwrap();
    let running = config
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(describe));
    let mut request = post(&running, Body::empty());
    request
        .headers_mut()
        .insert("origin", HeaderValue::from_static("https://a.test"));
    let response = transport(false).send(request).await.unwrap();
    assert_eq!(response.headers()["x-served-by"], "weir");
    assert_eq!(
        response.headers()["access-control-allow-origin"],
        "https://a.test"
    );

    let mut preflight = post(&running, Body::empty());
    *preflight.method_mut() = Method::OPTIONS;
    preflight
        .headers_mut()
        .insert("origin", HeaderValue::from_static("https://a.test"));
    preflight
        .headers_mut()
        .insert("access-control-request-method", HeaderValue::from_static("POST"));
    let response = transport(false).send(preflight).await.unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(response.headers()["access-control-allow-methods"], "POST");
}

#[test]
fn sections_are_read_over_defaults() {
    let config: HttpServer = serde_yaml::from_str(
        "{endpoint: 'a:1', idle_timeout: 5s, compression_algorithms: ['', gzip], tls: {cert_file: c, key_file: k, min_version: '1.3'}}",
    )
    .unwrap();
    assert_eq!(config.idle_timeout, Duration::from_secs(5));
    assert_eq!(config.write_timeout, Duration::from_secs(30));
    assert!(config.compression_algorithms.contains(Encoding::Identity));
    assert!(!config.compression_algorithms.contains(Encoding::Zstd));
    assert_eq!(config.tls.as_ref().unwrap().files.min_version, "1.3");
    assert!(violations(&config).is_empty());
    let written = weir_component::config::reveal(|| serde_yaml::to_string(&config).unwrap());
    assert_eq!(serde_yaml::from_str::<HttpServer>(&written).unwrap(), config);

    let unknown = serde_yaml::from_str::<HttpServer>("{endpiont: x}")
        .unwrap_err()
        .to_string();
    assert!(
        unknown.contains("unknown field `endpiont`, expected one of `endpoint`, `transport`"),
        "{unknown}"
    );
    assert!(
        serde_yaml::from_str::<HttpServer>("{compression_algorithms: [br]}")
            .unwrap_err()
            .to_string()
            .contains("`br`")
    );

    let yaml = "{keepalive: {server_parameters: {max_connection_age: 1m}, enforcement_policy: {enabled: false}}, max_recv_msg_size_mib: 8}";
    let config: GrpcServer = serde_yaml::from_str(yaml).unwrap();
    let keepalive = config.keepalive.as_ref().unwrap();
    assert_eq!(
        keepalive.server_parameters.as_ref().unwrap().max_connection_age,
        Duration::from_secs(60)
    );
    assert!(!keepalive.enforcement_policy.is_on());
    assert_eq!(config.limits().max_message_bytes, 8 << 20);
}

#[test]
fn what_is_not_honoured_is_refused() {
    let config: HttpServer = serde_yaml::from_str(
        "{endpoint: localhost, auth: {}, middlewares: [{id: m}, {}], dialer: {timeout: 1s}, tls: {}}",
    )
    .unwrap();
    assert_eq!(
        violations(&config),
        [
            "endpoint: `localhost` is not `host:port` with a port from 0 to 65535",
            "dialer: a server does not dial: remove it",
            "tls: a server needs a certificate and a key: set cert_file and key_file, or cert_pem and key_pem",
            "auth::authenticator: required: the id of an extension",
            "middlewares::1::id: required: the id of an extension",
        ]
    );
    let config = GrpcServer {
        transport: "udp".into(),
        max_recv_msg_size_mib: -1,
        dialer: Dialer::default(),
        ..grpc_server()
    };
    assert_eq!(
        violations(&config),
        [
            "transport: transport `udp` is not supported, use tcp, tcp4, tcp6 or unix",
            "max_recv_msg_size_mib: must be from 0 to 4095",
        ]
    );
    let config = HttpServer {
        response_headers: Headers::new([("bad name", "x")]),
        ..http_server()
    };
    assert_eq!(
        violations(&config),
        ["response_headers::bad name: `bad name` is not a header name"]
    );
}

/// Sends a request on a connection of its own that is not answered yet.
async fn ask(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    stream
}

#[tokio::test]
async fn a_server_takes_the_port_over_with_whoever_waits() {
    let host = Host::default();
    let first = http_server().bind(&host).await.unwrap().start(service(describe));
    let port = port_of(&first);
    let other = http_server().bind(&host).await.unwrap();
    assert_ne!(other.local_address(), first.local_address(), "nobody keeps");
    drop(other);
    let keeping = host.sockets().keep();
    assert_eq!(first.shutdown(soon()).await, Drained { cut: 0 });
    let mut waiting = ask(port).await;
    let second = http_server().bind(&host).await.unwrap().start(service(describe));
    drop(keeping);
    assert_eq!(port_of(&second), port);
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    second.shutdown(soon()).await;
    TcpStream::connect(("127.0.0.1", port))
        .await
        .expect_err("nobody listens");
}

#[tokio::test]
async fn a_port_moves_to_all_interfaces() {
    let host = Host::default();
    let first = http_server().bind(&host).await.unwrap().start(service(describe));
    let port = port_of(&first);
    let wide = HttpServer {
        endpoint: format!("0.0.0.0:{port}"),
        ..http_server()
    };
    let _keeping = host.sockets().keep();
    first.shutdown(soon()).await;
    let wide = wide.bind(&host).await.unwrap().start(service(describe));
    let mut answer = String::new();
    ask(port).await.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    wide.shutdown(soon()).await;
}

#[tokio::test]
async fn the_file_of_a_unix_socket_stays_for_the_next_server() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("weir.sock");
    let config = HttpServer {
        endpoint: path.to_str().unwrap().into(),
        transport: "unix".into(),
        ..HttpServer::default()
    };
    let host = Host::default();
    let first = config.bind(&host).await.unwrap().start(service(describe));
    let keeping = host.sockets().keep();
    first.shutdown(soon()).await;
    assert!(path.exists());
    let second = config.bind(&host).await.unwrap().start(service(describe));
    drop(keeping);
    UnixStream::connect(&path).await.expect("served");
    second.shutdown(soon()).await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_new_connection_is_answered_once_although_the_server_is_closing() {
    let running = http_server()
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(describe));
    // Of two connections one has been used: the server has accepted both.
    let mut new = TcpStream::connect(("127.0.0.1", port_of(&running)))
        .await
        .unwrap();
    let mut used = TcpStream::connect(("127.0.0.1", port_of(&running)))
        .await
        .unwrap();
    used.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    used.read_exact(&mut [0; 12]).await.unwrap();
    let drained = running.shutdown(soon());
    let clients = async {
        read_to_close(&mut used).await;
        new.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        String::from_utf8(read_to_close(&mut new).await).unwrap()
    };
    let (drained, answer) = tokio::join!(drained, clients);
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"),
        "{answer}"
    );
    assert_eq!(drained, Drained { cut: 0 });
}
