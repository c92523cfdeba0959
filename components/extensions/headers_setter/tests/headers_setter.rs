//! What a server gets from a client with the extension.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Response};
use hyper::body::Incoming;
use tower::service_fn;
use weir_component::config::OffUnlessSet;
use weir_component::schemars::{self, JsonSchema};
use weir_component::{
    AuthError, BuildContext, BuildError, ClientAuth, Component, ComponentId, ComponentKind, Context,
    Extension, Host, Identity, OutgoingRequest, Validate, async_trait,
};
use weir_extension_headers_setter::FACTORY;
use weir_net::Body;
use weir_net::client::{HttpClient, Outgoing, ProxyEnvironment, SendError, Target};
use weir_net::config::Authentication;
use weir_net::server::HttpServer;
use weir_pdata::ContextParts;
use weir_testkit::contract;

/// Another authenticator, which sets `x-first`.
#[derive(Clone)]
struct First;

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, JsonSchema)]
struct NoOptions {}

impl Validate for NoOptions {}

impl Component for First {}

impl Extension for First {
    type Config = NoOptions;

    fn build(_: &NoOptions, _: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self)
    }

    fn client_auth(&self) -> Option<Arc<dyn ClientAuth>> {
        Some(Arc::new(self.clone()))
    }
}

#[async_trait]
impl ClientAuth for First {
    async fn authenticate(&self, request: &mut OutgoingRequest<'_>) -> Result<(), AuthError> {
        request.headers.insert("x-first", HeaderValue::from_static("1"));
        Ok(())
    }
}

