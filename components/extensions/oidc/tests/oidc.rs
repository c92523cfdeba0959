//! Against providers on loopback that publish keys, with tokens signed by these and by others.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod issuer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tower::service_fn;
use weir_component::config::OffUnlessSet;
use weir_component::{AuthError, BuildContext, ComponentKind, Extension, Host, Identity, IncomingRequest};
use weir_extension_oidc::FACTORY;
use weir_net::Body;
use weir_net::client::{HttpClient, Outgoing, ProxyEnvironment, Target};
use weir_net::server::{HttpAuthentication, HttpServer, context_of};
use weir_testkit::contract;

use self::issuer::{Issuer, Key, now, sign};

struct Gate {
    extension: Arc<dyn Extension>,
    context: BuildContext,
    host: Host,
}

impl Gate {
    async fn start(yaml: &str) -> Self {
        let config = contract::config(&FACTORY.meta, yaml);
        let id: weir_component::ComponentId = "oidc".parse().unwrap();
        let context = BuildContext::standalone(id.clone(), ComponentKind::Extension, None);
        let extension = FACTORY.build(&config, &context).unwrap();
        let host = Host::new(BTreeMap::from([(id, Arc::clone(&extension))]));
        Arc::clone(&extension).start(&host).await.unwrap();
        Self {
            extension,
            context,
            host,
        }
    }

    async fn value(&self, name: &'static str, value: &str) -> Result<Identity, AuthError> {
        let value = HeaderValue::try_from(value).unwrap();
        let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value)]);
        let request = IncomingRequest {
            headers: &headers,
            peer: None,
        };
        let auth = self.extension.server_auth().unwrap();
        auth.authenticate(&request).await
    }

    async fn token(&self, token: &str) -> Result<Identity, AuthError> {
        self.value("authorization", &format!("Bearer {token}")).await
    }

    async fn stop(self) {
        let deadline = Instant::now() + Duration::from_secs(5);
        self.extension.shutdown(deadline).await.unwrap();
    }
}

fn config(issuer: &Issuer) -> String {
    format!(
        "{{providers: [{{issuer_url: '{}', audience: gateway}}]}}",
        issuer.url()
    )
}

/// Claims of a token that holds, with some replaced; null removes one.
fn claims(issuer: &Issuer, replaced: Value) -> Value {
    let mut claims =
        json!({"iss": issuer.url(), "aud": ["other", "gateway"], "sub": "ann", "exp": now() + 300});
    for (name, value) in replaced.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
    claims
}

#[tokio::test]
async fn tokens_that_hold_tell_the_sender() {
    let keys = [Key::es256("a"), Key::eddsa("b"), Key::rs256("c")];
    let issuer = Issuer::start(&keys).await;
    let gate = Gate::start(&format!(
        "{{providers: [{{issuer_url: '{}', audience: gateway, username_claim: email, groups_claim: roles}}]}}",
        issuer.url()
    ))
    .await;
    let extra =
        json!({"email": "ann@example", "roles": ["writers", "readers"], "nbf": now() - 5, "jti": "1"});
    for key in &keys {
        let token = key.sign(&claims(&issuer, extra.clone()));
        let identity = gate.token(&token).await.unwrap();
        assert_eq!(identity.subject, "ann@example");
        assert_eq!(identity.attributes["membership"], "writers,readers");
        assert_eq!(identity.attributes["sub"], "ann");
        assert!(!identity.attributes.values().any(|value| value.contains(&token)));
        // The same sender with the next token is the same sender.
        let next =
            json!({"email": "ann@example", "roles": ["writers", "readers"], "exp": now() + 900, "jti": "2"});
        assert_eq!(
            gate.token(&key.sign(&claims(&issuer, next))).await.unwrap(),
            identity
        );
    }
    assert_eq!(issuer.asked(), 1);
    let metrics = gate.context.metrics.render();
    let counter = format!(
        r#"weir_auth_renewals_total{{extension="oidc",source="{}",outcome="success"}} 1"#,
        issuer.url()
    );
    assert!(metrics.contains(&counter), "{metrics}");
    gate.stop().await;
    issuer.stop().await;
}

