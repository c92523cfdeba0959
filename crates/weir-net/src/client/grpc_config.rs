//! Configuration of gRPC clients.

use std::time::Duration;

use http::Uri;
use weir_component::config::{OffUnlessSet, OnUnlessDisabled, Validate, Violations};

use super::config::{ClientAuth, Compression};
use super::proxy::ProxyEnvironment;
use super::transport::{Transport, TransportSettings};
use crate::compression::Encoding;
use crate::config::{Headers, Middleware, Span};
use crate::grpc;
use crate::tls::{TlsClient, TlsError};

/// A gRPC client, as components configure it. All calls share one connection to one address of the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrpcClient {
    /// `host:port`, also behind `http://`, `https://`, `dns:///` or `passthrough:///`. The port is required. `https://` means TLS
    /// whatever `tls::insecure` says; `http://` means nothing.
    pub endpoint: String,
    /// Coding of messages: `gzip`, `snappy`, `zstd`, `none` or empty.
    pub compression: Compression,
    /// TLS; on unless `insecure` is true and no authority is configured.
    pub tls: TlsClient,
    /// Pings.
    pub keepalive: OnUnlessDisabled<ClientKeepalive>,
    /// Bytes that are read from the connection at a time, at most. Default: 0, a frame at a time.
    pub read_buffer_size: i64,
    /// Bytes of a call that are buffered, at most. Default: 0, 1 MiB.
    pub write_buffer_size: i64,
    /// Waits for a connection instead of failing. Not supported yet.
    pub wait_for_ready: bool,
    /// Metadata of every call, unless the component sets the same key.
    pub headers: Headers,
    /// `User-Agent`. Default: that of the binary.
    pub user_agent: String,
    /// Must be empty or `pick_first`: other policies are not supported yet.
    pub balancer_name: String,
    /// Name of the server, if it differs from the endpoint's. Not supported yet.
    pub authority: String,
    /// Authentication by an extension. Not supported yet.
    pub auth: OffUnlessSet<ClientAuth>,
    /// Middlewares by extension. Not supported yet.
    pub middlewares: Vec<Middleware>,
}

crate::keys!(GrpcClient {
    endpoint,
    compression,
    tls,
    keepalive,
    read_buffer_size,
    write_buffer_size,
    wait_for_ready,
    headers,
    user_agent,
    balancer_name,
    authority,
    auth,
    middlewares,
});

/// When a gRPC client asks whether its server is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientKeepalive {
    /// Time of silence before a ping. Default: 10s; 0: no pings.
    pub time: Duration,
    /// Time to answer before the connection is closed. Default: 10s.
    pub timeout: Duration,
    /// Pings also while no call is open. Default: false.
    pub permit_without_stream: bool,
}

crate::keys!(ClientKeepalive { time as Span, timeout as Span, permit_without_stream });

impl Default for ClientKeepalive {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(10),
            timeout: Duration::from_secs(10),
            permit_without_stream: false,
        }
    }
}

impl GrpcClient {
    /// Returns the URL of the server, by which the connection is secure or not.
    ///
    /// # Errors
    ///
    /// A message that says what is wrong with the endpoint.
    pub fn origin(&self) -> Result<Uri, String> {
        let endpoint = &self.endpoint;
        if endpoint.starts_with("unix:") {
            return Err(format!("`{endpoint}`: Unix sockets are not supported yet"));
        }
        let schemes = ["http://", "https://", "dns:///", "passthrough:///"];
        let address = schemes
            .iter()
            .find_map(|scheme| endpoint.strip_prefix(scheme))
            .unwrap_or(endpoint);
        let port = address
            .rsplit_once(':')
            .and_then(|(host, port)| port.parse::<u16>().ok().filter(|_| !host.is_empty()));
        if port.is_none() || address.contains(['/', '@']) {
            return Err(format!("`{endpoint}` is not `host:port`"));
        }
        let plaintext =
            self.tls.insecure && !self.tls.files.has_authority() && !endpoint.starts_with("https://");
        let scheme = if plaintext { "http" } else { "https" };
        Uri::try_from(format!("{scheme}://{address}")).map_err(|_| format!("`{endpoint}` is not `host:port`"))
    }

    /// Sets up a client. Blocks on the file system for TLS files, opens no connection.
    ///
    /// `user_agent` is used unless the configuration has one. An endpoint that validation refuses makes every call fail.
    ///
    /// # Errors
    ///
    /// [`TlsError`] if the TLS section cannot be used.
    pub fn build(&self, environment: &ProxyEnvironment, user_agent: &str) -> Result<grpc::Client, TlsError> {
        let keepalive = self.keepalive.as_ref();
        let settings = TransportSettings {
            tls: self.tls.clone(),
            http2_only: true,
            read_buffer: usize::try_from(self.read_buffer_size).unwrap_or(0),
            write_buffer: usize::try_from(self.write_buffer_size).unwrap_or(0),
            ping_interval: keepalive
                .map(|keepalive| keepalive.time)
                .filter(|time| !time.is_zero()),
            ping_timeout: keepalive.map_or(ClientKeepalive::default().timeout, |keepalive| keepalive.timeout),
            ping_while_idle: keepalive.is_some_and(|keepalive| keepalive.permit_without_stream),
            ..TransportSettings::default()
        };
        let transport = Transport::new(&settings, environment)?;
        let user_agent = if self.user_agent.is_empty() {
            user_agent
        } else {
            &self.user_agent
        };
        let client = grpc::Client::new(transport, self.origin().unwrap_or_default(), user_agent);
        Ok(client
            .with_compression(self.compression.0)
            .with_metadata(self.headers.to_map()))
    }
}

impl Validate for GrpcClient {
    fn validate(&self, found: &mut Violations) {
        if let Err(message) = self.origin() {
            found.add("endpoint", message);
        }
        let known = matches!(
            self.compression.0,
            Encoding::Identity | Encoding::Gzip | Encoding::Snappy | Encoding::Zstd
        );
        found.require(
            known,
            "compression",
            format!("gRPC has no `{}`, use gzip, snappy or zstd", self.compression.0),
        );
        found.nested("tls", &self.tls);
        for (key, value) in [
            ("read_buffer_size", self.read_buffer_size),
            ("write_buffer_size", self.write_buffer_size),
        ] {
            found.require((0..=64 << 20).contains(&value), key, "must be from 0 to 67108864");
        }
        found.require(!self.wait_for_ready, "wait_for_ready", "is not supported yet");
        found.nested("headers", &self.headers);
        let user_agent = http::HeaderValue::try_from(&self.user_agent);
        found.require(
            user_agent.is_ok(),
            "user_agent",
            "has characters that headers cannot have",
        );
        found.require(
            matches!(self.balancer_name.as_str(), "" | "pick_first"),
            "balancer_name",
            format!(
                "balancer `{}` is not supported yet, use pick_first",
                self.balancer_name
            ),
        );
        found.require(self.authority.is_empty(), "authority", "is not supported yet");
        found.require(
            !self.auth.is_on(),
            "auth",
            "authenticator extensions are not part of this build yet",
        );
        found.require(
            self.middlewares.is_empty(),
            "middlewares",
            "middlewares are not supported yet",
        );
    }
}