/// Returns the headers that begin with `x-`, as `name=value`, of a request with `x-there: there` and this context.
async fn sent(yaml: &str, parts: ContextParts) -> Result<Vec<String>, SendError> {
    let config = contract::config(&FACTORY.meta, yaml);
    let id: ComponentId = "headers_setter".parse().unwrap();
    let context = BuildContext::standalone(id.clone(), ComponentKind::Extension, None);
    let extension = FACTORY.build(&config, &context).unwrap();
    let first: Arc<dyn Extension> = Arc::new(First);
    let host = Host::new(BTreeMap::from([
        (id, Arc::clone(&extension)),
        ("first".parse().unwrap(), first),
    ]));
    extension.start(&host).await.unwrap();

    let server = HttpServer {
        endpoint: "127.0.0.1:0".to_owned(),
        ..HttpServer::default()
    };
    let service = service_fn(|request: http::Request<Incoming>| async move {
        let mut lines: Vec<String> = request
            .headers()
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("x-"))
            .map(|(name, value)| format!("{name}={}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        Ok::<_, Infallible>(Response::new(Body::from(lines.join("\n"))))
    });
    let running = server.bind(&host).await.unwrap().start(service);
    let client = HttpClient {
        auth: OffUnlessSet::on(Authentication {
            authenticator: "headers_setter".to_owned(),
        }),
        ..HttpClient::default()
    };
    let client = client.build(&host, &ProxyEnvironment::default(), "test").unwrap();
    let target = Target::parse(&format!("http://{}/", running.local_address())).unwrap();
    let mut request = Outgoing::post(&target, "text/plain", Bytes::new());
    request
        .headers
        .insert("x-there", HeaderValue::from_static("there"));
    request.context = Context::new(parts);
    let reply = client.send(request).await;
    running.shutdown(Instant::now() + Duration::from_secs(5)).await;
    let text = String::from_utf8(reply?.body.to_vec()).unwrap();
    Ok(text.lines().map(str::to_owned).collect())
}

fn of_client() -> ContextParts {
    ContextParts {
        metadata: BTreeMap::from([
            ("x-scope-orgid".to_owned(), vec!["acme".to_owned()]),
            ("twice".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
        ]),
        identity: Some(Identity {
            subject: "ann".to_owned(),
            attributes: BTreeMap::from([("team".to_owned(), "red".to_owned())]),
        }),
        ..ContextParts::default()
    }
}

#[tokio::test]
async fn actions_look_at_what_is_there() {
    for (header, expected) in [
        ("{key: X-New, value: v}", &["x-new=v", "x-there=there"][..]),
        ("{key: X-There, value: v}", &["x-there=v"]),
        ("{key: X-There, value: v, action: insert}", &["x-there=there"]),
        (
            "{key: X-New, value: v, action: insert}",
            &["x-new=v", "x-there=there"],
        ),
        ("{key: X-There, value: v, action: update}", &["x-there=v"]),
        ("{key: X-New, value: v, action: update}", &["x-there=there"]),
        ("{key: X-There, action: delete}", &[]),
    ] {
        let found = sent(&format!("{{headers: [{header}]}}"), ContextParts::default()).await;
        assert_eq!(found.unwrap(), expected, "{header}");
    }
}

#[tokio::test]
async fn values_come_from_what_is_known_about_the_data() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("value");
    std::fs::write(&path, " from file\n").unwrap();
    let file = format!("{{key: x-new, value_file: '{}'}}", path.display());
    for (header, expected) in [
        ("{key: x-new, from_context: X-Scope-OrgID}", Some("x-new=acme")),
        ("{key: x-new, from_context: other}", None),
        (
            "{key: x-new, from_context: other, default_value: d}",
            Some("x-new=d"),
        ),
        ("{key: x-new, from_attribute: subject}", Some("x-new=ann")),
        ("{key: x-new, from_attribute: team}", Some("x-new=red")),
        ("{key: x-new, from_attribute: other}", None),
        (&file, Some("x-new=from file")),
    ] {
        let found = sent(&format!("{{headers: [{header}]}}"), of_client())
            .await
            .unwrap();
        let expected: Vec<_> = expected.into_iter().chain(["x-there=there"]).collect();
        assert_eq!(found, expected, "{header}");
    }
}

#[tokio::test]
async fn a_request_with_a_choice_of_values_is_not_sent() {
    let yaml = "{headers: [{key: x-new, from_context: twice}]}";
    let error = sent(yaml, of_client()).await.unwrap_err();
    assert!(
        matches!(&error, SendError::Auth(error) if !error.is_retryable()),
        "{error}"
    );
}

#[tokio::test]
async fn another_authenticator_goes_first() {
    let yaml = "{headers: [{key: x-first, value: '2', action: update}], additional_auth: first}";
    let found = sent(yaml, ContextParts::default()).await.unwrap();
    assert_eq!(found, ["x-first=2", "x-there=there"]);
}

#[test]
fn mistakes_are_named() {
    contract::config_is_strict(
        &FACTORY.meta,
        "{headers: [{key: a, from_context: b, default_value: c}]}",
    );
    for (yaml, path) in [
        ("{}", "headers: needs at least one"),
        ("{headers: [{value: v}]}", "headers::0::key: `` is not"),
        (
            "{headers: [{key: content-length, value: v}]}",
            "headers::0::key: `content-length` belongs",
        ),
        ("{headers: [{key: a}]}", "headers::0: needs one of"),
        (
            "{headers: [{key: a, value: v, from_context: c}]}",
            "headers::0: needs one of",
        ),
        (
            "{headers: [{key: a, value: v, action: delete}]}",
            "headers::0::action: a header",
        ),
        (
            "{headers: [{key: a, value: \"\\n\"}]}",
            "headers::0::value: has characters",
        ),
        (
            "{headers: [{key: a, value: v, default_value: d}]}",
            "headers::0::default_value: goes with",
        ),
        (
            "{headers: [{key: a, value: v}], additional_auth: headers_setter/b}",
            "additional_auth: must be",
        ),
    ] {
        let mistakes = contract::mistakes(&FACTORY.meta, yaml);
        assert!(
            mistakes.len() == 1 && mistakes[0].starts_with(path),
            "{yaml}: {mistakes:?}"
        );
    }
}
