//! Configuration of HTTP servers.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::de::{self, SeqAccess};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use weir_component::Host;
use weir_component::config::{OffUnlessSet, Role, Validate, Violations, schema};
use weir_component::schemars::{self, JsonSchema, Schema, SchemaGenerator, json_schema};

use super::accept::{Server, ServerError};
use super::body::BodyPolicy;
use super::connection::Settings;
use super::cors::CorsPolicy;
use super::guard::{Guard, Protocol};
use super::layers::Around;
use super::listener::Endpoint;
use super::middleware::Middlewares;
use crate::compression::Encoding;
use crate::config::{Dialer, Headers, Middleware, Span, validate_middlewares};
use crate::observe::{ServerWatch, Spoken};
use crate::tls::{ALPN_H2, ALPN_HTTP1, TlsServer};

/// Largest request body unless configured otherwise, compressed and decompressed: 20 MiB.
pub const DEFAULT_MAX_BODY_BYTES: usize = 20 << 20;

/// Streams that an HTTP/2 client may have open at once.
const HTTP2_STREAMS: u32 = 250;

/// An HTTP server, as components configure it. Speaks HTTP/1.1 and HTTP/2, the latter in plaintext only with prior knowledge.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::block::<Self>("http_server"))]
pub struct HttpServer {
    /// `host:port` to listen on (empty host: all interfaces; port 0: one that the system chooses), or the path of a Unix socket. Required
    /// unless the component has a default.
    pub endpoint: String,
    /// Kind of socket: `tcp` (IPv4 and IPv6), `tcp4`, `tcp6` or `unix`.
    pub transport: String,
    /// Has no meaning for a server: setting it is an error.
    pub dialer: Dialer,
    /// TLS. Off: plaintext.
    pub tls: OffUnlessSet<TlsServer>,
    /// Lets scripts of other origins send requests from browsers.
    pub cors: OffUnlessSet<Cors>,
    /// Authentication of clients by an extension, before bodies are read. Off: all are let in.
    pub auth: OffUnlessSet<HttpAuthentication>,
    /// Largest request body in bytes, checked before and after decompression; larger ones are refused. 0 and less: 20 MiB (20971520).
    pub max_request_body_size: i64,
    /// Passes request headers on as metadata of the client, for steps that tell clients apart (`metadata_keys`, `headers_setter`).
    pub include_metadata: bool,
    /// Headers set on every response.
    pub response_headers: Headers,
    /// Content codings that are accepted; bodies in others are refused. Without `""`, uncompressed bodies are refused; an empty list
    /// passes bodies on as they are.
    pub compression_algorithms: AcceptedEncodings,
    /// Longest time to read a request body. 0: no limit.
    #[schemars(with = "Span")]
    pub read_timeout: Duration,
    /// Longest time to read the header of a request, where HTTP/1 connections count the wait for the request as well unless `idle_timeout`
    /// is longer. 0: as `read_timeout`.
    #[schemars(with = "Span")]
    pub read_header_timeout: Duration,
    /// Longest time that a client may refuse to take bytes of a response. 0: no limit.
    #[schemars(with = "Span")]
    pub write_timeout: Duration,
    /// Longest time that a connection stays open between requests. 0: as `read_timeout`.
    #[schemars(with = "Span")]
    pub idle_timeout: Duration,
    /// Serves more than one request per HTTP/1 connection.
    pub keep_alives_enabled: bool,
    /// Extensions that decide on requests when these are authenticated and before bodies are read, in this order; such as
    /// `memory_limiter`. Default: none.
    pub middlewares: Vec<Middleware>,
}

crate::keys!(HttpServer {
    endpoint, transport, dialer, tls, cors, auth, max_request_body_size, include_metadata, response_headers, compression_algorithms,
    read_timeout as Span, read_header_timeout as Span, write_timeout as Span, idle_timeout as Span, keep_alives_enabled, middlewares,
});

