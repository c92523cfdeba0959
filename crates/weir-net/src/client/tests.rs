use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Barrier, Notify};
use tokio::task::JoinSet;
use weir_component::config::{OffUnlessSet, Secret};
use weir_component::{ConsumeError, Host, Retry};

use super::*;
use crate::body::Body;
use crate::compression::Encoding;
use crate::config::Headers;
use crate::server::{ConnectionInfo, HttpServer, Running};
use crate::testing::{Authority, http_server, port_of, service, violations};
use crate::tls::{TlsClient, TlsFiles, TlsServer};

/// Answers with the request as it arrived: version, method, URI, headers, then the body.
async fn mirror(request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let peer = head
        .extensions
        .get::<Arc<ConnectionInfo>>()
        .and_then(|info| info.peer)
        .map_or(0, |peer| peer.port());
    let mut text = format!("{:?} {} {}\npeer: {peer}\n", head.version, head.method, head.uri);
    for (name, value) in &head.headers {
        text.push_str(&format!(
            "{name}: {}\n",
            String::from_utf8_lossy(value.as_bytes())
        ));
    }
    text.push('\n');
    let body = body.collect().await.unwrap().to_bytes();
    Response::new(Body::from_chunks([Bytes::from(text), body]))
}

async fn mirror_server() -> Running {
    http_server()
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(mirror))
}

fn target(running: &Running) -> Target {
    Target::parse(&format!("http://127.0.0.1:{}/in?a=b", port_of(running))).unwrap()
}

fn client(config: &HttpClient) -> Client {
    config
        .build(&Host::default(), &ProxyEnvironment::default(), "weir-test/1")
        .unwrap()
}

/// Sends a small POST and returns the mirror's text.
async fn send(client: &Client, target: &Target) -> String {
    let reply = client
        .send(Outgoing::post(
            target,
            "text/plain",
            Bytes::from_static(b"payload"),
        ))
        .await
        .unwrap();
    assert_eq!(reply.status, StatusCode::OK);
    String::from_utf8_lossy(&reply.body).into_owned()
}

fn line(text: &str, name: &str) -> Option<String> {
    text.lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned))
}

#[tokio::test]
async fn configured_headers_replace_those_of_the_component() {
    let running = mirror_server().await;
    let config = HttpClient {
        headers: Headers::new([
            ("Content-Type", "x/y"),
            ("X-Scope", "tenant"),
            ("Host", "virtual.test"),
        ]),
        ..HttpClient::default()
    };
    let text = send(&client(&config), &target(&running)).await;
    assert!(text.starts_with("HTTP/1.1 POST /in?a=b\n"), "{text}");
    assert!(text.ends_with("\n\npayload"));
    assert_eq!(line(&text, "content-type").unwrap(), "x/y");
    assert_eq!(line(&text, "x-scope").unwrap(), "tenant");
    assert_eq!(line(&text, "host").unwrap(), "virtual.test");
    assert_eq!(line(&text, "user-agent").unwrap(), "weir-test/1");
    assert_eq!(line(&text, "authorization"), None);
}

#[tokio::test]
async fn user_information_of_the_url_authorizes_unless_headers_do() {
    let running = mirror_server().await;
    let target = Target::parse(&format!("http://user:pass@127.0.0.1:{}/", port_of(&running))).unwrap();
    let text = send(&client(&HttpClient::default()), &target).await;
    assert_eq!(line(&text, "authorization").unwrap(), "Basic dXNlcjpwYXNz");
    let config = HttpClient {
        headers: Headers::new([("authorization", "Bearer token")]),
        ..HttpClient::default()
    };
    let text = send(&client(&config), &target).await;
    assert_eq!(line(&text, "authorization").unwrap(), "Bearer token");
}

