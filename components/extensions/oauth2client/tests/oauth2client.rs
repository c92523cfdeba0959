//! Against token servers on loopback.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use tower::service_fn;
use url::form_urlencoded;
use weir_component::config::OffUnlessSet;
use weir_component::{BuildContext, Code, ComponentKind, ConsumeError, Extension, Host};
use weir_extension_oauth2client::FACTORY;
use weir_net::Body;
use weir_net::client::{HttpClient, Outgoing, ProxyEnvironment, SendError, Target};
use weir_net::config::Authentication;
use weir_net::server::{HttpServer, Running};
use weir_testkit::contract;

/// What a token server was asked: the value of `Authorization`, and the parameters.
type Asked = (Option<String>, BTreeMap<String, String>);

/// A server that answers with what `answer` makes of each question.
struct Server {
    running: Running,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    async fn start(answer: impl Fn(usize, &Asked) -> (u16, String) + Send + Sync + 'static) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        let service = service_fn(move |request: Request<Incoming>| {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            async move {
                let authorization = request.headers().get(header::AUTHORIZATION);
                let authorization = authorization.map(|value| value.to_str().unwrap().to_owned());
                assert_eq!(request.method(), http::Method::POST);
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let asked = (
                    authorization,
                    form_urlencoded::parse(&body).into_owned().collect(),
                );
                let number = {
                    let mut log = log.lock().unwrap();
                    log.push(asked.clone());
                    log.len()
                };
                let (status, body) = answer(number, &asked);
                let mut response = Response::new(Body::from(body));
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
                Ok::<_, Infallible>(response)
            }
        });
        let config = HttpServer {
            endpoint: "127.0.0.1:0".to_owned(),
            ..HttpServer::default()
        };
        let running = config.bind(&Host::default()).await.unwrap().start(service);
        Self { running, asked }
    }

    fn url(&self) -> String {
        format!("http://{}/token", self.running.local_address())
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    async fn stop(self) {
        self.running
            .shutdown(Instant::now() + Duration::from_secs(5))
            .await;
    }
}

