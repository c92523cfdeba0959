//! Clients and servers over loopback, each with its side of the extension.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Response, StatusCode, header};
use tower::service_fn;
use weir_component::config::OffUnlessSet;
use weir_component::{BuildContext, ComponentKind, Host};
use weir_extension_basicauth::FACTORY;
use weir_net::Body;
use weir_net::client::{HttpClient, Outgoing, ProxyEnvironment, Reply, Target};
use weir_net::config::Authentication;
use weir_net::server::{HttpAuthentication, HttpServer, Running, context_of};
use weir_testkit::contract;

/// `secret`, with cost 4.
const HASH: &str = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

/// A host with the extension under the id `basicauth`, started.
async fn host(yaml: &str) -> Result<Host, String> {
    let config = contract::config(&FACTORY.meta, yaml);
    let id: weir_component::ComponentId = "basicauth".parse().unwrap();
    let context = BuildContext::standalone(id.clone(), ComponentKind::Extension, None);
    let extension = FACTORY.build(&config, &context).unwrap();
    let host = Host::new(BTreeMap::from([(id, Arc::clone(&extension))]));
    let started = extension.start(&host).await;
    started.map(|()| host).map_err(|error| error.to_string())
}

/// A server that answers with the subject of whoever is let in.
async fn server(host: &Host) -> Running {
    let config = HttpServer {
        endpoint: "127.0.0.1:0".to_owned(),
        auth: OffUnlessSet::on(HttpAuthentication {
            authenticator: "basicauth".to_owned(),
            ..HttpAuthentication::default()
        }),
        ..HttpServer::default()
    };
    let service = service_fn(|request: http::Request<_>| async move {
        let (head, _): (_, hyper::body::Incoming) = request.into_parts();
        let identity = context_of(&head, false, None)
            .identity
            .clone()
            .unwrap_or_default();
        assert_eq!(identity.attributes["username"], identity.subject);
        Ok::<_, Infallible>(Response::new(Body::from(identity.subject)))
    });
    config.bind(host).await.unwrap().start(service)
}

/// Sends a request with the credentials of `host`, or none.
async fn send(running: &Running, host: Option<&Host>) -> Reply {
    let auth = host.map(|_| Authentication {
        authenticator: "basicauth".to_owned(),
    });
    let config = HttpClient {
        auth: auth.map_or(OffUnlessSet::off(), OffUnlessSet::on),
        ..HttpClient::default()
    };
    let client = config
        .build(
            host.unwrap_or(&Host::default()),
            &ProxyEnvironment::default(),
            "test",
        )
        .unwrap();
    let target = Target::parse(&format!("http://{}/", running.local_address())).unwrap();
    let request = Outgoing::post(&target, "text/plain", Bytes::from_static(b"x"));
    client.send(request).await.unwrap()
}

#[tokio::test]
async fn users_are_let_in_by_their_passwords() {
    let list = format!("{{htpasswd: {{inline: \"ann:{HASH}\\nbob:plain\"}}}}");
    let running = server(&host(&list).await.unwrap()).await;
    for (user, password, status) in [
        ("ann", "secret", StatusCode::OK),
        ("ann", "secret", StatusCode::OK),
        ("bob", "plain", StatusCode::OK),
        ("ann", "wrong", StatusCode::UNAUTHORIZED),
        ("eve", "secret", StatusCode::UNAUTHORIZED),
    ] {
        let client = format!("{{client_auth: {{username: {user}, password: {password}}}}}");
        let reply = send(&running, Some(&host(&client).await.unwrap())).await;
        assert_eq!(reply.status, status, "{user}:{password}");
        if status == StatusCode::OK {
            assert_eq!(reply.body, user);
        }
    }
    let reply = send(&running, None).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        reply.headers[header::WWW_AUTHENTICATE],
        "Basic realm=\"weir\", charset=\"UTF-8\""
    );
    running.shutdown(Instant::now() + Duration::from_secs(5)).await;
}

#[tokio::test]
async fn files_go_before_what_is_inline_at_clients_and_behind_it_at_servers() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let users = path("users", "ann:from-file\nbob:from-file\n");
    let list = format!("{{htpasswd: {{file: '{users}', inline: 'ann:inline'}}}}");
    let running = server(&host(&list).await.unwrap()).await;
    let (user, password) = (path("user", "ann\n"), path("password", "inline\n"));
    let client = format!(
        "{{client_auth: {{username: x, password: y, username_file: '{user}', password_file: '{password}'}}}}"
    );
    let reply = send(&running, Some(&host(&client).await.unwrap())).await;
    assert_eq!((reply.status, &reply.body[..]), (StatusCode::OK, &b"ann"[..]));
    running.shutdown(Instant::now() + Duration::from_secs(5)).await;

    let error = host("{htpasswd: {file: /nonexistent/users}}")
        .await
        .err()
        .unwrap();
    assert_eq!(error, "cannot read users");
}

#[tokio::test]
async fn each_side_is_no_authenticator_for_the_other() {
    let id = "basicauth".parse().unwrap();
    let client = host("{client_auth: {username: a}}").await.unwrap();
    assert!(client.client_auth(&id).is_ok() && client.server_auth(&id).is_err());
    let server = host("{htpasswd: {inline: 'a:b'}}").await.unwrap();
    assert!(server.server_auth(&id).is_ok() && server.client_auth(&id).is_err());
}

#[test]
fn mistakes_are_named() {
    contract::config_is_strict(&FACTORY.meta, "{client_auth: {username: a}}");
    for (yaml, path) in [
        ("{}", ": needs either"),
        (
            "{client_auth: {username: a}, htpasswd: {inline: 'a:b'}}",
            ": needs either",
        ),
        ("{client_auth: {password: a}}", "client_auth::username: required"),
        (
            "{client_auth: {username: 'a:b'}}",
            "client_auth::username: must not",
        ),
        ("{htpasswd: {}}", "htpasswd::file: required"),
        (
            "{htpasswd: {inline: 'ann:$apr1$x$y'}}",
            "htpasswd::inline: line 1",
        ),
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
    let config = contract::config(&FACTORY.meta, "{client_auth: {username: a, password: hunter2}}");
    assert!(!format!("{config:?}").contains("hunter2"));
}