#[tokio::test]
async fn bodies_are_compressed_once() {
    let running = mirror_server().await;
    for encoding in Encoding::ALL
        .into_iter()
        .filter(|encoding| *encoding != Encoding::Identity)
    {
        let config = HttpClient {
            compression: Compression(encoding),
            ..HttpClient::default()
        };
        let client = client(&config);
        let target = target(&running);
        for len in [10, 500_000] {
            let body = Bytes::from(vec![b'x'; len]);
            let reply = client.send(Outgoing {
                max_reply_bytes: 1 << 20,
                ..Outgoing::post(&target, "text/plain", body.clone())
            });
            let reply = reply.await.unwrap();
            let split = reply
                .body
                .windows(2)
                .position(|window| window == b"\n\n")
                .unwrap()
                + 2;
            let head = String::from_utf8_lossy(&reply.body[..split]).into_owned();
            assert_eq!(line(&head, "content-encoding").unwrap(), encoding.as_str());
            assert_eq!(encoding.decode(reply.body.slice(split..), 1 << 20).unwrap(), body);
        }
        let mut done = Outgoing::post(&target, "text/plain", Bytes::from_static(b"coded already"));
        done.headers
            .insert(header::CONTENT_ENCODING, HeaderValue::from_static("own"));
        let reply = client.send(done).await.unwrap();
        assert!(reply.body.ends_with(b"coded already"));
    }
}

#[tokio::test]
async fn answers_are_read_to_a_bound_and_redirects_are_answers() {
    let running = http_server()
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(|_| async {
            let mut response = Response::new(Body::from(Bytes::from(vec![b'x'; 1000])));
            *response.status_mut() = StatusCode::FOUND;
            response
                .headers_mut()
                .insert(header::LOCATION, HeaderValue::from_static("/elsewhere"));
            response
        }));
    let client = client(&HttpClient::default());
    let target = target(&running);
    for (max_reply_bytes, len, truncated) in [(999, 999, true), (1000, 1000, false), (0, 0, true)] {
        let outgoing = Outgoing {
            context: weir_component::Context::default(),
            max_reply_bytes,
            method: Method::GET,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            target: &target,
        };
        let reply = client.send(outgoing).await.unwrap();
        assert_eq!(
            (reply.status, reply.body.len(), reply.truncated),
            (StatusCode::FOUND, len, truncated)
        );
    }
}

#[tokio::test]
async fn failures_say_what_happened() {
    let refused = Target::parse("http://127.0.0.1:1/").unwrap();
    let error = client(&HttpClient::default())
        .send(Outgoing::post(&refused, "text/plain", Bytes::new()))
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::Connect { .. }));
    let text = error.to_string();
    assert!(
        text.starts_with("cannot connect to `127.0.0.1:1`: ") && text.contains("refused"),
        "{text}"
    );
    assert_eq!(ConsumeError::from(error).retry(), Retry::Later);

    let hanging = http_server()
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(|_| std::future::pending()));
    let config = HttpClient {
        timeout: Duration::from_millis(20),
        ..HttpClient::default()
    };
    let error = client(&config)
        .send(Outgoing::post(&target(&hanging), "text/plain", Bytes::new()))
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::Timeout(_)));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let (error, ()) = tokio::join!(
        async {
            client(&HttpClient::default())
                .send(Outgoing::post(&target, "text/plain", Bytes::new()))
                .await
                .unwrap_err()
        },
        async { drop(listener.accept().await.unwrap()) },
    );
    assert!(matches!(error, SendError::Request { .. }), "{error}");
}

#[tokio::test]
async fn connections_are_reused_unless_forbidden() {
    let running = mirror_server().await;
    for (disable_keep_alives, reused) in [(false, true), (true, false)] {
        let client = client(&HttpClient {
            disable_keep_alives,
            ..HttpClient::default()
        });
        let first = line(&send(&client, &target(&running)).await, "peer");
        let second = line(&send(&client, &target(&running)).await, "peer");
        assert_eq!(first == second, reused);
    }
}