impl Default for HttpServer {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            transport: "tcp".to_owned(),
            dialer: Dialer::default(),
            tls: OffUnlessSet::off(),
            cors: OffUnlessSet::off(),
            auth: OffUnlessSet::off(),
            max_request_body_size: 0,
            include_metadata: false,
            response_headers: Headers::default(),
            compression_algorithms: AcceptedEncodings::default(),
            read_timeout: Duration::ZERO,
            read_header_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            keep_alives_enabled: true,
            middlewares: Vec::new(),
        }
    }
}

/// Authentication of a server's clients by an extension.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct HttpAuthentication {
    /// Id of the extension, which must be listed in `service::extensions`. Required.
    pub authenticator: String,
    /// Parameters of the URL's query that stand in for the headers of the same name, ignoring case. URLs end up in logs of proxies:
    /// use it for what cannot set headers.
    pub request_params: Vec<String>,
}

crate::keys!(HttpAuthentication {
    authenticator,
    request_params
});

impl Validate for HttpAuthentication {
    fn validate(&self, found: &mut Violations) {
        found.names_extension("authenticator", &self.authenticator, Role::ServerAuth);
        for name in &self.request_params {
            found.require(
                http::HeaderName::try_from(name).is_ok(),
                "request_params",
                format!("`{name}` is not a header name"),
            );
        }
    }
}

/// Cross-origin resource sharing. Allowed methods are GET, POST and HEAD; credentials are allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct Cors {
    /// Origins that may send requests, such as `https://app.example.com`; `*` stands for any characters, once per origin. Empty: the
    /// section has no effect.
    pub allowed_origins: Vec<String>,
    /// Request headers allowed besides the usual ones (`Accept`, `Content-Type`, `X-Requested-With`); `*` for any.
    pub allowed_headers: Vec<String>,
    /// Response headers that scripts may see.
    pub exposed_headers: Vec<String>,
    /// Seconds that a browser may keep the answer to a preflight request. 0 leaves it to the browser.
    pub max_age: u32,
}

crate::keys!(Cors {
    allowed_origins,
    allowed_headers,
    exposed_headers,
    max_age
});

impl Validate for Cors {
    fn validate(&self, found: &mut Violations) {
        for origin in &self.allowed_origins {
            found.require(
                origin.matches('*').count() <= 1,
                "allowed_origins",
                format!("origin `{origin}` has more than one `*`"),
            );
        }
        for name in &self.exposed_headers {
            found.require(
                http::HeaderName::try_from(name.as_str()).is_ok(),
                "exposed_headers",
                format!("`{name}` is not a header name"),
            );
        }
    }
}

/// The content codings that a server accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedEncodings(Vec<Encoding>);

impl Default for AcceptedEncodings {
    fn default() -> Self {
        Self(Encoding::ALL.to_vec())
    }
}

impl AcceptedEncodings {
    /// Returns true if bodies are passed on without looking at their coding.
    pub fn is_raw(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if bodies in this coding are decoded.
    pub fn contains(&self, encoding: Encoding) -> bool {
        self.0.contains(&encoding)
    }
}

impl FromIterator<Encoding> for AcceptedEncodings {
    fn from_iter<I: IntoIterator<Item = Encoding>>(encodings: I) -> Self {
        Self(encodings.into_iter().collect())
    }
}

impl JsonSchema for AcceptedEncodings {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AcceptedEncodings".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = Encoding::ALL.into_iter().map(config_name).collect();
        json_schema!({ "type": "array", "items": { "type": "string", "enum": names } })
    }
}

/// Returns how a coding is written in a list of accepted ones.
const fn config_name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Identity => "",
        encoding => encoding.as_str(),
    }
}

impl Serialize for AcceptedEncodings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().copied().map(config_name))
    }
}

impl<'de> Deserialize<'de> for AcceptedEncodings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(EncodingsVisitor)
    }
}

struct EncodingsVisitor;

