//! An OTLP/gRPC server that answers as a test tells it.

#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::Incoming;
use weir_net::grpc::{self, Call, Limits, MessageSize, Status, Unary};
use weir_net::server::{ConnectionInfo, GrpcServer, Running};

/// A call that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// Path of the method.
    pub(crate) path: String,
    /// Metadata.
    pub(crate) metadata: HeaderMap,
    /// The message.
    pub(crate) message: Bytes,
    /// Whether the caller said how long it waits.
    pub(crate) has_deadline: bool,
    /// Peer of the connection that it came on.
    pub(crate) peer: String,
    /// When it came.
    pub(crate) at: Instant,
}

impl Received {
    /// Returns a metadata value, or an empty text.
    pub(crate) fn metadata(&self, name: &str) -> &str {
        self.metadata
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// An answer: a message, or a status.
pub(crate) type Answer = Result<Bytes, Status>;

#[derive(Default)]
struct State {
    received: Vec<Received>,
    script: VecDeque<Answer>,
}

#[derive(Clone, Default)]
struct Export(Arc<Mutex<State>>);

impl Unary for Export {
    type Permit = ();

    async fn admit(&self, _: MessageSize) -> Result<(), Status> {
        Ok(())
    }

    async fn call(&self, call: Call, (): ()) -> Answer {
        let connection = call.head.extensions.get::<Arc<ConnectionInfo>>();
        let peer = connection.and_then(|connection| connection.peer);
        let mut state = self.0.lock().unwrap();
        state.received.push(Received {
            path: call.head.uri.path().to_owned(),
            metadata: call.head.headers,
            message: call.message,
            has_deadline: call.deadline.is_some(),
            peer: format!("{peer:?}"),
            at: Instant::now(),
        });
        state.script.pop_front().unwrap_or_else(|| Ok(Bytes::new()))
    }
}

/// A running server.
pub(crate) struct Server {
    running: Running,
    export: Export,
}

impl Server {
    /// Starts a server on a loopback port that takes everything beyond `script`.
    pub(crate) async fn start(script: impl IntoIterator<Item = Answer>) -> Self {
        let config = GrpcServer {
            endpoint: "127.0.0.1:0".to_owned(),
            ..GrpcServer::default()
        };
        Self::with(config, script).await
    }

    /// Starts a server by a configuration.
    pub(crate) async fn with(config: GrpcServer, script: impl IntoIterator<Item = Answer>) -> Self {
        let export = Export::default();
        export.0.lock().unwrap().script.extend(script);
        let (shared, limits) = (
            export.clone(),
            Limits {
                max_message_bytes: 64 << 20,
            },
        );
        let service = tower::service_fn(move |request: http::Request<Incoming>| {
            let export = shared.clone();
            async move { Ok::<_, Infallible>(grpc::serve(&export, limits, request).await) }
        });
        let running = config
            .bind(&weir_component::Host::default())
            .await
            .unwrap()
            .start(service);
        Self { running, export }
    }

    /// Returns host and port, or the path of the socket.
    pub(crate) fn address(&self) -> String {
        self.running.local_address().to_string()
    }

    /// Returns the port.
    pub(crate) fn port(&self) -> String {
        self.address().rsplit(':').next().unwrap().to_owned()
    }

    /// Returns the calls in order of arrival.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.export.0.lock().unwrap().received.clone()
    }

    /// Stops the server.
    pub(crate) async fn stop(self) {
        self.running
            .shutdown(Instant::now() + Duration::from_secs(5))
            .await;
    }
}
