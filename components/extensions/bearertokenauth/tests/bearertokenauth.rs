//! Clients and servers over loopback.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use tower::service_fn;
use weir_component::config::OffUnlessSet;
use weir_component::{BuildContext, ComponentKind, Host};
use weir_extension_bearertokenauth::FACTORY;
use weir_net::Body;
use weir_net::client::{GrpcClient, HttpClient, Outgoing, ProxyEnvironment, Reply, Target};
use weir_net::config::Authentication;
use weir_net::grpc::{self, ClientCall, Code, Limits, MessageSize, Status, Unary};
use weir_net::server::{GrpcServer, HttpAuthentication, HttpServer, Running};
use weir_net::tls::TlsClient;
use weir_testkit::contract;

/// A host with the extension under the id `bearertokenauth`, started.
async fn host(yaml: &str) -> Result<Host, String> {
    let config = contract::config(&FACTORY.meta, yaml);
    let id: weir_component::ComponentId = "bearertokenauth".parse().unwrap();
    let context = BuildContext::standalone(id.clone(), ComponentKind::Extension, None);
    let extension = FACTORY.build(&config, &context).unwrap();
    let host = Host::new(BTreeMap::from([(id, Arc::clone(&extension))]));
    let started = extension.start(&host).await;
    started.map(|()| host).map_err(|error| error.to_string())
}

fn auth() -> Authentication {
    Authentication {
        authenticator: "bearertokenauth".to_owned(),
    }
}

async fn server(yaml: &str) -> Running {
    let config = HttpServer {
        endpoint: "127.0.0.1:0".to_owned(),
        auth: OffUnlessSet::on(HttpAuthentication {
            authenticator: auth().authenticator,
            ..HttpAuthentication::default()
        }),
        ..HttpServer::default()
    };
    let service = service_fn(|_| async { Ok::<_, Infallible>(Response::new(Body::from("in"))) });
    config
        .bind(&host(yaml).await.unwrap())
        .await
        .unwrap()
        .start(service)
}

async fn stop(running: Running) {
    running.shutdown(Instant::now() + Duration::from_secs(5)).await;
}

/// Sends a request by a client with the extension.
async fn send(running: &Running, yaml: &str) -> Reply {
    let config = HttpClient {
        auth: OffUnlessSet::on(auth()),
        ..HttpClient::default()
    };
    let host = host(yaml).await.unwrap();
    let client = config.build(&host, &ProxyEnvironment::default(), "test").unwrap();
    let target = target(running);
    client
        .send(Outgoing::post(&target, "text/plain", Bytes::new()))
        .await
        .unwrap()
}

fn target(running: &Running) -> Target {
    Target::parse(&format!("http://{}/", running.local_address())).unwrap()
}

#[tokio::test]
async fn clients_send_the_first_token_and_servers_accept_all() {
    let running = server("{tokens: [a, b]}").await;
    for (yaml, status) in [
        ("{token: a}", StatusCode::OK),
        ("{token: b}", StatusCode::OK),
        ("{tokens: [b, c]}", StatusCode::OK),
        ("{tokens: [c, b]}", StatusCode::UNAUTHORIZED),
        ("{token: a, scheme: bearer}", StatusCode::OK),
        ("{token: a, scheme: Token}", StatusCode::UNAUTHORIZED),
        ("{token: a, scheme: ''}", StatusCode::UNAUTHORIZED),
        ("{token: a, header: x-token}", StatusCode::UNAUTHORIZED),
    ] {
        let reply = send(&running, yaml).await;
        assert_eq!(reply.status, status, "{yaml}");
        if status == StatusCode::UNAUTHORIZED {
            assert_eq!(reply.headers[header::WWW_AUTHENTICATE], "Bearer realm=\"weir\"");
        }
    }
    stop(running).await;
}

