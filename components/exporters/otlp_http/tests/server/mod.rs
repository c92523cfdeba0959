//! An OTLP/HTTP server on the loopback interface that answers as a test tells it.

#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use weir_net::Body;
use weir_net::compression::Encoding;
use weir_net::server::{HttpServer, Running};

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// Path.
    pub(crate) path: String,
    /// Headers.
    pub(crate) headers: HeaderMap,
    /// Body, decompressed.
    pub(crate) body: Bytes,
    /// When it came.
    pub(crate) at: Instant,
}

impl Received {
    /// Returns a header's value, or an empty text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Status, headers, body.
pub(crate) type Answer = (u16, Vec<(&'static str, &'static str)>, Bytes);

/// An answer without headers and body.
pub(crate) fn status(status: u16) -> Answer {
    (status, Vec::new(), Bytes::new())
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    script: VecDeque<Answer>,
}

/// A running server.
pub(crate) struct Server {
    running: Running,
    state: Arc<Mutex<State>>,
}

impl Server {
    /// Starts a server that takes everything beyond `script`.
    pub(crate) async fn start(script: impl IntoIterator<Item = Answer>) -> Self {
        let state = Arc::new(Mutex::new(State {
            script: script.into_iter().collect(),
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        let config = HttpServer {
            endpoint: "127.0.0.1:0".to_owned(),
            ..HttpServer::default()
        };
        let service = tower::service_fn(move |request: http::Request<Incoming>| {
            let state = Arc::clone(&shared);
            async move { Ok::<_, Infallible>(answer(&state, request).await) }
        });
        let running = config
            .bind(&weir_component::Host::default())
            .await
            .unwrap()
            .start(service);
        Self { running, state }
    }

    /// Returns the base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.running.local_address())
    }

    /// Returns the port.
    pub(crate) fn port(&self) -> String {
        self.url().rsplit(':').next().unwrap().to_owned()
    }

    /// Returns the requests in order of arrival.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// Stops the server.
    pub(crate) async fn stop(self) {
        self.running
            .shutdown(Instant::now() + Duration::from_secs(5))
            .await;
    }
}

async fn answer(state: &Mutex<State>, request: http::Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let coding = head
        .headers
        .get("content-encoding")
        .map_or("", |value| value.to_str().unwrap());
    let body = Encoding::from_name(coding)
        .unwrap()
        .decode_off_reactor(body, 64 << 20)
        .await
        .unwrap();
    let mut state = state.lock().unwrap();
    state.received.push(Received {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body,
        at: Instant::now(),
    });
    let (status, headers, body) = state.script.pop_front().unwrap_or_else(|| self::status(200));
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap()
}
