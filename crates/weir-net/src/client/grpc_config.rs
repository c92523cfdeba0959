//! Configuration of gRPC clients.

use std::time::Duration;

use http::uri::Authority;
use http::{HeaderValue, Uri};
use weir_component::config::{OffUnlessSet, Role, Validate, Violations, schema};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Host, StartError};

use super::config::Compression;
use super::credentials::Credentials;
use super::grpc_endpoint::{GrpcEndpoint, GrpcEndpointError};
use super::proxy::ProxyEnvironment;
use super::transport::{Address, Transport, TransportSettings};
use crate::compression::Encoding;
use crate::config::{Authentication, Headers, Middleware, Span, validate_auth, validate_client_middlewares};
use crate::grpc;
use crate::observe::ClientWatch;
use crate::tls::{TlsClient, TlsError};

/// Shortest time between pings, as in gRPC libraries: servers cut off clients that ask more often.
const MIN_PING_TIME: Duration = Duration::from_secs(10);

/// Time to answer a ping where the configuration says 0, as in gRPC libraries.
const DEFAULT_PING_TIMEOUT: Duration = Duration::from_secs(20);

/// A gRPC client, as components configure it. All calls share one connection to the first address of the server that answers; it is
/// opened by the first call.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::block::<Self>("grpc_client"))]
pub struct GrpcClient {
    /// Server to call: `host:port`, with or without one of the prefixes `http://` (plaintext), `https://`, `dns:///` and
    /// `passthrough:///`, or `unix:path`. Required.
    pub endpoint: String,
    /// Coding of messages: `gzip`, `snappy`, `zstd`, `none` or empty.
    pub compression: Compression,
    /// TLS; on unless the endpoint begins with `http://`, or `insecure` is true and no authority is configured.
    pub tls: TlsClient,
    /// Pings that find out whether the server is there.
    pub keepalive: OffUnlessSet<ClientKeepalive>,
    /// Bytes that are read from the connection at a time, at most, from 0 to 64 MiB. 0: a frame at a time.
    #[schemars(range(min = 0, max = 67_108_864))]
    pub read_buffer_size: i64,
    /// Bytes of a call that are buffered, at most, from 0 to 64 MiB. 0: 1 MiB.
    #[schemars(range(min = 0, max = 67_108_864))]
    pub write_buffer_size: i64,
    /// Must be false: calls fail while there is no connection, and whoever makes them decides when to try again.
    pub wait_for_ready: bool,
    /// Metadata of every call, unless the component sets the same key.
    pub headers: Headers,
    /// `User-Agent` of calls. Empty: that of the binary.
    pub user_agent: String,
    /// `round_robin` or `pick_first`. Both mean one connection, to the first address that answers.
    pub balancer_name: String,
    /// Name of the server in `:authority` and in the TLS handshake. Empty: that of the endpoint.
    pub authority: String,
    /// Credentials by an extension, which may replace metadata. Off: none but those in `headers`.
    pub auth: OffUnlessSet<Authentication>,
    /// No extension is a middleware for clients; must be empty.
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

impl Default for GrpcClient {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            compression: Compression::default(),
            tls: TlsClient::default(),
            keepalive: OffUnlessSet::off(),
            read_buffer_size: 0,
            write_buffer_size: 0,
            wait_for_ready: false,
            headers: Headers::default(),
            user_agent: String::new(),
            balancer_name: "round_robin".to_owned(),
            authority: String::new(),
            auth: OffUnlessSet::off(),
            middlewares: Vec::new(),
        }
    }
}

/// When a gRPC client asks whether its server is alive.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct ClientKeepalive {
    /// Time of silence before a ping; less than 10s counts as 10s. 0: never.
    #[schemars(with = "Span")]
    pub time: Duration,
    /// Time to answer before the connection is closed. 0: 20s.
    #[schemars(with = "Span")]
    pub timeout: Duration,
    /// Pings also while no call is open; not every server allows it.
    pub permit_without_stream: bool,
}

crate::keys!(ClientKeepalive { time as Span, timeout as Span, permit_without_stream });

