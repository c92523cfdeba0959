//! A page of metrics to scrape.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::SocketAddr;

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::series::Labels;

/// Names of all characters, as Prometheus 3 reads them.
const UTF8_TEXT: &str = "text/plain; version=1.0.0; escaping=allow-utf-8";

/// A page that does not change. Ends when dropped.
#[derive(Debug)]
pub struct Exposition {
    address: SocketAddr,
    _server: JoinSet<()>,
}

impl Exposition {
    /// Serves series, each with the value 1, under any path.
    ///
    /// # Errors
    ///
    /// No port can be opened.
    pub async fn start(series: &[Labels]) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut server = JoinSet::new();
        server.spawn(serve(listener, page(series).into()));
        Ok(Self {
            address,
            _server: server,
        })
    }

    /// What to scrape.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }
}

fn page(series: &[Labels]) -> String {
    let quoted = |text: &str| {
        let text = text
            .replace('\\', r"\\")
            .replace('\n', r"\n")
            .replace('"', "\\\"");
        format!("\"{text}\"")
    };
    let mut page = String::new();
    for labels in series {
        let others = labels.iter().filter(|(name, _)| *name != "__name__");
        let pairs = others.map(|(name, value)| format!(",{}={}", quoted(name), quoted(value)));
        let _ = writeln!(
            page,
            "{{{}{}}} 1",
            quoted(&labels["__name__"]),
            pairs.collect::<String>()
        );
    }
    page
}

async fn serve(listener: TcpListener, page: Bytes) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        let page = page.clone();
        let service = service_fn(move |_: Request<Incoming>| {
            let response = Response::builder()
                .header(header::CONTENT_TYPE, UTF8_TEXT)
                .body(Full::new(page.clone()));
            async move { Ok::<_, Infallible>(response.expect("a plain response")) }
        });
        // A connection that fails is the scraper's to make again.
        connections.spawn(async move {
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}