#[tokio::test]
async fn another_header_may_have_the_token_alone() {
    let running = server("{token: a, header: X-Token, scheme: ''}").await;
    let client = HttpClient::default()
        .build(&Host::default(), &ProxyEnvironment::default(), "test")
        .unwrap();
    for (token, status) in [("a", StatusCode::OK), ("ab", StatusCode::UNAUTHORIZED)] {
        let target = target(&running);
        let mut request = Outgoing::post(&target, "text/plain", Bytes::new());
        request.headers.insert(
            HeaderName::from_static("x-token"),
            HeaderValue::from_static(token),
        );
        let reply = client.send(request).await.unwrap();
        assert_eq!(reply.status, status, "{token}");
        assert!(!reply.headers.contains_key(header::WWW_AUTHENTICATE));
    }
    stop(running).await;
}

#[tokio::test]
async fn files_go_before_tokens() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens");
    std::fs::write(&path, "new for all\nold\n").unwrap();
    let yaml = |path: &Path| format!("{{filename: '{}', token: other}}", path.display());
    let running = server(&yaml(&path)).await;
    for (client, status) in [
        (yaml(&path), StatusCode::OK),
        ("{token: old}".to_owned(), StatusCode::OK),
        ("{token: other}".to_owned(), StatusCode::UNAUTHORIZED),
        ("{token: for}".to_owned(), StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(send(&running, &client).await.status, status, "{client}");
    }
    stop(running).await;
    let error = host("{filename: /nonexistent/tokens}").await.err().unwrap();
    assert_eq!(error, "cannot read tokens");
}

/// Takes every call.
struct Taken;

impl Unary for Taken {
    type Permit = ();

    async fn admit(&self, _: MessageSize) -> Result<(), Status> {
        Ok(())
    }

    async fn call(&self, _: grpc::Call, (): ()) -> Result<Bytes, Status> {
        Ok(Bytes::new())
    }
}

#[tokio::test]
async fn grpc_calls_carry_tokens_as_metadata() {
    let config = GrpcServer {
        endpoint: "127.0.0.1:0".to_owned(),
        auth: OffUnlessSet::on(auth()),
        ..GrpcServer::default()
    };
    let service = service_fn(|request| async {
        Ok::<_, Infallible>(grpc::serve(&Taken, Limits::default(), request).await)
    });
    let host_of_server = host("{token: a}").await.unwrap();
    let running = config.bind(&host_of_server).await.unwrap().start(service);
    for (yaml, expected) in [("{token: a}", Ok(())), ("{token: b}", Err(Code::Unauthenticated))] {
        let config = GrpcClient {
            endpoint: running.local_address().to_string(),
            tls: TlsClient {
                insecure: true,
                ..TlsClient::default()
            },
            auth: OffUnlessSet::on(auth()),
            ..GrpcClient::default()
        };
        let host = host(yaml).await.unwrap();
        let client = config.build(&host, &ProxyEnvironment::default(), "test").unwrap();
        let call = ClientCall::new(PathAndQuery::from_static("/a.B/C"), Bytes::new());
        let answer = client.unary(call).await;
        assert_eq!(answer.map(|_| ()).map_err(|status| status.code), expected);
    }
    stop(running).await;
}

#[test]
fn mistakes_are_named() {
    contract::config_is_strict(&FACTORY.meta, "{token: a}");
    for (yaml, path) in [
        ("{}", "token: required"),
        ("{token: a, tokens: [b]}", "tokens: cannot stand"),
        ("{tokens: ['']}", "tokens: must not be empty"),
        ("{token: \"a\\n\"}", "token: has characters"),
        ("{token: a, header: 'a b'}", "header: `a b`"),
        ("{token: a, scheme: 'a b'}", "scheme: must be one word"),
        ("{token: a, file_retry: {}}", "unknown field `file_retry`"),
    ] {
        let mistakes = contract::mistakes(&FACTORY.meta, yaml);
        assert!(
            mistakes.len() == 1 && mistakes[0].starts_with(path),
            "{yaml}: {mistakes:?}"
        );
    }
}

#[test]
fn secrets_do_not_show() {
    let config = contract::config(&FACTORY.meta, "{token: hunter2}");
    assert!(!format!("{config:?}").contains("hunter2"));
}