/// Why a gRPC client cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum GrpcClientError {
    /// The endpoint or the authority.
    #[error(transparent)]
    Endpoint(#[from] GrpcEndpointError),
    /// The TLS section.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The authenticator.
    #[error(transparent)]
    Authenticator(#[from] StartError),
}

impl GrpcClient {
    /// Returns the URL that calls name and the address they go to if that is another one.
    pub(super) fn target(&self) -> Result<(Uri, Option<Address>), GrpcEndpointError> {
        let endpoint = GrpcEndpoint::parse(&self.endpoint)?;
        let plaintext = self.tls.insecure && !self.tls.files.has_authority();
        let scheme = match endpoint.secure.unwrap_or(!plaintext) {
            true => "https",
            false => "http",
        };
        let (authority, address) = match (endpoint.address, self.authority.as_str()) {
            (Address::Host(host), "") => (host.to_string(), None),
            (Address::Host(host), name) => (name.to_owned(), Some(Address::Host(host))),
            // As gRPC libraries call a server on a Unix socket.
            (Address::Unix(path), "") => ("localhost".to_owned(), Some(Address::Unix(path))),
            (Address::Unix(path), name) => (name.to_owned(), Some(Address::Unix(path))),
        };
        let origin = Uri::try_from(format!("{scheme}://{authority}"))
            .map_err(|_| GrpcEndpointError::Host(authority))?;
        Ok((origin, address))
    }

    /// Sets up a client. Blocks on the file system for TLS files, opens no connection.
    ///
    /// `host` has the authenticator; `user_agent` is used unless the configuration has one.
    ///
    /// # Errors
    ///
    /// [`GrpcClientError`] if the endpoint, which validation refuses too, or the TLS section cannot be used, or the authenticator is
    /// missing.
    pub fn build(
        &self,
        host: &Host,
        environment: &ProxyEnvironment,
        user_agent: &str,
    ) -> Result<grpc::Client, GrpcClientError> {
        let (origin, address) = self.target()?;
        let credentials = Credentials::find(&self.auth, host)?;
        if self.auth.is_on() && origin.scheme_str() == Some("http") {
            tracing::warn!(endpoint = %self.endpoint, "credentials are sent without TLS");
        }
        let keepalive = self
            .keepalive
            .as_ref()
            .filter(|keepalive| !keepalive.time.is_zero());
        let settings = TransportSettings {
            tls: self.tls.clone(),
            http2_only: true,
            address,
            read_buffer: usize::try_from(self.read_buffer_size).unwrap_or(0),
            write_buffer: usize::try_from(self.write_buffer_size).unwrap_or(0),
            ping_interval: keepalive.map(|keepalive| keepalive.time.max(MIN_PING_TIME)),
            ping_timeout: keepalive
                .map(|keepalive| keepalive.timeout)
                .filter(|timeout| !timeout.is_zero())
                .unwrap_or(DEFAULT_PING_TIMEOUT),
            ping_while_idle: keepalive.is_some_and(|keepalive| keepalive.permit_without_stream),
            ..TransportSettings::default()
        };
        let transport = Transport::new(&settings, environment)?;
        let user_agent = if self.user_agent.is_empty() {
            user_agent
        } else {
            &self.user_agent
        };
        Ok(grpc::Client::new(transport, origin, user_agent)
            .with_compression(self.compression.0)
            .with_metadata(self.headers.to_map())
            .with_credentials(credentials)
            .with_watch(ClientWatch::new(host)))
    }
}

/// Returns whether a header belongs to the protocol.
fn is_reserved(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("grpc-") || matches!(name.as_str(), "content-type" | "te" | "host")
}

impl Validate for GrpcClient {
    fn validate(&self, found: &mut Violations) {
        if self.endpoint.is_empty() {
            found.add(
                "endpoint",
                "required: the server to call, such as `collector:4317`",
            );
        } else if let Err(error) = GrpcEndpoint::parse(&self.endpoint) {
            found.add("endpoint", error.to_string());
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
        found.require(
            !self.wait_for_ready,
            "wait_for_ready",
            "is not supported: calls fail while there is no connection, and may be retried",
        );
        self.validate_headers(found);
        found.require(
            matches!(self.balancer_name.as_str(), "" | "round_robin" | "pick_first"),
            "balancer_name",
            format!(
                "balancer `{}` is not supported, use pick_first",
                self.balancer_name
            ),
        );
        found.require(
            self.authority.is_empty() || Authority::try_from(self.authority.as_str()).is_ok(),
            "authority",
            format!("`{}` is not a host, with or without a port", self.authority),
        );
        validate_auth(&self.auth, Role::ClientAuth, found);
        validate_client_middlewares(&self.middlewares, found);
    }
}

impl GrpcClient {
    fn validate_headers(&self, found: &mut Violations) {
        found.nested("headers", &self.headers);
        for (name, _) in self.headers.iter() {
            let key = format!("headers::{name}");
            found.require(
                !is_reserved(name),
                &key,
                "this header is the protocol's and cannot be set",
            );
            // Spec: gRPC over HTTP/2, "Custom-Metadata": such values are base64.
            let binary = name.to_ascii_lowercase().ends_with("-bin");
            found.require(!binary, &key, "binary metadata is not supported");
        }
        found.require(
            HeaderValue::try_from(&self.user_agent).is_ok(),
            "user_agent",
            "has characters that headers cannot have",
        );
    }
}