#[tokio::test]
async fn requests_in_flight_keep_their_connections_unless_forbidden() {
    const IN_FLIGHT: usize = 6;
    const ROUNDS: usize = 10;
    let all_here = Arc::new(Barrier::new(IN_FLIGHT));
    let running = http_server()
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(move |request| {
            let all_here = Arc::clone(&all_here);
            async move {
                all_here.wait().await;
                mirror(request).await
            }
        }));
    for (max_idle_conns_per_host, kept) in [(0, true), (2, false)] {
        let client = client(&HttpClient {
            max_idle_conns_per_host,
            ..HttpClient::default()
        });
        let mut peers = HashSet::new();
        for _ in 0..ROUNDS {
            let mut requests = JoinSet::new();
            for _ in 0..IN_FLIGHT {
                let (client, target) = (client.clone(), target(&running));
                requests.spawn(async move { line(&send(&client, &target).await, "peer") });
            }
            peers.extend(requests.join_all().await);
        }
        // A connection that is only about to be idle when the next round begins may be replaced once.
        assert_eq!(peers.len() <= 2 * IN_FLIGHT, kept, "{} connections", peers.len());
    }
}

#[tokio::test]
async fn no_more_connections_per_host_than_allowed() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let shared = (
        Arc::clone(&now),
        Arc::clone(&most),
        Arc::clone(&entered),
        Arc::clone(&release),
    );
    let running = http_server()
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(move |_| {
            let (now, most, entered, release) = shared.clone();
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                entered.notify_one();
                release.notified().await;
                now.fetch_sub(1, Ordering::SeqCst);
                Response::new(Body::empty())
            }
        }));
    let client = client(&HttpClient {
        max_conns_per_host: 2,
        ..HttpClient::default()
    });
    let mut requests = JoinSet::new();
    for _ in 0..6 {
        let (client, target) = (client.clone(), target(&running));
        requests.spawn(async move {
            client
                .send(Outgoing::post(&target, "text/plain", Bytes::new()))
                .await
                .unwrap()
                .status
        });
    }
    for _ in 0..6 {
        entered.notified().await;
        release.notify_one();
    }
    assert_eq!(requests.join_all().await, [StatusCode::OK; 6]);
    assert!(most.load(Ordering::SeqCst) <= 2);
}

/// A server with TLS for `backend.test` and the section of a client that trusts it.
async fn tls_server(change: impl FnOnce(&mut TlsServer)) -> (Running, TlsClient) {
    let authority = Authority::new();
    let (certificate, key) = authority.sign(&["localhost", "backend.test"]);
    let files = TlsFiles {
        cert_pem: Secret::new(certificate),
        key_pem: Secret::new(key),
        ..TlsFiles::default()
    };
    let mut section = TlsServer {
        files,
        ..TlsServer::default()
    };
    change(&mut section);
    let config = HttpServer {
        tls: OffUnlessSet::on(section),
        ..http_server()
    };
    let running = config
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(mirror));
    let files = TlsFiles {
        ca_pem: Secret::new(authority.pem),
        ..TlsFiles::default()
    };
    (
        running,
        TlsClient {
            files,
            ..TlsClient::default()
        },
    )
}

#[tokio::test]
async fn tls_negotiates_http2_unless_told_otherwise() {
    let (running, tls) = tls_server(|_| {}).await;
    let target = Target::parse(&format!("https://localhost:{}/", port_of(&running))).unwrap();
    for (force_attempt_http2, version) in [(true, Version::HTTP_2), (false, Version::HTTP_11)] {
        let config = HttpClient {
            tls: tls.clone(),
            force_attempt_http2,
            ..HttpClient::default()
        };
        let reply = client(&config)
            .send(Outgoing::post(&target, "text/plain", Bytes::new()))
            .await
            .unwrap();
        assert_eq!(reply.version, version);
    }
    let config = HttpClient {
        tls: tls.clone(),
        headers: Headers::new([("host", "virtual.test")]),
        ..HttpClient::default()
    };
    let text = send(&client(&config), &target).await;
    assert!(text.starts_with("HTTP/1.1 POST /"), "{text}");
    assert_eq!(line(&text, "host").unwrap(), "virtual.test");

    let error = client(&HttpClient::default())
        .send(Outgoing::post(&target, "text/plain", Bytes::new()))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
}