impl<'de> de::Visitor<'de> for EncodingsVisitor {
    type Value = AcceptedEncodings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of content codings")
    }

    fn visit_unit<E: de::Error>(self) -> Result<AcceptedEncodings, E> {
        Ok(AcceptedEncodings::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<AcceptedEncodings, A::Error> {
        let mut encodings = Vec::new();
        while let Some(name) = seq.next_element::<String>()? {
            encodings.push(Encoding::from_config(&name)?);
        }
        Ok(AcceptedEncodings(encodings))
    }
}

impl Validate for HttpServer {
    fn validate(&self, found: &mut Violations) {
        validate_listening(&self.endpoint, &self.transport, &self.dialer, found);
        found.nested("tls", &self.tls);
        found.nested("cors", &self.cors);
        found.nested("auth", &self.auth);
        found.nested("response_headers", &self.response_headers);
        validate_middlewares(&self.middlewares, found);
    }
}

/// Checks the keys that all servers have.
pub(super) fn validate_listening(endpoint: &str, transport: &str, dialer: &Dialer, found: &mut Violations) {
    match transport {
        "tcp" | "tcp4" | "tcp6" => {
            let port = endpoint.rsplit_once(':').map(|(_, port)| port);
            found.require(
                port.is_some_and(|port| port.parse::<u16>().is_ok()),
                "endpoint",
                format!("`{endpoint}` is not `host:port` with a port from 0 to 65535"),
            );
        }
        "unix" => found.require(
            !endpoint.is_empty(),
            "endpoint",
            "must be the path of a Unix socket",
        ),
        "" => found.add("transport", "must not be empty"),
        "udp" | "udp4" | "udp6" | "ip" | "ip4" | "ip6" | "unixgram" | "unixpacket" | "npipe" => {
            found.add(
                "transport",
                format!("transport `{transport}` is not supported, use tcp, tcp4, tcp6 or unix"),
            );
        }
        _ => found.add(
            "transport",
            format!("unknown transport `{transport}`, use tcp, tcp4, tcp6 or unix"),
        ),
    }
    found.require(
        *dialer == Dialer::default(),
        "dialer",
        "a server does not dial: remove it",
    );
}

/// Returns `duration` unless it is zero, which means no limit.
pub(super) fn limit(duration: Duration) -> Option<Duration> {
    Some(duration).filter(|duration| !duration.is_zero())
}

impl HttpServer {
    /// Returns how request bodies are read.
    pub fn body_policy(&self) -> BodyPolicy {
        BodyPolicy {
            max_bytes: usize::try_from(self.max_request_body_size)
                .ok()
                .filter(|bytes| *bytes > 0)
                .unwrap_or(DEFAULT_MAX_BODY_BYTES),
            accepted: self.compression_algorithms.clone(),
            timeout: limit(self.read_timeout),
        }
    }

    /// Finds the authenticator and the middlewares, reads TLS files and binds the socket.
    ///
    /// # Errors
    ///
    /// [`ServerError`]: the endpoint cannot be resolved or bound, the TLS section cannot be used, or the authenticator is missing.
    pub async fn bind(&self, host: &Host) -> Result<Server, ServerError> {
        let auth = self.auth.as_ref();
        let guard = auth
            .map(|auth| Guard::find(&auth.authenticator, &auth.request_params, Protocol::Http, host))
            .transpose()?;
        let middlewares = Middlewares::find(&self.middlewares, Protocol::Http, host)?;
        let tls = self
            .tls
            .as_ref()
            .map(|tls| tls.build(&[ALPN_H2, ALPN_HTTP1]))
            .transpose()?;
        let endpoint = Endpoint {
            address: self.endpoint.clone(),
            transport: self.transport.clone(),
        };
        let settings = Settings {
            http2_only: false,
            keep_alive: self.keep_alives_enabled,
            header_timeout: limit(self.read_header_timeout).or(limit(self.read_timeout)),
            write_timeout: limit(self.write_timeout),
            idle: limit(self.idle_timeout).or(limit(self.read_timeout)),
            age: None,
            age_grace: None,
            ping_interval: None,
            ping_timeout: Duration::ZERO,
            ping_policy: None,
            max_concurrent_streams: Some(HTTP2_STREAMS),
            read_buffer: 0,
            write_buffer: 0,
            around: Around::new(
                self.response_headers.to_map(),
                self.cors.as_ref().and_then(CorsPolicy::new),
                guard,
                middlewares,
                ServerWatch::new(host, Spoken::Http, &self.endpoint, self.tls.is_on()),
            ),
        };
        Server::bind(&endpoint, tls, settings, host.sockets()).await
    }
}
