//! The server: accept, record, answer.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Answer, Message};

/// A running server on a loopback port. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// True while requests wait for their answer.
    held: watch::Sender<bool>,
    /// Requests recorded so far, for those who wait.
    arrived: watch::Sender<usize>,
    /// Ends the accept loop and all connections.
    stop: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Debug, Default)]
struct State {
    received: Vec<Received>,
    script: VecDeque<Answer>,
    otherwise: Option<Answer>,
    in_flight: usize,
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// Method and target, for example `POST /api/v1/write`.
    pub line: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Body as it came.
    pub body: Bytes,
    /// Body, decoded.
    pub message: Message,
    /// Requests that had no answer yet when this one came, itself included.
    pub in_flight: usize,
    /// When it came.
    pub at: Instant,
}

impl Received {
    /// Returns a header's value, or an empty text.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("test headers are text"))
    }
}

impl Server {
    /// Listens on a free port of the loopback interface and takes everything.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared::default());
        shared.tasks.spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared }
    }

    /// Returns the URL to write to.
    pub fn url(&self) -> String {
        format!("http://{}/api/v1/write", self.address)
    }

    /// Returns the address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers the next requests like this, in order of arrival.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.lock().script.extend(answers);
    }

    /// Answers all requests beyond the script like this.
    pub fn answer_always(&self, answer: Answer) {
        self.shared.lock().otherwise = Some(answer);
    }

    /// Lets requests wait for their answer from now on.
    pub fn hold(&self) {
        self.shared.held.send_replace(true);
    }

    /// Answers the requests that wait, and all later ones at once.
    pub fn release(&self) {
        self.shared.held.send_replace(false);
    }

    /// Returns the requests in order of arrival, answered or not.
    pub fn received(&self) -> Vec<Received> {
        self.shared.lock().received.clone()
    }

    /// Waits until `count` requests have arrived.
    ///
    /// # Cancel safety
    ///
    /// Safe: waiting changes nothing.
    pub async fn wait_for(&self, count: usize) {
        self.shared
            .arrived
            .subscribe()
            .wait_for(|arrived| *arrived >= count)
            .await
            .map(drop)
            .expect("the server is alive");
    }

    /// Closes the port and all connections and waits for that.
    ///
    /// # Cancel safety
    ///
    /// Safe: the server stops all the same.
    pub async fn stop(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Some(Ok((stream, _))) = shared.stop.run_until_cancelled(listener.accept()).await {
        shared.tasks.spawn(serve(stream, Arc::clone(&shared)));
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let handling = Arc::clone(&shared);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&handling);
        async move { shared.handle(request).await }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    // How a connection ends is the peer's affair.
    drop(shared.stop.run_until_cancelled(connection).await);
}

impl Shared {
    async fn handle(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let Ok(body) = body.collect().await else {
            return Ok(Response::new(Full::default()));
        };
        let body = body.to_bytes();
        let content_type = head
            .headers
            .get("content-type")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let message = Message::decode(content_type, &body);
        let is_v2 = matches!(message, Message::V2(_));
        let counts = message.counts();
        let mut answer = {
            let mut state = self.lock();
            state.in_flight += 1;
            let received = Received {
                line: format!("{} {}", head.method, head.uri),
                headers: head.headers,
                body,
                message,
                in_flight: state.in_flight,
                at: Instant::now(),
            };
            state.received.push(received);
            self.arrived.send_replace(state.received.len());
            state
                .script
                .pop_front()
                .or_else(|| state.otherwise.clone())
                .unwrap_or_else(Answer::ok)
        };
        if answer.written && is_v2 {
            answer = answer.written(counts.0, counts.1, counts.2);
        }
        if answer.hangs {
            self.stop.cancelled().await;
        }
        self.held
            .subscribe()
            .wait_for(|held| !held)
            .await
            .map(drop)
            .expect("the server is alive");
        self.lock().in_flight -= 1;
        let mut response = Response::builder().status(answer.status);
        for (name, value) in &answer.headers {
            response = response.header(name, value);
        }
        Ok(response.body(answer.body.into()).expect("test answers are sound"))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