/// A proxy that serves CONNECT and plain requests, sends everything to one address and notes the request heads.
async fn proxy(backend: u16) -> (u16, Arc<std::sync::Mutex<Vec<String>>>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heads = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = Arc::clone(&heads);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let noted = Arc::clone(&noted);
            connections.spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    stream.read_line(&mut head).await.unwrap();
                }
                noted.lock().unwrap().push(head.clone());
                let mut backend = TcpStream::connect(("127.0.0.1", backend)).await.unwrap();
                if head.starts_with("CONNECT ") {
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                } else {
                    backend.write_all(head.as_bytes()).await.unwrap();
                }
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut backend).await;
            });
        }
    });
    (port, heads, tasks)
}

#[tokio::test]
async fn https_goes_through_a_tunnel() {
    let (running, tls) = tls_server(|_| {}).await;
    let (port, heads, _tasks) = proxy(port_of(&running)).await;
    let target = Target::parse("https://backend.test/in").unwrap();
    let config = HttpClient {
        tls,
        proxy_url: format!("http://us%20er:pass@127.0.0.1:{port}"),
        ..HttpClient::default()
    };
    let reply = client(&config)
        .send(Outgoing::post(&target, "text/plain", Bytes::new()))
        .await
        .unwrap();
    assert_eq!(reply.version, Version::HTTP_2);
    let head = heads.lock().unwrap().remove(0);
    assert!(
        head.starts_with("CONNECT backend.test:443 HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.contains("Proxy-Authorization: Basic dXMgZXI6cGFzcw=="),
        "{head}"
    );
}

#[tokio::test]
async fn plaintext_grpc_goes_through_a_tunnel() {
    let running = mirror_server().await;
    let (port, heads, _tasks) = proxy(port_of(&running)).await;
    let environment = ProxyEnvironment {
        https_proxy: format!("127.0.0.1:{port}"),
        ..ProxyEnvironment::default()
    };
    let settings = TransportSettings {
        http2_only: true,
        ..TransportSettings::default()
    };
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = http::Uri::from_static("http://backend.test:4317/");
    let response = Transport::new(&settings, &environment)
        .unwrap()
        .send(request)
        .await
        .unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    assert!(heads.lock().unwrap()[0].starts_with("CONNECT backend.test:4317 HTTP/1.1\r\n"));
}

#[tokio::test]
async fn http_names_its_whole_url_to_the_proxy() {
    let running = mirror_server().await;
    let (port, heads, _tasks) = proxy(port_of(&running)).await;
    let environment = ProxyEnvironment {
        http_proxy: format!("http://user:pass@127.0.0.1:{port}"),
        ..ProxyEnvironment::default()
    };
    let client = HttpClient::default()
        .build(&Host::default(), &environment, "weir-test/1")
        .unwrap();
    let text = send(&client, &Target::parse("http://backend.test/in").unwrap()).await;
    assert!(text.starts_with("HTTP/1.1 POST http://backend.test/in"), "{text}");
    assert_eq!(line(&text, "proxy-authorization").unwrap(), "Basic dXNlcjpwYXNz");
    // Hosts of this machine are reached directly.
    send(&client, &target(&running)).await;
    assert_eq!(heads.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn socks_proxies_get_name_and_credentials() {
    let running = mirror_server().await;
    let backend = port_of(&running);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // RFC 1928 and 1929: methods, user and password, CONNECT to a name.
        let mut bytes = vec![0; 2];
        stream.read_exact(&mut bytes).await.unwrap();
        bytes.resize(usize::from(bytes[1]), 0);
        stream.read_exact(&mut bytes).await.unwrap();
        assert!(bytes.contains(&2));
        stream.write_all(&[5, 2]).await.unwrap();
        let mut login = [0; 11];
        stream.read_exact(&mut login).await.unwrap();
        assert_eq!(&login, b"\x01\x04user\x04pass");
        stream.write_all(&[1, 0]).await.unwrap();
        let mut connect = [0; 4 + 1 + 12 + 2];
        stream.read_exact(&mut connect).await.unwrap();
        assert_eq!(&connect, b"\x05\x01\x00\x03\x0cbackend.test\x00\x50");
        stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
        let mut backend = TcpStream::connect(("127.0.0.1", backend)).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut backend).await;
    });
    let config = HttpClient {
        proxy_url: format!("socks5h://user:pass@127.0.0.1:{port}"),
        ..HttpClient::default()
    };
    let text = send(
        &client(&config),
        &Target::parse("http://backend.test/in").unwrap(),
    )
    .await;
    assert!(text.starts_with("HTTP/1.1 POST /in"), "{text}");
}

