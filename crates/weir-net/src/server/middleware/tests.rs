//! Middlewares over loopback.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use hyper::body::Incoming;
use weir_component::schemars::{self, JsonSchema};
use weir_component::{BuildContext, BuildError, Code, Component, ComponentId, Extension, Validate};

use super::*;
use crate::client::{GrpcClient, HttpClient, Outgoing, ProxyEnvironment, Target};
use crate::grpc::{Call, ClientCall, Limits, MessageSize, Unary};
use crate::server::{GrpcServer, HttpServer};
use crate::testing::{grpc_server, http_server, service, soon};
use crate::tls::TlsClient;

/// Refuses what it is told to, and writes down who was asked.
struct Valve {
    name: &'static str,
    asked: Arc<Mutex<Vec<&'static str>>>,
    refusal: Option<ConsumeError>,
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, JsonSchema)]
struct NoOptions {}

impl Validate for NoOptions {}

/// The extension of a [`Valve`].
struct Offers(Arc<Valve>);

impl Component for Offers {}

impl Extension for Offers {
    type Config = NoOptions;

    fn build(_: &NoOptions, _: &BuildContext) -> Result<Self, BuildError> {
        Err(BuildError::new("made by hand"))
    }

    fn server_middleware(&self) -> Option<Arc<dyn ServerMiddleware>> {
        Some(self.0.clone())
    }
}

impl ServerMiddleware for Valve {
    fn admit(&self, request: &IncomingRequest<'_>) -> Result<(), ConsumeError> {
        assert!(request.peer.is_some());
        self.asked.lock().unwrap().push(self.name);
        self.refusal.clone().map_or(Ok(()), Err)
    }
}

fn id(name: &str) -> ComponentId {
    name.parse().unwrap()
}

/// A host with the middlewares `first`, which lets through, and `second`, which does as told.
fn host(refusal: Option<ConsumeError>) -> (Host, Arc<Mutex<Vec<&'static str>>>) {
    let asked = Arc::<Mutex<Vec<_>>>::default();
    let extensions = [("first", None), ("second", refusal)].map(|(name, refusal)| {
        let valve = Valve {
            name,
            asked: Arc::clone(&asked),
            refusal,
        };
        (id(name), Arc::new(Offers(Arc::new(valve))) as Arc<dyn Extension>)
    });
    (Host::new(BTreeMap::from(extensions)), asked)
}

fn names(names: &[&str]) -> Vec<Middleware> {
    names
        .iter()
        .map(|id| Middleware { id: (*id).to_owned() })
        .collect()
}

fn full() -> ConsumeError {
    ConsumeError::new(Code::ResourceExhausted, "memory is short").retry_after(Duration::from_secs(2))
}

#[tokio::test]
async fn http_requests_are_let_through_or_refused_in_the_order_of_the_list() {
    for (order, refusal, status, asked) in [
        (["first", "second"], None, 200, &["first", "second"][..]),
        (["first", "second"], Some(full()), 429, &["first", "second"]),
        (["second", "first"], Some(full()), 429, &["second"]),
        (
            ["first", "second"],
            Some(ConsumeError::unavailable("later")),
            503,
            &["first", "second"],
        ),
    ] {
        let (host, seen) = host(refusal.clone());
        let config = HttpServer {
            middlewares: names(&order),
            ..http_server()
        };
        let running = config
            .bind(&host)
            .await
            .unwrap()
            .start(service(|_: Request<Incoming>| async {
                Response::new(Body::from("in"))
            }));
        let client = HttpClient::default()
            .build(&Host::default(), &ProxyEnvironment::default(), "test")
            .unwrap();
        let target = Target::parse(&format!("http://{}/", running.local_address())).unwrap();
        let reply = client
            .send(Outgoing::post(&target, "text/plain", Bytes::from_static(b"body")))
            .await
            .unwrap();
        assert_eq!(reply.status, status);
        assert_eq!(
            reply.headers.get(header::RETRY_AFTER).map(HeaderValue::as_bytes),
            (status == 429).then_some(&b"2"[..])
        );
        assert_eq!(*seen.lock().unwrap(), asked);
        running.shutdown(soon()).await;
    }
}

/// Takes every call.
struct Taken;

impl Unary for Taken {
    type Permit = ();

    async fn admit(&self, _: MessageSize) -> Result<(), Status> {
        Ok(())
    }

    async fn call(&self, _: Call, (): ()) -> Result<Bytes, Status> {
        Ok(Bytes::new())
    }
}

#[tokio::test]
async fn grpc_calls_are_refused_with_the_delay() {
    for refusal in [None, Some(full())] {
        let (host, _) = host(refusal.clone());
        let config = GrpcServer {
            middlewares: names(&["second"]),
            ..grpc_server()
        };
        let running = config
            .bind(&host)
            .await
            .unwrap()
            .start(service(|request: Request<Incoming>| async {
                grpc::serve(&Taken, Limits::default(), request).await
            }));
        let client = GrpcClient {
            endpoint: running.local_address().to_string(),
            tls: TlsClient {
                insecure: true,
                ..TlsClient::default()
            },
            ..GrpcClient::default()
        };
        let client = client
            .build(&Host::default(), &ProxyEnvironment::default(), "test")
            .unwrap();
        let call = ClientCall::new(PathAndQuery::from_static("/a.B/C"), Bytes::new());
        let answer = client.unary(call).await.map(|_| ());
        let told = answer.map_err(|status| (status.code, status.retry_delay()));
        let expected = refusal.map_or(Ok(()), |_| {
            Err((Code::ResourceExhausted, Some(Duration::from_secs(2))))
        });
        assert_eq!(told, expected);
        running.shutdown(soon()).await;
    }
}

#[tokio::test]
async fn a_middleware_that_is_none_keeps_the_server_from_starting() {
    let config = HttpServer {
        middlewares: names(&["missing"]),
        ..http_server()
    };
    let error = config.bind(&Host::default()).await.unwrap_err().to_string();
    assert!(
        error.contains("the middleware `missing` is not running"),
        "{error}"
    );
}