#[tokio::test]
async fn tokens_that_do_not_hold_are_refused() {
    let (key, stranger) = (Key::rs256("a"), Key::rs256("a"));
    let issuer = Issuer::start(std::slice::from_ref(&key)).await;
    let gate = Gate::start(&config(&issuer)).await;
    for (name, replaced) in [
        ("expired", json!({"exp": now() - 120})),
        ("without an end", json!({"exp": null})),
        ("not yet", json!({"nbf": now() + 120})),
        ("malformed begin", json!({"nbf": "soon"})),
        ("for others", json!({"aud": "other"})),
        ("for nobody", json!({"aud": null})),
        ("for numbers", json!({"aud": 3})),
        ("of others", json!({"iss": "https://evil.example"})),
        ("of nobody", json!({"iss": null})),
    ] {
        let error = gate
            .token(&key.sign(&claims(&issuer, replaced)))
            .await
            .unwrap_err();
        assert!(!error.is_retryable(), "{name}");
    }
    let good = claims(&issuer, json!({}));
    let token = key.sign(&good);
    gate.token(&token).await.unwrap();
    // The keys were asked for just now, and stay so.
    tokio::time::pause();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (head, _) = message.split_once('.').unwrap();
    let forged = issuer::base64(claims(&issuer, json!({"sub": "eve"})).to_string().as_bytes());
    let symmetric = |algorithm| {
        let header = Header {
            kid: Some("a".to_owned()),
            ..Header::new(algorithm)
        };
        sign(&header, &good, &EncodingKey::from_secret(key.public_der()))
    };
    let critical = Header {
        crit: Some(vec!["b64".to_owned()]),
        ..key.header()
    };
    let none = issuer::base64(br#"{"alg":"none","kid":"a"}"#);
    let payload = issuer::base64(good.to_string().as_bytes());
    for token in [
        stranger.sign(&good),
        format!("{head}.{forged}.{signature}"),
        format!("{message}."),
        format!("{none}.{payload}."),
        symmetric(Algorithm::HS256),
        symmetric(Algorithm::HS512),
        sign(&critical, &good, key.private()),
        "a.b.c".to_owned(),
        "x".to_owned(),
        String::new(),
    ] {
        let error = gate.token(&token).await.unwrap_err();
        assert!(!error.is_retryable(), "{token}: {error}");
    }
    for value in ["Bearer", &token] {
        assert!(gate.value("authorization", value).await.is_err(), "{value}");
    }
    assert!(gate.value("x-other", &format!("Bearer {token}")).await.is_err());
    // The good one still is, and all of that has not made the provider busy.
    gate.token(&token).await.unwrap();
    assert_eq!(issuer.asked(), 1);
    tokio::time::resume();
    gate.stop().await;
    issuer.stop().await;
}

#[tokio::test]
async fn new_keys_are_asked_for_at_a_limited_rate() {
    let (old, new, stranger) = (Key::es256("a"), Key::es256("b"), Key::es256("c"));
    let issuer = Issuer::start(std::slice::from_ref(&old)).await;
    let gate = Gate::start(&config(&issuer)).await;
    let claims = claims(&issuer, json!({}));
    gate.token(&old.sign(&claims)).await.unwrap();
    issuer.publish(&[old.clone(), new.clone()]);
    // The clock runs only while the provider is asked.
    tokio::time::pause();
    assert!(gate.token(&new.sign(&claims)).await.is_err(), "asked just now");
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    gate.token(&new.sign(&claims)).await.unwrap();
    tokio::time::pause();
    for _ in 0..3 {
        gate.token(&new.sign(&claims)).await.unwrap();
        assert!(gate.token(&stranger.sign(&claims)).await.is_err());
    }
    assert_eq!(issuer.asked(), 2);
    gate.token(&old.sign(&claims)).await.unwrap();
    tokio::time::resume();
    gate.stop().await;
    issuer.stop().await;
}

#[tokio::test]
async fn the_issuer_tells_the_provider() {
    let (one, two) = (Key::es256("a"), Key::es256("a"));
    let (first, second) = (
        Issuer::start(std::slice::from_ref(&one)).await,
        Issuer::start(std::slice::from_ref(&two)).await,
    );
    let gate = Gate::start(&format!(
        "{{attribute: X-Token, issuer_url: '{}', audience: gateway, providers: [{{issuer_url: '{}', ignore_audience: true}}]}}",
        first.url(),
        second.url()
    ))
    .await;
    let check = async |token: String| gate.value("x-token", &format!("Bearer {token}")).await;
    check(one.sign(&claims(&first, json!({})))).await.unwrap();
    check(two.sign(&claims(&second, json!({"aud": null}))))
        .await
        .unwrap();
    for token in [
        one.sign(&claims(&second, json!({}))),
        two.sign(&claims(&first, json!({}))),
        one.sign(&claims(&first, json!({"aud": null}))),
        one.sign(&claims(&first, json!({"iss": "https://third.example"}))),
        one.sign(&claims(&first, json!({"iss": null}))),
    ] {
        assert!(!check(token).await.unwrap_err().is_retryable());
    }
    gate.stop().await;
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn a_provider_that_is_down_or_another_makes_requests_retryable() {
    let key = Key::es256("a");
    let issuer = Issuer::start(std::slice::from_ref(&key)).await;
    let gate = Gate::start(&format!(
        "{{providers: [{{issuer_url: '{}/', audience: gateway}}]}}",
        issuer.url()
    ))
    .await;
    let token = key.sign(&claims(&issuer, json!({})));
    let error = gate.token(&token).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        error.is_retryable() && cause.contains("set `issuer_url` to exactly that"),
        "{cause}"
    );
    gate.stop().await;

    let yaml = config(&issuer);
    issuer.stop().await;
    let gate = Gate::start(&yaml).await;
    assert!(gate.token(&token).await.unwrap_err().is_retryable());
    gate.stop().await;
}

#[tokio::test]
async fn keys_can_be_in_a_file() {
    let key = Key::es256("a");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), issuer::key_set(std::slice::from_ref(&key))).unwrap();
    let gate = Gate::start(&format!(
        "{{providers: [{{issuer_url: 'http://127.0.0.1:9', ignore_issuer: true, audience: gateway, public_keys_file: '{}'}}]}}",
        file.path().display()
    ))
    .await;
    let claims = json!({"iss": "somebody", "aud": "gateway", "exp": now() + 60});
    gate.token(&key.sign(&claims)).await.unwrap();
    assert!(gate.token(&Key::es256("a").sign(&claims)).await.is_err());
    gate.stop().await;
}