#[test]
fn sections_are_read_over_defaults() {
    let yaml = "{endpoint: 'http://a', timeout: 5s, compression: zstd, compression_params: {level: 7}, headers: {a: b}, \
                tls: {insecure_skip_verify: true}, max_idle_conns_per_host: 5}";
    let config: HttpClient = serde_yaml::from_str(yaml).unwrap();
    assert_eq!(config.timeout, Duration::from_secs(5));
    assert_eq!(config.compression, Compression(Encoding::Zstd));
    assert_eq!(config.max_idle_conns, 100);
    assert!(config.tls.insecure_skip_verify);
    assert!(violations(&config).is_empty());
    for (name, encoding) in [
        ("none", Encoding::Identity),
        ("''", Encoding::Identity),
        ("deflate", Encoding::Deflate),
    ] {
        let config: HttpClient = serde_yaml::from_str(&format!("{{compression: {name}}}")).unwrap();
        assert_eq!(config.compression, Compression(encoding));
    }
    assert!(serde_yaml::from_str::<HttpClient>("{compression: br}").is_err());
}

#[test]
fn what_is_not_honoured_is_refused() {
    let yaml = "{proxy_url: 'ftp://x', auth: {}, compression: snappy, compression_params: {level: 3}, cookies: {}, \
                middlewares: [{id: m}], read_buffer_size: -1}";
    let config: HttpClient = serde_yaml::from_str(yaml).unwrap();
    assert_eq!(
        violations(&config),
        [
            "proxy_url: proxy scheme `ftp` is not supported, use http, https, socks5 or socks5h",
            "read_buffer_size: must be from 0 to 67108864",
            "auth::authenticator: required: the id of an extension",
            "compression_params::level: level 3 does not exist for `snappy`, use 0",
            "cookies: cookies are not supported",
            "middlewares: no extension is a middleware for clients: remove the key",
        ]
    );
}

#[test]
fn grpc_calls_go_by_tls_unless_told_otherwise() {
    let origin = |endpoint: &str, tls: &str| {
        let yaml = format!("{{endpoint: '{endpoint}', tls: {tls}}}");
        let config: GrpcClient = serde_yaml::from_str(&yaml).unwrap();
        config.target().unwrap().0.to_string()
    };
    for (endpoint, tls, expected) in [
        ("host:4317", "{}", "https://host:4317/"),
        ("host:4317", "{insecure: true}", "http://host:4317/"),
        ("host:4317", "{insecure: true, ca_file: x}", "https://host:4317/"),
        ("http://host:4317", "{}", "http://host:4317/"),
        ("https://host:4317", "{insecure: true}", "https://host:4317/"),
        ("[::1]:4317", "{insecure: true}", "http://[::1]:4317/"),
        ("unix:///run/x", "{insecure: true}", "http://localhost/"),
    ] {
        assert_eq!(origin(endpoint, tls), expected, "{endpoint} {tls}");
    }
}

