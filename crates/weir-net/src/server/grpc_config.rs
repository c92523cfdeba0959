//! Configuration of gRPC servers.

use std::time::Duration;

use http::HeaderMap;
use weir_component::Host;
use weir_component::config::{OffUnlessSet, OnUnlessDisabled, Role, Validate, Violations, schema};
use weir_component::schemars::{self, JsonSchema};

use super::accept::{Server, ServerError};
use super::config::{limit, validate_listening};
use super::connection::Settings;
use super::guard::{Guard, Protocol};
use super::layers::Around;
use super::listener::Endpoint;
use super::middleware::Middlewares;
use super::ping_guard::PingPolicy;
use crate::config::{Authentication, Dialer, Middleware, Span, validate_auth, validate_middlewares};
use crate::grpc::{DEFAULT_MAX_MESSAGE_BYTES, Limits};
use crate::observe::{ServerWatch, Spoken};
use crate::tls::{ALPN_H2, TlsServer};

/// Streams that a client may have open at once where the configuration says 0; more wait at the client.
const DEFAULT_STREAMS: u32 = 1024;

/// Pings go out after this time of silence if only their timeout is configured.
const DEFAULT_PING_TIME: Duration = Duration::from_secs(2 * 3600);

/// A ping may stay unanswered for this time unless configured otherwise.
const DEFAULT_PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Time between pings of a client where the enforcement policy says 0.
const DEFAULT_MIN_TIME: Duration = Duration::from_secs(5 * 60);

/// A gRPC server, as components configure it. Speaks HTTP/2 only.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::block::<Self>("grpc_server"))]
pub struct GrpcServer {
    /// `host:port` to listen on (empty host: all interfaces; port 0: one that the system chooses), or the path of a Unix socket. Required
    /// unless the component has a default.
    pub endpoint: String,
    /// Kind of socket: `tcp` (IPv4 and IPv6), `tcp4`, `tcp6` or `unix`.
    pub transport: String,
    /// Has no meaning for a server: setting it is an error.
    pub dialer: Dialer,
    /// TLS. Off: plaintext.
    pub tls: OffUnlessSet<TlsServer>,
    /// Largest message in MiB, compressed and decompressed, from 0 to 4095; larger ones are refused with `RESOURCE_EXHAUSTED`. 0: 4 MiB.
    #[schemars(range(min = 0, max = 4095))]
    pub max_recv_msg_size_mib: i64,
    /// Calls that one connection may have open at once; more wait at the client. 0: 1024.
    pub max_concurrent_streams: u32,
    /// Bytes that are read from a connection at a time, at most, from 0 to 64 MiB. Buffers grow to this as large requests come and shrink
    /// again. 0: a frame at a time.
    #[schemars(range(min = 0, max = 67_108_864))]
    pub read_buffer_size: i64,
    /// Bytes of an answer that are buffered, at most, from 0 to 64 MiB. 0: 400 KiB.
    #[schemars(range(min = 0, max = 67_108_864))]
    pub write_buffer_size: i64,
    /// How long connections live, and how it is found out that a client is gone.
    pub keepalive: OnUnlessDisabled<Keepalive>,
    /// Authentication of clients by an extension, before messages are read. Off: all are let in.
    pub auth: OffUnlessSet<Authentication>,
    /// Passes request metadata on as metadata of the client, for steps that tell clients apart (`metadata_keys`, `headers_setter`).
    pub include_metadata: bool,
    /// Extensions that decide on calls when these are authenticated and before messages are read, in this order; such as
    /// `memory_limiter`. Default: none.
    pub middlewares: Vec<Middleware>,
}

crate::keys!(GrpcServer {
    endpoint,
    transport,
    dialer,
    tls,
    max_recv_msg_size_mib,
    max_concurrent_streams,
    read_buffer_size,
    write_buffer_size,
    keepalive,
    auth,
    include_metadata,
    middlewares,
});

impl Default for GrpcServer {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            transport: "tcp".to_owned(),
            dialer: Dialer::default(),
            tls: OffUnlessSet::off(),
            max_recv_msg_size_mib: 0,
            max_concurrent_streams: 0,
            read_buffer_size: 0,
            write_buffer_size: 0,
            keepalive: OnUnlessDisabled::default(),
            auth: OffUnlessSet::off(),
            include_metadata: false,
            middlewares: Vec::new(),
        }
    }
}

/// Life of a gRPC server's connections.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct Keepalive {
    /// What the server does by itself. In all of its keys, 0 is the usual value.
    pub server_parameters: OnUnlessDisabled<ServerParameters>,
    /// What the server expects of clients that send pings. A section that sets nothing is not enforced.
    pub enforcement_policy: OnUnlessDisabled<EnforcementPolicy>,
}

crate::keys!(Keepalive {
    server_parameters,
    enforcement_policy
});