#[tokio::test]
async fn servers_let_in_and_turn_away() {
    let key = Key::es256("a");
    let issuer = Issuer::start(std::slice::from_ref(&key)).await;
    let gate = Gate::start(&config(&issuer)).await;
    let server = HttpServer {
        endpoint: "127.0.0.1:0".to_owned(),
        auth: OffUnlessSet::on(HttpAuthentication {
            authenticator: "oidc".to_owned(),
            ..HttpAuthentication::default()
        }),
        ..HttpServer::default()
    };
    let service = service_fn(|request: Request<Incoming>| async move {
        let (head, _) = request.into_parts();
        let identity = context_of(&head, false, None).identity.clone().unwrap();
        Ok::<_, std::convert::Infallible>(Response::new(Body::from(identity.subject)))
    });
    let running = server.bind(&gate.host).await.unwrap().start(service);
    let client = HttpClient::default()
        .build(&Host::default(), &ProxyEnvironment::default(), "test")
        .unwrap();
    let target = Target::parse(&format!("http://{}/", running.local_address())).unwrap();
    let send = async |token: &str| {
        let mut request = Outgoing::post(&target, "text/plain", "".into());
        request.headers.insert(
            header::AUTHORIZATION,
            HeaderValue::try_from(format!("Bearer {token}")).unwrap(),
        );
        client.send(request).await.unwrap()
    };
    let reply = send(&key.sign(&claims(&issuer, json!({})))).await;
    assert_eq!((reply.status, &reply.body[..]), (StatusCode::OK, &b"ann"[..]));
    let reply = send("x").await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!(reply.headers[header::WWW_AUTHENTICATE], "Bearer realm=\"weir\"");
    running.shutdown(Instant::now() + Duration::from_secs(5)).await;
    gate.stop().await;
    issuer.stop().await;
}

#[test]
fn configurations_are_checked() {
    contract::config_is_strict(
        &FACTORY.meta,
        "{issuer_url: 'https://id', audience: a, providers: [{issuer_url: 'https://id/2', ignore_audience: true}]}",
    );
    for (yaml, paths) in [
        ("{}", &["providers"][..]),
        ("{issuer_url: 'https://id'}", &["audience"]),
        ("{providers: [{audience: a}]}", &["providers::0::issuer_url"]),
        (
            "{providers: [{issuer_url: id, audience: a}]}",
            &["providers::0::issuer_url"],
        ),
        (
            "{issuer_url: 'https://id', audience: a, providers: [{issuer_url: 'https://id', audience: b}]}",
            &["providers::0::issuer_url"],
        ),
        (
            "{issuer_url: 'https://id', audience: a, providers: [{issuer_url: 'https://i', audience: b, ignore_issuer: true}]}",
            &["providers::0::ignore_issuer"],
        ),
        (
            "{issuer_url: 'https://id', audience: a, ignore_audience: true}",
            &["ignore_audience"],
        ),
        (
            "{providers: [{issuer_url: 'https://id', audience: a, public_keys_file: x, issuer_ca_path: y}]}",
            &["providers::0::issuer_ca_path"],
        ),
        (
            "{issuer_url: 'https://id', audience: a, attribute: 'a b'}",
            &["attribute"],
        ),
    ] {
        let mistakes = contract::mistakes(&FACTORY.meta, yaml);
        let found: Vec<&str> = mistakes
            .iter()
            .filter_map(|mistake| mistake.split(": ").next())
            .collect();
        assert_eq!(found, paths, "{yaml}: {mistakes:?}");
    }
}