#[test]
fn grpc_clients_say_what_they_do_not_do() {
    let yaml =
        "{endpoint: 'xds:///h', compression: lz4, balancer_name: ring_hash, wait_for_ready: true, auth: {},
        middlewares: [{id: x}], authority: 'a b', headers: {grpc-x: '1', x-bin: '1'}, user_agent: \"\\n\"}";
    let config: GrpcClient = serde_yaml::from_str(yaml).unwrap();
    let found = violations(&config);
    let expected = [
        "endpoint: resolver `xds` is not supported",
        "compression: gRPC has no `lz4`",
        "wait_for_ready: is not supported",
        "headers::grpc-x: this header is the protocol's",
        "headers::x-bin: binary metadata",
        "user_agent: has characters",
        "balancer_name: balancer `ring_hash` is not supported",
        "authority: `a b` is not a host",
        "auth::authenticator: required",
        "middlewares: no extension is a middleware for clients: remove the key",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
    }
}

#[tokio::test]
async fn grpc_clients_reach_unix_sockets_and_other_names() {
    let answer = service(|request| async move {
        let seen = request.uri().authority().unwrap().to_string();
        crate::grpc::status_response(&crate::grpc::Status::new(crate::grpc::Code::DataLoss, seen))
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otlp.sock");
    let unix = crate::server::GrpcServer {
        endpoint: path.display().to_string(),
        transport: "unix".to_owned(),
        ..crate::server::GrpcServer::default()
    };
    let _unix = unix.bind(&Host::default()).await.unwrap().start(answer.clone());
    let tcp = crate::testing::grpc_server()
        .bind(&Host::default())
        .await
        .unwrap()
        .start(answer);
    let by_tcp = format!("127.0.0.1:{}", port_of(&tcp));
    for (endpoint, authority, seen) in [
        (format!("unix://{}", path.display()), "", "localhost"),
        (
            format!("unix:{}", path.display()),
            "tenant.example",
            "tenant.example",
        ),
        (by_tcp.clone(), "", by_tcp.as_str()),
        (by_tcp.clone(), "tenant.example:1", "tenant.example:1"),
    ] {
        let yaml = format!("{{endpoint: '{endpoint}', authority: '{authority}', tls: {{insecure: true}}}}");
        let config: GrpcClient = serde_yaml::from_str(&yaml).unwrap();
        assert!(violations(&config).is_empty());
        let client = config
            .build(&Host::default(), &ProxyEnvironment::default(), "weir-test/1")
            .unwrap();
        let call = crate::grpc::ClientCall::new(http::uri::PathAndQuery::from_static("/a.B/C"), "message");
        assert_eq!(client.unary(call).await.unwrap_err().message, seen, "{endpoint}");
    }
}

#[tokio::test]
async fn grpc_clients_send_metadata_and_compress() {
    let grpc = crate::testing::grpc_server()
        .bind(&Host::default())
        .await
        .unwrap()
        .start(service(|request| async move {
            assert_eq!(request.headers()["x-scope"], "tenant");
            assert_eq!(request.headers()["x-own"], "call");
            assert_eq!(request.headers()["user-agent"], "weir-test/1");
            assert_eq!(request.headers()["grpc-encoding"], "zstd");
            crate::grpc::status_response(&crate::grpc::Status::new(crate::grpc::Code::DataLoss, "seen"))
        }));
    let yaml = format!(
        "{{endpoint: '127.0.0.1:{}', tls: {{insecure: true}}, compression: zstd, headers: {{x-scope: tenant, x-own: config}}}}",
        port_of(&grpc)
    );
    let config: GrpcClient = serde_yaml::from_str(&yaml).unwrap();
    assert!(violations(&config).is_empty());
    let client = config
        .build(&Host::default(), &ProxyEnvironment::default(), "weir-test/1")
        .unwrap();
    let mut call = crate::grpc::ClientCall::new(http::uri::PathAndQuery::from_static("/a.B/C"), "message");
    call.metadata.insert("x-own", HeaderValue::from_static("call"));
    assert_eq!(client.unary(call).await.unwrap_err().message, "seen");
}
