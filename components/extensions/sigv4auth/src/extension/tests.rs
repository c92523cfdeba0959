//! Against a server on loopback that is store, security token service, container agent and instance metadata in one.

mod credentials;
mod verifier;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Read as _;
use std::sync::{Arc, Mutex};

use http::{Request, Response, StatusCode, request};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tower::service_fn;
use weir_component::config::OffUnlessSet;
use weir_component::{Code, ComponentId, ComponentKind, ConsumeError};
use weir_net::Body;
use weir_net::client::{Compression, Outgoing, SendError, Target};
use weir_net::compression::Encoding;
use weir_net::config::Authentication;
use weir_net::server::{HttpServer, Running};
use weir_testkit::contract;

use self::verifier::{Signed, verify};
use super::*;
use crate::FACTORY;

/// A request as it arrived.
type Arrived = (request::Parts, Bytes);

/// Answers with status and body.
type Answer = dyn Fn(&request::Parts, &str) -> (u16, String) + Send + Sync;

struct Aws {
    running: Running,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Aws {
    /// Answers requests other than those to `/push`.
    async fn start(answer: impl Fn(&request::Parts, &str) -> (u16, String) + Send + Sync + 'static) -> Self {
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let (log, answer): (_, Arc<Answer>) = (Arc::clone(&arrived), Arc::new(answer));
        let service = service_fn(move |request: Request<Incoming>| {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let (status, text) = match head.uri.path() {
                    "/push" => (200, String::new()),
                    _ => answer(&head, &String::from_utf8_lossy(&body)),
                };
                log.lock().unwrap().push((head, body));
                let mut response = Response::new(Body::from(text));
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
                Ok::<_, Infallible>(response)
            }
        });
        let config = HttpServer {
            endpoint: "127.0.0.1:0".to_owned(),
            ..HttpServer::default()
        };
        let running = config.bind(&Host::default()).await.unwrap().start(service);
        Self { running, arrived }
    }

    fn url(&self) -> String {
        format!("http://{}", self.running.local_address())
    }

    /// Returns the requests to a path.
    fn arrived(&self, path: &str) -> Vec<Arrived> {
        let arrived = self.arrived.lock().unwrap();
        arrived
            .iter()
            .filter(|(head, _)| head.uri.path() == path)
            .cloned()
            .collect()
    }

    /// Sends a request to `/push` by a client with the extension.
    async fn push(
        &self,
        yaml: &str,
        variables: &[(&str, &str)],
        body: &'static [u8],
    ) -> Result<(), SendError> {
        let config = contract::config(&FACTORY.meta, yaml);
        let config: &Config = config.downcast().unwrap();
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let id: ComponentId = "sigv4auth".parse().unwrap();
        let context = BuildContext::standalone(id.clone(), ComponentKind::Extension, None);
        let extension = Arc::new(SigV4Auth::with_environment(config, &context, variables.collect()));
        let host = Host::new(BTreeMap::from([(
            id,
            Arc::clone(&extension) as Arc<dyn Extension>,
        )]));
        Arc::clone(&extension).start(&host).await.unwrap();
        let client = HttpClient {
            auth: OffUnlessSet::on(Authentication {
                authenticator: "sigv4auth".to_owned(),
            }),
            compression: Compression(Encoding::Gzip),
            ..HttpClient::default()
        };
        let client = client.build(&host, &ProxyEnvironment::default(), "test").unwrap();
        let target = Target::parse(&format!("{}/push", self.url())).unwrap();
        let request = Outgoing::post(&target, "application/x-protobuf", Bytes::from_static(body));
        let sent = client.send(request).await;
        extension
            .shutdown(Instant::now() + Duration::from_secs(5))
            .await
            .unwrap();
        sent.map(drop)
    }

    /// Verifies the only request to `/push`, by the secret `secret of <id>`.
    fn pushed(&self) -> (Signed, Arrived) {
        let mut arrived = self.arrived("/push");
        assert_eq!(arrived.len(), 1);
        let (head, body) = arrived.remove(0);
        let signed = verify(&head, &body, |id| Some(format!("secret of {id}"))).unwrap();
        (signed, (head, body))
    }

    async fn stop(self) {
        self.running
            .shutdown(Instant::now() + Duration::from_secs(5))
            .await;
    }
}

/// Credentials in variables.
const VARIABLES: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKVAR"),
    ("AWS_SECRET_ACCESS_KEY", "secret of AKVAR"),
    ("AWS_SESSION_TOKEN", "session of AKVAR"),
];

