//! A pool of connections.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::uri::Authority;
use http::{HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connect::Connector;
use super::proxy::{Proxies, ProxyEnvironment, Route};
use super::slots::Slots;
use crate::body::Body;
use crate::tls::{ALPN_H2, ALPN_HTTP1, TlsClient, TlsError};

/// Smallest buffer that hyper accepts for the header of an HTTP/1 answer, with room for long ones.
const MIN_HTTP1_BUFFER: usize = 64 << 10;

/// How connections are made and kept.
#[derive(Debug, Clone)]
pub struct TransportSettings {
    /// TLS for `https` URLs.
    pub tls: TlsClient,
    /// Speaks HTTP/2 only, in plaintext with prior knowledge. For gRPC.
    pub http2_only: bool,
    /// Offers HTTP/2 in TLS handshakes.
    pub offer_http2: bool,
    /// Where to connect to instead of the host of each URL, which still names the server to TLS and in requests.
    pub address: Option<Address>,
    /// A proxy for everything, or empty for those of the environment.
    pub proxy_url: String,
    /// Bytes that are read from a connection at a time, at most; 0: as HTTP asks for them.
    pub read_buffer: usize,
    /// Bytes of a request that are buffered before they are written, at most; 0: hyper's default.
    pub write_buffer: usize,
    /// Idle connections kept per host.
    pub max_idle_per_host: usize,
    /// Connections per host; 0: no limit.
    pub max_per_host: usize,
    /// Time after which idle connections are closed; `None`: never.
    pub idle_timeout: Option<Duration>,
    /// HTTP/2 connections are asked for a sign of life after this time of silence; `None`: never.
    pub ping_interval: Option<Duration>,
    /// Time to answer a ping before the connection is closed.
    pub ping_timeout: Duration,
    /// Pings also while no request is open.
    pub ping_while_idle: bool,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Host and port.
    Host(Authority),
    /// A Unix socket. No proxy is asked on the way there.
    Unix(PathBuf),
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self {
            tls: TlsClient::default(),
            http2_only: false,
            offer_http2: true,
            address: None,
            proxy_url: String::new(),
            read_buffer: 0,
            write_buffer: 0,
            max_idle_per_host: 2,
            max_per_host: 0,
            idle_timeout: Some(Duration::from_secs(90)),
            ping_interval: None,
            ping_timeout: Duration::from_secs(15),
            ping_while_idle: true,
        }
    }
}

/// A pool of connections to servers. Cloning shares it; connections close when the last clone is gone.
#[derive(Clone)]
pub struct Transport {
    client: legacy::Client<Connector, Body>,
    proxies: Arc<Proxies>,
}

impl Transport {
    /// Sets up TLS and an empty pool. Blocks on the file system, opens no connection.
    ///
    /// # Errors
    ///
    /// [`TlsError`] if the TLS section cannot be used.
    pub fn new(settings: &TransportSettings, environment: &ProxyEnvironment) -> Result<Self, TlsError> {
        let alpn: &[&[u8]] = match (settings.http2_only, settings.offer_http2) {
            (true, _) => &[ALPN_H2],
            (false, true) => &[ALPN_H2, ALPN_HTTP1],
            (false, false) => &[ALPN_HTTP1],
        };
        let proxies = Arc::new(Proxies::new(
            &settings.proxy_url,
            environment,
            settings.http2_only,
        ));
        let proxy_tls = if proxies.needs_tls() {
            let section = TlsClient {
                server_name_override: String::new(),
                ..settings.tls.clone()
            };
            Some(section.build(&[ALPN_HTTP1])?)
        } else {
            None
        };
        let slots = (settings.max_per_host > 0).then(|| Arc::new(Slots::new(settings.max_per_host)));
        let tls = Some(settings.tls.build(alpn)?);
        let connector = Connector::new(tls, proxy_tls, Arc::clone(&proxies), slots, settings.read_buffer)
            .with_address(settings.address.clone());

        // The tasks of connections end with the pool.
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(settings.idle_timeout)
            .pool_max_idle_per_host(settings.max_idle_per_host)
            .http2_only(settings.http2_only)
            .http2_keep_alive_interval(settings.ping_interval)
            .http2_keep_alive_timeout(settings.ping_timeout)
            .http2_keep_alive_while_idle(settings.ping_while_idle);
        if settings.write_buffer > 0 {
            builder.http1_max_buf_size(settings.write_buffer.max(MIN_HTTP1_BUFFER));
            builder.http2_max_send_buf_size(settings.write_buffer);
        }
        Ok(Self {
            client: builder.build(connector),
            proxies,
        })
    }

    /// Sends a request on a pooled or new connection and waits for the head of the answer. A request that a server on its way out
    /// has not looked at is sent again, once.
    ///
    /// # Errors
    ///
    /// What hyper says: the connection could not be made, or failed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the request; the server may have got it.
    pub async fn send(&self, mut request: Request<Body>) -> Result<Response<Incoming>, legacy::Error> {
        // A tunnel carries the proxy's credentials itself; a plain request to a proxy carries them along.
        if let Route::Forward(proxy) = self.proxies.route(request.uri())
            && let Some(authorization) = proxy.basic_auth()
        {
            let mut value: HeaderValue = authorization.clone();
            value.set_sensitive(true);
            request.headers_mut().insert(header::PROXY_AUTHORIZATION, value);
        }
        // A body that is fed can be sent once only.
        let again = (!request.body().is_fed()).then(|| request.clone());
        match (self.client.request(request).await, again) {
            (Err(error), Some(again)) if was_turned_away(&error) => self.client.request(again).await,
            (answer, _) => answer,
        }
    }
}

/// Returns true if the server closes the connection in good order and has not looked at the request.
///
/// Spec: RFC 9113, section 6.8: requests on streams above the last one of a GOAWAY can be sent again.
fn was_turned_away(error: &legacy::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR);
        }
        cause = error.source();
    }
    false
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}