/// When a server ends connections and asks whether clients are alive. 0 everywhere means the default.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct ServerParameters {
    /// A connection without calls for this long is closed. 0: never.
    #[schemars(with = "Span")]
    pub max_connection_idle: Duration,
    /// A connection of this age, give or take 10 %, is asked to end, so that clients spread over new servers. 0: never.
    #[schemars(with = "Span")]
    pub max_connection_age: Duration,
    /// Time that open calls have when a connection reached its age, before it is cut. 0: unlimited.
    #[schemars(with = "Span")]
    pub max_connection_age_grace: Duration,
    /// Time of silence after which the server asks whether the client is there, by an HTTP/2 ping. 0: 2h if `timeout` is set; else
    /// never, as TCP keep-alive finds clients that are gone in less than three minutes.
    #[schemars(with = "Span")]
    pub time: Duration,
    /// Time to answer a ping before the connection is closed. 0: 20s.
    #[schemars(with = "Span")]
    pub timeout: Duration,
}

crate::keys!(ServerParameters {
    max_connection_idle as Span, max_connection_age as Span, max_connection_age_grace as Span, time as Span, timeout as Span,
});

/// Clients that ping more often than allowed are disconnected, at the third offence since their last answered call.
///
/// A section that sets nothing is not enforced: pings are cheap, and clients that are cut off come back and ping again. (The
/// Collector enforces 5 minutes then.)
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct EnforcementPolicy {
    /// Shortest time between pings of a client; who pings more often is disconnected at the third offence. 0: 5m.
    #[schemars(with = "Span")]
    pub min_time: Duration,
    /// Allows pings while no call is open. Without, one in two hours is.
    pub permit_without_stream: bool,
}

crate::keys!(EnforcementPolicy { min_time as Span, permit_without_stream });

impl Validate for GrpcServer {
    fn validate(&self, found: &mut Violations) {
        validate_listening(&self.endpoint, &self.transport, &self.dialer, found);
        found.nested("tls", &self.tls);
        let sizes = [
            (
                "max_recv_msg_size_mib",
                self.max_recv_msg_size_mib,
                i64::from(u32::MAX >> 20),
            ),
            ("read_buffer_size", self.read_buffer_size, 64 << 20),
            ("write_buffer_size", self.write_buffer_size, 64 << 20),
        ];
        for (key, value, max) in sizes {
            found.require(
                (0..=max).contains(&value),
                key,
                format!("must be from 0 to {max}"),
            );
        }
        validate_auth(&self.auth, Role::ServerAuth, found);
        validate_middlewares(&self.middlewares, found);
    }
}

impl GrpcServer {
    /// Returns the bounds of calls.
    pub fn limits(&self) -> Limits {
        let mebibytes = usize::try_from(self.max_recv_msg_size_mib)
            .ok()
            .filter(|mebibytes| *mebibytes > 0);
        let max_message_bytes = mebibytes.map_or(DEFAULT_MAX_MESSAGE_BYTES, |mebibytes| {
            mebibytes.saturating_mul(1 << 20)
        });
        Limits { max_message_bytes }
    }

    /// Finds the authenticator and the middlewares, reads TLS files and binds the socket.
    ///
    /// # Errors
    ///
    /// [`ServerError`]: the endpoint cannot be resolved or bound, the TLS section cannot be used, or the authenticator is missing.
    pub async fn bind(&self, host: &Host) -> Result<Server, ServerError> {
        let auth = self.auth.as_ref();
        let guard = auth
            .map(|auth| Guard::find(&auth.authenticator, &[], Protocol::Grpc, host))
            .transpose()?;
        let middlewares = Middlewares::find(&self.middlewares, Protocol::Grpc, host)?;
        let tls = self.tls.as_ref().map(|tls| tls.build(&[ALPN_H2])).transpose()?;
        let endpoint = Endpoint {
            address: self.endpoint.clone(),
            transport: self.transport.clone(),
        };
        let life = self
            .keepalive
            .as_ref()
            .and_then(|keepalive| keepalive.server_parameters.as_ref())
            .cloned()
            .unwrap_or_default();
        let policy = self
            .keepalive
            .as_ref()
            .and_then(|keepalive| keepalive.enforcement_policy.as_ref());
        let ping_policy = policy
            .filter(|policy| **policy != EnforcementPolicy::default())
            .map(|policy| PingPolicy {
                min_time: limit(policy.min_time).unwrap_or(DEFAULT_MIN_TIME),
                permit_without_stream: policy.permit_without_stream,
            });
        let streams = if self.max_concurrent_streams == 0 {
            DEFAULT_STREAMS
        } else {
            self.max_concurrent_streams
        };
        let settings = Settings {
            http2_only: true,
            keep_alive: true,
            header_timeout: None,
            write_timeout: None,
            idle: limit(life.max_connection_idle),
            age: limit(life.max_connection_age),
            age_grace: limit(life.max_connection_age_grace),
            ping_interval: limit(life.time).or(limit(life.timeout).map(|_| DEFAULT_PING_TIME)),
            ping_timeout: limit(life.timeout).unwrap_or(DEFAULT_PING_TIMEOUT),
            ping_policy,
            max_concurrent_streams: Some(streams),
            read_buffer: usize::try_from(self.read_buffer_size).unwrap_or(0),
            write_buffer: usize::try_from(self.write_buffer_size).unwrap_or(0),
            around: Around::new(
                HeaderMap::new(),
                None,
                guard,
                middlewares,
                ServerWatch::new(host, Spoken::Grpc, &self.endpoint, self.tls.is_on()),
            ),
        };
        Server::bind(&endpoint, tls, settings, host.sockets()).await
    }
}