const APS: &str = "{service: aps, region: eu-central-1}";

#[tokio::test]
async fn what_is_signed_is_what_arrives() {
    let aws = Aws::start(|_, _| (404, String::new())).await;
    let body = [b'x'; 1000];
    aws.push(APS, &VARIABLES, Box::leak(Box::new(body)))
        .await
        .unwrap();
    let (signed, (head, arrived)) = aws.pushed();
    let expected = [
        "content-encoding",
        "content-type",
        "host",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
    ];
    assert_eq!(
        signed,
        Signed {
            access_key_id: "AKVAR".to_owned(),
            region: "eu-central-1".to_owned(),
            service: "aps".to_owned(),
            signed_headers: expected.map(str::to_owned).to_vec(),
        }
    );
    assert_eq!(head.headers["x-amz-security-token"], "session of AKVAR");
    assert!(arrived.len() < body.len(), "the compressed body is signed");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&arrived[..])
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, body);
    aws.stop().await;
}

#[tokio::test]
async fn large_bodies_are_signed_as_well() {
    let noise: Vec<u8> = (0..HASHED_ASIDE as u32 * 2)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let hash = sign::body_hash(&[Bytes::from(noise.clone())]);
    let chunks = [
        Bytes::copy_from_slice(&noise[..7]),
        Bytes::copy_from_slice(&noise[7..]),
    ];
    assert_eq!(body_hash(&chunks).await.unwrap(), hash);
}

#[tokio::test]
async fn a_host_that_tells_nothing_asks_for_the_keys() {
    let aws = Aws::start(|_, _| (404, String::new())).await;
    for (yaml, missing) in [("{region: r}", "service"), ("{service: aps}", "region")] {
        let error = aws.push(yaml, &VARIABLES, b"x").await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(&format!("does not tell the AWS {missing}: set `{missing}`")),
            "{text}"
        );
        assert_eq!(ConsumeError::from(error).code(), Code::Unauthenticated);
    }
    let variables = [&VARIABLES[..], &[("AWS_REGION", "sa-east-1")]].concat();
    aws.push("{service: aps}", &variables, b"x").await.unwrap();
    assert_eq!(aws.pushed().0.region, "sa-east-1");
    aws.stop().await;
}

#[test]
fn hosts_are_signed_as_servers_see_them() {
    for (uri, host) in [
        ("https://a.example/x", "a.example"),
        ("https://a.example:443/x", "a.example"),
        ("http://a.example:80/x", "a.example"),
        ("https://a.example:80/x", "a.example:80"),
        ("http://[::1]:4318/x", "[::1]:4318"),
    ] {
        assert_eq!(host_of(&Uri::from_static(uri)), host, "{uri}");
    }
    assert_eq!(without_port("a.example:80"), "a.example");
    assert_eq!(without_port("[::1]"), "[::1]");
}

#[test]
fn configurations_are_checked() {
    contract::config_is_strict(&FACTORY.meta, "{}");
    contract::config_is_strict(
        &FACTORY.meta,
        "{region: eu-west-1, service: aps, assume_role: {arn: 'arn:aws:iam::1:role/a', session_duration: 15m, external_id: 'a:b'}}",
    );
    for (yaml, path) in [
        ("{region: 'eu.west'}", "region"),
        ("{service: 'a b'}", "service"),
        ("{assume_role: {arn: 'role/a'}}", "assume_role::arn"),
        ("{assume_role: {session_name: me}}", "assume_role::arn"),
        ("{assume_role: {web_identity_token_file: /t}}", "assume_role::arn"),
        (
            "{assume_role: {arn: 'arn:aws:iam::1:role/a', session_name: 'a b'}}",
            "assume_role::session_name",
        ),
        (
            "{assume_role: {arn: 'arn:aws:iam::1:role/a', session_duration: 1m}}",
            "assume_role::session_duration",
        ),
        (
            "{assume_role: {arn: 'arn:aws:iam::1:role/a', external_id: ab, web_identity_token_file: /t}}",
            "assume_role::external_id",
        ),
        (
            "{assume_role: {arn: 'arn:aws:iam::1:role/a', sts_region: '/'}}",
            "assume_role::sts_region",
        ),
    ] {
        let mistakes = contract::mistakes(&FACTORY.meta, yaml);
        assert!(
            mistakes.len() == 1 && mistakes[0].starts_with(&format!("{path}: ")),
            "{yaml}: {mistakes:?}"
        );
    }
}
