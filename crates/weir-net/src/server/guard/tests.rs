//! Authentication over loopback, with one extension for both sides.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use http::uri::PathAndQuery;
use hyper::body::Incoming;
use weir_component::config::OffUnlessSet;
use weir_component::schemars::{self, JsonSchema};
use weir_component::{
    BuildContext, BuildError, ClientAuth, Code, Component, ComponentId, ConsumeError, Context, Extension,
    Identity, OutgoingRequest, Validate, async_trait,
};
use weir_pdata::ContextParts;
use weir_telemetry::Metrics;

use super::*;
use crate::client::{Client, GrpcClient, HttpClient, Outgoing, ProxyEnvironment, Reply, Target};
use crate::config::Authentication;
use crate::grpc::{Call, ClientCall, Limits, MessageSize, Unary};
use crate::server::{GrpcServer, HttpAuthentication, HttpServer, Running, context_of};
use crate::testing::{grpc_server, http_server, port_of, service, soon};
use crate::tls::TlsClient;

const TOKEN: HeaderName = HeaderName::from_static("x-token");

/// Sends what it is told and takes `open`.
struct Gate {
    token: Mutex<Result<&'static str, AuthError>>,
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, JsonSchema)]
struct NoOptions {}

impl Validate for NoOptions {}

impl Component for Gate {}

impl Extension for Gate {
    type Config = NoOptions;

    fn build(_: &NoOptions, _: &BuildContext) -> Result<Self, BuildError> {
        Err(BuildError::new("made by hand"))
    }

    fn client_auth(&self) -> Option<Arc<dyn ClientAuth>> {
        let token = self.token.lock().unwrap().clone();
        Some(Arc::new(Pass(token)))
    }

    fn server_auth(&self) -> Option<Arc<dyn ServerAuth>> {
        Some(Arc::new(Door))
    }
}

struct Pass(Result<&'static str, AuthError>);

#[async_trait]
impl ClientAuth for Pass {
    async fn authenticate(&self, request: &mut OutgoingRequest<'_>) -> Result<(), AuthError> {
        let token = HeaderValue::from_static(self.0.clone()?);
        request.headers.insert(TOKEN, token);
        let bytes: usize = request.body.iter().map(Bytes::len).sum();
        request.headers.insert("x-bytes", HeaderValue::from(bytes));
        let tenant = request.context.tenant.clone().unwrap_or_default();
        request
            .headers
            .insert("x-tenant", HeaderValue::try_from(tenant).unwrap());
        Ok(())
    }
}

struct Door;

#[async_trait]
impl ServerAuth for Door {
    async fn authenticate(&self, request: &IncomingRequest<'_>) -> Result<Identity, AuthError> {
        assert!(request.peer.is_some());
        match request.headers.get(TOKEN).map(HeaderValue::as_bytes) {
            Some(b"open") => Ok(Identity {
                subject: "friend".to_owned(),
                ..Identity::default()
            }),
            Some(b"later") => Err(AuthError::unavailable("the doorman sleeps")),
            Some(_) => Err(AuthError::refused("not open")),
            None => Err(AuthError::missing("no token")),
        }
    }

    fn challenge(&self) -> Option<HeaderValue> {
        Some(HeaderValue::from_static("Token"))
    }
}

/// A host with the authenticator `gate`, which sends `token`.
fn host(token: Result<&'static str, AuthError>) -> Host {
    let gate: Arc<dyn Extension> = Arc::new(Gate {
        token: Mutex::new(token),
    });
    let id: ComponentId = "gate".parse().unwrap();
    Host::new(BTreeMap::from([(id, gate)]))
}

fn gate() -> Authentication {
    Authentication {
        authenticator: "gate".to_owned(),
    }
}

/// Answers with the subject, the bytes that the client's authenticator saw and the tenant, then the body.
async fn describe(request: Request<Incoming>) -> Response<Body> {
    let (head, _) = request.into_parts();
    let subject = context_of(&head, false, None).identity.clone().unwrap().subject;
    let header = |name: &str| head.headers.get(name).map_or("", |value| value.to_str().unwrap());
    Response::new(Body::from(format!(
        "{subject} {} {}",
        header("x-bytes"),
        header("x-tenant")
    )))
}

async fn guarded_server() -> Running {
    let config = HttpServer {
        auth: OffUnlessSet::on(HttpAuthentication {
            authenticator: "gate".to_owned(),
            request_params: vec!["X-Token".to_owned()],
        }),
        ..http_server()
    };
    let server = config.bind(&host(Ok("open"))).await.unwrap();
    server.start(service(describe))
}

fn client(token: Result<&'static str, AuthError>) -> Client {
    let config = HttpClient {
        auth: OffUnlessSet::on(gate()),
        ..HttpClient::default()
    };
    config
        .build(&host(token), &ProxyEnvironment::default(), "test")
        .unwrap()
}

async fn send(client: &Client, running: &Running, query: &str) -> Reply {
    let target = Target::parse(&format!("http://127.0.0.1:{}/{query}", port_of(running))).unwrap();
    let mut outgoing = Outgoing::post(&target, "text/plain", Bytes::from_static(b"12345"));
    outgoing.context = Context::new(ContextParts {
        tenant: Some("acme".to_owned()),
        ..ContextParts::default()
    });
    client.send(outgoing).await.unwrap()
}

#[tokio::test]
async fn http_requests_pass_with_credentials_only() {
    let running = guarded_server().await;
    let reply = send(&client(Ok("open")), &running, "").await;
    assert_eq!(
        (reply.status, &reply.body[..]),
        (StatusCode::OK, &b"friend 5 acme"[..])
    );
    let reply = send(&client(Ok("shut")), &running, "").await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!(reply.headers[header::WWW_AUTHENTICATE], "Token");
    assert_eq!(&reply.body[..], b"unauthenticated");
    let reply = send(&client(Ok("later")), &running, "").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.headers[header::RETRY_AFTER], "1");
    running.shutdown(soon()).await;
}