fn token(number: usize) -> (u16, String) {
    (
        200,
        format!(r#"{{"access_token": "t{number}", "token_type": "Bearer", "expires_in": 3600}}"#),
    )
}

/// A server that echoes `Authorization`.
async fn backend() -> Running {
    let config = HttpServer {
        endpoint: "127.0.0.1:0".to_owned(),
        ..HttpServer::default()
    };
    let service = service_fn(|request: Request<Incoming>| async move {
        let value = request.headers().get(header::AUTHORIZATION).cloned();
        let value = value.map(|value| Bytes::copy_from_slice(value.as_bytes()));
        Ok::<_, Infallible>(Response::new(Body::from(value.unwrap_or_default())))
    });
    config.bind(&Host::default()).await.unwrap().start(service)
}

struct Client {
    extension: Arc<dyn Extension>,
    context: BuildContext,
    client: weir_net::client::Client,
    backend: Running,
}

impl Client {
    /// A client whose requests have tokens of the extension, which is started.
    async fn start(yaml: &str) -> Self {
        let config = contract::config(&FACTORY.meta, yaml);
        let id: weir_component::ComponentId = "oauth2client/a".parse().unwrap();
        let context = BuildContext::standalone(id.clone(), ComponentKind::Extension, None);
        let extension = FACTORY.build(&config, &context).unwrap();
        let host = Host::new(BTreeMap::from([(id, Arc::clone(&extension))]));
        Arc::clone(&extension).start(&host).await.unwrap();
        let client = HttpClient {
            auth: OffUnlessSet::on(Authentication {
                authenticator: "oauth2client/a".to_owned(),
            }),
            ..HttpClient::default()
        };
        Self {
            extension,
            context,
            client: client.build(&host, &ProxyEnvironment::default(), "test").unwrap(),
            backend: backend().await,
        }
    }

    /// Returns the `Authorization` that a request came with.
    async fn send(&self) -> Result<String, SendError> {
        let target = Target::parse(&format!("http://{}/", self.backend.local_address())).unwrap();
        let reply = self
            .client
            .send(Outgoing::post(&target, "text/plain", Bytes::new()))
            .await?;
        Ok(String::from_utf8(reply.body.to_vec()).unwrap())
    }

    async fn stop(self) {
        let deadline = Instant::now() + Duration::from_secs(5);
        self.extension.shutdown(deadline).await.unwrap();
        self.backend.shutdown(deadline).await;
    }
}

fn secret_config(server: &Server) -> String {
    format!(
        "{{client_id: gate way, client_secret: s:ecret, token_url: '{}', scopes: [a, b], endpoint_params: {{audience: x, r: [y, z]}}}}",
        server.url()
    )
}

#[tokio::test]
async fn one_token_is_asked_for_and_sent_with_all_requests() {
    let server = Server::start(|number, _| token(number)).await;
    let client = Client::start(&secret_config(&server)).await;
    let answers = tokio::join!(client.send(), client.send(), client.send());
    for answer in [answers.0, answers.1, answers.2, client.send().await] {
        assert_eq!(answer.unwrap(), "Bearer t1");
    }
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    // `gate+way:s%3Aecret`
    assert_eq!(asked[0].0.as_deref(), Some("Basic Z2F0ZSt3YXk6cyUzQWVjcmV0"));
    let expected = [
        ("audience", "x"),
        ("grant_type", "client_credentials"),
        ("r", "z"),
        ("scope", "a b"),
    ];
    assert_eq!(
        asked[0].1,
        expected
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    );
    let metrics = client.context.metrics.render();
    assert!(
        metrics.contains(
            r#"weir_auth_renewals_total{extension="oauth2client/a",source="token",outcome="success"} 1"#
        ),
        "{metrics}"
    );
    client.stop().await;
    server.stop().await;
}

#[tokio::test]
async fn servers_that_want_the_secret_in_the_body_get_it_there() {
    let server = Server::start(|number, (authorization, _)| match authorization {
        Some(_) => (401, r#"{"error": "invalid_client"}"#.to_owned()),
        None => (
            200,
            format!(r#"{{"access_token": "t{number}", "expires_in": 0}}"#),
        ),
    })
    .await;
    let client = Client::start(&secret_config(&server)).await;
    assert_eq!(client.send().await.unwrap(), "Bearer t2");
    let asked = server.asked();
    assert_eq!(asked[1].0, None);
    assert_eq!(
        (
            asked[1].1["client_id"].as_str(),
            asked[1].1["client_secret"].as_str()
        ),
        ("gate way", "s:ecret")
    );
    client.stop().await;
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_is_down_makes_exports_retryable_and_one_that_refuses_does_not() {
    let down = Arc::new(AtomicUsize::new(1));
    let state = Arc::clone(&down);
    let server = Server::start(move |number, _| match state.load(SeqCst) {
        0 => token(number),
        _ => (503, "restarting".to_owned()),
    })
    .await;
    let client = Client::start(&secret_config(&server)).await;
    let error = client.send().await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&server.url()) && text.contains("503"), "{text}");
    assert!(!text.contains("ecret"), "{text}");
    let consumed = ConsumeError::from(error);
    assert_eq!(
        (consumed.code(), consumed.is_retryable()),
        (Code::Unavailable, true)
    );
    // Asked once: the next attempt is a second later.
    assert!(client.send().await.is_err());
    assert_eq!(server.asked().len(), 1);
    assert!(
        client
            .context
            .metrics
            .render()
            .contains(r#"outcome="failure"} 1"#)
    );
    client.stop().await;

    let refusing = Server::start(|_, _| {
        (
            401,
            r#"{"error": "invalid_client", "error_description": "s:ecret"}"#.to_owned(),
        )
    })
    .await;
    let client = Client::start(&secret_config(&refusing)).await;
    let error = client.send().await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(
        text.contains("invalid_client") && !text.contains("ecret"),
        "{text}"
    );
    let consumed = ConsumeError::from(error);
    assert_eq!(
        (consumed.code(), consumed.is_retryable()),
        (Code::Unauthenticated, false)
    );
    client.stop().await;
    server.stop().await;
    refusing.stop().await;
}

#[tokio::test]
async fn nobody_listening_is_retryable() {
    let server = Server::start(|number, _| token(number)).await;
    let yaml = secret_config(&server);
    server.stop().await;
    let client = Client::start(&yaml).await;
    let error = client.send().await.unwrap_err();
    assert!(error.to_string().contains("cannot connect"), "{error}");
    assert!(ConsumeError::from(error).is_retryable());
    client.stop().await;
}

#[tokio::test]
async fn files_go_before_values() {
    let directory = tempfile::tempdir().unwrap();
    let (id, secret) = (directory.path().join("id"), directory.path().join("secret"));
    std::fs::write(&id, "filed\n").unwrap();
    std::fs::write(&secret, " hidden \n").unwrap();
    let server = Server::start(|number, _| token(number)).await;
    let yaml = format!(
        "{{client_id: x, client_id_file: '{}', client_secret_file: '{}', token_url: '{}'}}",
        id.display(),
        secret.display(),
        server.url()
    );
    let client = Client::start(&yaml).await;
    client.send().await.unwrap();
    // `filed:hidden`
    assert_eq!(server.asked()[0].0.as_deref(), Some("Basic ZmlsZWQ6aGlkZGVu"));
    client.stop().await;
    server.stop().await;
}

/// A new RSA key: private in PEM, public as the two numbers.
fn rsa_key() -> (String, DecodingKey) {
    use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::KeyPair as _;
    use base64::Engine as _;

    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let lines = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
    let lines: Vec<&str> = lines
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    );
    let public = key.public_key();
    let decoding = DecodingKey::from_rsa_raw_components(
        public.modulus().big_endian_without_leading_zero(),
        public.exponent().big_endian_without_leading_zero(),
    );
    (pem, decoding)
}

#[tokio::test]
async fn assertions_are_signed_and_say_who_asks_whom() {
    let (pem, public) = rsa_key();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pem).unwrap();
    let server = Server::start(|number, _| token(number)).await;
    let yaml = format!(
        "{{grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', client_id: me, iss: us, token_url: '{}', scopes: [a], \
         client_certificate_key_file: '{}', client_certificate_key_id: k1, signature_algorithm: RS384, claims: {{level: 3}}}}",
        server.url(),
        file.path().display()
    );
    let client = Client::start(&yaml).await;
    assert_eq!(client.send().await.unwrap(), "Bearer t1");
    let (authorization, params) = server.asked().remove(0);
    assert_eq!(authorization, None);
    assert_eq!(
        (params["grant_type"].as_str(), params["scope"].as_str()),
        ("urn:ietf:params:oauth:grant-type:jwt-bearer", "a")
    );
    let mut validation = Validation::new(Algorithm::RS384);
    validation.set_audience(&[server.url()]);
    validation.set_issuer(&["us"]);
    let assertion: jsonwebtoken::TokenData<serde_json::Value> =
        jsonwebtoken::decode(&params["assertion"], &public, &validation).unwrap();
    assert_eq!(assertion.header.kid.as_deref(), Some("k1"));
    assert_eq!(
        (
            &assertion.claims["sub"],
            &assertion.claims["level"],
            &assertion.claims["scope"]
        ),
        (&"me".into(), &3.into(), &"a".into())
    );
    client.stop().await;
    server.stop().await;
}

#[test]
fn configurations_are_checked() {
    contract::config_is_strict(
        &FACTORY.meta,
        "{client_id: a, client_secret: b, token_url: 'https://id/token'}",
    );
    let url = "token_url: 'https://id/token'";
    let jwt = "grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer'";
    for (yaml, paths) in [
        ("{}".to_owned(), &["token_url", "client_id", "client_secret"][..]),
        (
            "{client_id: a, client_secret: b, token_url: 'id/token'}".to_owned(),
            &["token_url"],
        ),
        (
            format!("{{client_id: a, client_secret: b, {url}, iss: x}}"),
            &["iss"],
        ),
        (
            format!(
                "{{client_id: a, client_secret: b, {url}, endpoint_params: {{scope: x, client_secret: [y]}}}}"
            ),
            &["endpoint_params", "endpoint_params"],
        ),
        (
            format!("{{client_id: a, {url}, {jwt}}}"),
            &["client_certificate_key"],
        ),
        (
            format!("{{client_id: a, {url}, {jwt}, client_certificate_key: x}}"),
            &["client_certificate_key"],
        ),
    ] {
        let mistakes = contract::mistakes(&FACTORY.meta, &yaml);
        let found: Vec<&str> = mistakes
            .iter()
            .filter_map(|mistake| mistake.split(": ").next())
            .collect();
        assert_eq!(found, paths, "{yaml}: {mistakes:?}");
    }
    for yaml in ["{grant_type: password}", "{signature_algorithm: HS256}"] {
        assert_eq!(contract::mistakes(&FACTORY.meta, yaml).len(), 1, "{yaml}");
    }
}
