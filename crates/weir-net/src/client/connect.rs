//! Making connections: name, proxy, TLS.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Authority;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::sync::OwnedSemaphorePermit;
use tower::{Service, ServiceExt};
use weir_component::BoxError;

use super::proxy::{Proxies, Route};
use super::slots::Slots;
use super::transport::Address;
use crate::io::{Io, ReadAhead};
use crate::tls::{ALPN_H2, ClientTls};

/// Time to resolve a name and connect, as in Go's default transport.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Time for a TLS handshake, as in Go's default transport.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Port of SOCKS proxies that name none.
const SOCKS_PORT: u16 = 1080;

type Stream = TokioIo<Box<dyn Io>>;

/// A future of this module.
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Makes connections for the pool.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    dial: Dial,
    tls: Option<ClientTls>,
    proxies: Arc<Proxies>,
    slots: Option<Arc<Slots>>,
    read_buffer: usize,
    /// Where to connect to instead of the host of a URL.
    address: Option<Address>,
}

impl Connector {
    /// `tls` is for servers, `proxy_tls` for proxies with an `https` URL.
    pub(super) fn new(
        tls: Option<ClientTls>,
        proxy_tls: Option<ClientTls>,
        proxies: Arc<Proxies>,
        slots: Option<Arc<Slots>>,
        read_buffer: usize,
    ) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        Self {
            dial: Dial { tcp, tls: proxy_tls },
            tls,
            proxies,
            slots,
            read_buffer,
            address: None,
        }
    }

    /// Connects to `address` instead of the host of each URL.
    pub(super) fn with_address(mut self, address: Option<Address>) -> Self {
        self.address = address;
        self
    }

    async fn connect(self, destination: Uri) -> Result<PooledConnection, BoxError> {
        let slot = match &self.slots {
            Some(slots) => slots.take(&destination).await,
            None => None,
        };
        let host = destination.host().ok_or("URL has no host")?.to_owned();
        let secure = destination.scheme_str() == Some("https");
        let (stream, proxied) = match &self.address {
            Some(Address::Unix(path)) => (unix(path).await?, false),
            Some(Address::Host(address)) => self.reach(readdressed(&destination, address)?).await?,
            None => self.reach(destination).await?,
        };
        let mut http2 = false;
        let stream = if secure {
            let tls = self.tls.as_ref().ok_or("TLS is off")?;
            let (stream, protocol) = handshake(tls, &host, stream).await?;
            http2 = protocol.as_deref() == Some(ALPN_H2);
            stream
        } else {
            stream
        };
        let stream = TokioIo::new(ReadAhead::new(stream.into_inner(), self.read_buffer));
        Ok(PooledConnection {
            stream,
            proxied,
            http2,
            _slot: slot,
        })
    }

    /// Connects to the host of a URL, by a proxy if one is on the way; the flag says that it reads requests.
    async fn reach(&self, destination: Uri) -> Result<(Stream, bool), BoxError> {
        Ok(match self.proxies.route(&destination) {
            Route::Direct => (self.dial.connect(plain(destination)).await?, false),
            Route::Socks(proxy) => (self.through_socks(&proxy, destination).await?, false),
            Route::Tunnel(proxy) => {
                let mut tunnel = Tunnel::new(proxy.uri().clone(), self.dial.clone());
                if let Some(authorization) = proxy.basic_auth() {
                    tunnel = tunnel.with_auth(authorization.clone());
                }
                (tunnel.oneshot(plain(destination)).await?, false)
            }
            Route::Forward(proxy) => (self.dial.connect(proxy.uri().clone()).await?, true),
        })
    }

    async fn through_socks(&self, proxy: &Intercept, destination: Uri) -> Result<Stream, BoxError> {
        let authority = proxy.uri().authority().ok_or("proxy has no host")?;
        let port = authority.port_u16().unwrap_or(SOCKS_PORT);
        let address = Uri::try_from(format!("http://{}:{port}", authority.host()))?;
        let mut socks = SocksV5::new(address, self.dial.clone());
        if let Some((user, password)) = proxy.raw_auth() {
            socks = socks.with_auth(user.to_owned(), password.to_owned());
        }
        Ok(socks.oneshot(plain(destination)).await?)
    }
}

/// Returns the destination with another host and port.
fn readdressed(destination: &Uri, address: &Authority) -> Result<Uri, BoxError> {
    let mut parts = destination.clone().into_parts();
    parts.authority = Some(address.clone());
    Ok(Uri::from_parts(parts)?)
}

async fn unix(path: &Path) -> Result<Stream, BoxError> {
    Ok(TokioIo::new(Box::new(UnixStream::connect(path).await?)))
}

/// Makes a destination that [`Dial`] does not secure by itself and whose port nobody has to guess.
fn plain(destination: Uri) -> Uri {
    let default = if destination.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    let Some(authority) = destination.authority() else {
        return destination;
    };
    let port = authority.port_u16().unwrap_or(default);
    Uri::try_from(format!("http://{}:{port}", authority.host())).unwrap_or(destination)
}

async fn handshake(
    tls: &ClientTls,
    host: &str,
    stream: Stream,
) -> Result<(Stream, Option<Vec<u8>>), BoxError> {
    let handshake = tls.connect(host, stream.into_inner());
    let stream = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake)
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "TLS handshake timed out"))??;
    let protocol = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
    Ok((TokioIo::new(Box::new(stream)), protocol))
}

impl Service<Uri> for Connector {
    type Response = PooledConnection;
    type Error = BoxError;
    type Future = Connecting<PooledConnection>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        Box::pin(self.clone().connect(destination))
    }
}

/// Connects to the host of a URL, by TLS if the scheme is `https`.
#[derive(Debug, Clone)]
struct Dial {
    tcp: HttpConnector,
    tls: Option<ClientTls>,
}

impl Dial {
    async fn connect(&self, destination: Uri) -> Result<Stream, BoxError> {
        let host = destination.host().unwrap_or_default().to_owned();
        let secure = destination.scheme_str() == Some("https");
        let stream = self.tcp.clone().oneshot(destination).await?.into_inner();
        let stream: Stream = TokioIo::new(Box::new(stream));
        if !secure {
            return Ok(stream);
        }
        let tls = self.tls.as_ref().ok_or("TLS is off")?;
        Ok(handshake(tls, &host, stream).await?.0)
    }
}

impl Service<Uri> for Dial {
    type Response = Stream;
    type Error = BoxError;
    type Future = Connecting<Stream>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let dial = self.clone();
        Box::pin(async move { dial.connect(destination).await })
    }
}

/// A connection as the pool sees it.
pub(super) struct PooledConnection {
    stream: TokioIo<ReadAhead<Box<dyn Io>>>,
    /// Requests name their whole URL, for a proxy to read.
    proxied: bool,
    /// HTTP/2 was negotiated by TLS.
    http2: bool,
    /// Free again when the connection is closed.
    _slot: Option<OwnedSemaphorePermit>,
}

impl Connection for PooledConnection {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.proxied);
        if self.http2 {
            connected.negotiated_h2()
        } else {
            connected
        }
    }
}

impl hyper::rt::Read for PooledConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl hyper::rt::Write for PooledConnection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