#[tokio::test]
async fn refusals_are_counted_by_component_and_reason() {
    let metrics = Metrics::default();
    let host = host(Ok("open")).with_metrics(metrics.clone());
    let config = HttpServer {
        auth: OffUnlessSet::on(HttpAuthentication {
            authenticator: "gate".to_owned(),
            ..HttpAuthentication::default()
        }),
        ..http_server()
    };
    let server = config.bind(&host.of(&"otlp/in".parse().unwrap())).await.unwrap();
    let running = server.start(service(describe));
    let anonymous = HttpClient::default()
        .build(&Host::default(), &ProxyEnvironment::default(), "test")
        .unwrap();
    for client in [
        client(Ok("open")),
        client(Ok("shut")),
        client(Ok("ajar")),
        client(Ok("later")),
        anonymous,
    ] {
        send(&client, &running, "").await;
    }
    let text = metrics.render();
    for (reason, count) in [("missing", 1), ("refused", 2), ("unavailable", 1)] {
        let line = format!(
            r#"weir_server_auth_refused_total{{component="otlp/in",transport="http",authenticator="gate",reason="{reason}"}} {count}"#
        );
        assert!(text.contains(&line), "{line}\n{text}");
    }
    running.shutdown(soon()).await;
}

#[tokio::test]
async fn query_parameters_stand_in_for_headers() {
    let running = guarded_server().await;
    let anonymous = HttpClient::default()
        .build(&Host::default(), &ProxyEnvironment::default(), "test")
        .unwrap();
    for (query, status) in [
        ("?x-token=open", StatusCode::OK),
        ("?a=b&X-TOKEN=%6fpen", StatusCode::OK),
        ("?x-token=shut", StatusCode::UNAUTHORIZED),
        ("?x-token=%0a", StatusCode::UNAUTHORIZED),
        ("?other=open", StatusCode::UNAUTHORIZED),
        ("", StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(send(&anonymous, &running, query).await.status, status, "{query}");
    }
    running.shutdown(soon()).await;
}

#[tokio::test]
async fn a_body_is_not_waited_for_when_the_head_is_refused() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let running = guarded_server().await;
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port_of(&running)))
        .await
        .unwrap();
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        .await
        .unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
    running.shutdown(soon()).await;
}

#[tokio::test]
async fn a_client_without_credentials_sends_nothing() {
    let target = Target::parse("http://127.0.0.1:9/").unwrap();
    for (error, code) in [
        (AuthError::refused("no tenant"), Code::Unauthenticated),
        (AuthError::unavailable("issuer is down"), Code::Unavailable),
    ] {
        let outgoing = Outgoing::post(&target, "text/plain", Bytes::new());
        let text = error.to_string();
        let error = ConsumeError::from(client(Err(error)).send(outgoing).await.unwrap_err());
        assert_eq!(
            (error.code(), error.is_retryable()),
            (code, code == Code::Unavailable)
        );
        assert!(error.to_string().ends_with(&text), "{error}");
    }
}

/// Answers with the subject.
struct Whoami;

impl Unary for Whoami {
    type Permit = ();

    async fn admit(&self, _: MessageSize) -> Result<(), Status> {
        Ok(())
    }

    async fn call(&self, call: Call, (): ()) -> Result<Bytes, Status> {
        let identity = context_of(&call.head, false, call.deadline).identity.clone();
        Ok(identity.unwrap_or_default().subject.into())
    }
}

#[tokio::test]
async fn grpc_calls_pass_with_credentials_only() {
    let config = GrpcServer {
        auth: OffUnlessSet::on(gate()),
        ..grpc_server()
    };
    let running = config
        .bind(&host(Ok("open")))
        .await
        .unwrap()
        .start(service(|request| async move {
            grpc::serve(&Whoami, Limits::default(), request).await
        }));
    for (token, expected) in [
        (Ok("open"), Ok(())),
        (Ok("shut"), Err(Code::Unauthenticated)),
        (Ok("later"), Err(Code::Unavailable)),
        (Err(AuthError::refused("no tenant")), Err(Code::Unauthenticated)),
    ] {
        let config = GrpcClient {
            endpoint: format!("127.0.0.1:{}", port_of(&running)),
            tls: TlsClient {
                insecure: true,
                ..TlsClient::default()
            },
            auth: OffUnlessSet::on(gate()),
            ..GrpcClient::default()
        };
        let client = config
            .build(&host(token), &ProxyEnvironment::default(), "test")
            .unwrap();
        let call = ClientCall::new(PathAndQuery::from_static("/a.B/C"), Bytes::from_static(b"12345"));
        let answer = client.unary(call).await;
        assert_eq!(
            answer.as_ref().map(|_| ()).map_err(|status| status.code),
            expected
        );
        if let Ok(reply) = answer {
            assert_eq!(&reply.message[..], b"friend");
        }
    }
    running.shutdown(soon()).await;
}

#[tokio::test]
async fn a_missing_authenticator_is_an_error_at_start() {
    let server = GrpcServer {
        auth: OffUnlessSet::on(gate()),
        ..grpc_server()
    };
    let error = server.bind(&Host::default()).await.unwrap_err().to_string();
    assert!(error.contains("`gate` is not running"), "{error}");
    let client = HttpClient {
        auth: OffUnlessSet::on(gate()),
        ..HttpClient::default()
    };
    let error = client
        .build(&Host::default(), &ProxyEnvironment::default(), "test")
        .unwrap_err()
        .to_string();
    assert!(error.contains("`gate` is not running"), "{error}");
}
