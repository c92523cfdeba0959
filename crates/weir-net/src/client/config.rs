//! Configuration of HTTP clients.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use weir_component::config::{OffUnlessSet, Role, Validate, Violations, schema};
use weir_component::schemars::{self, JsonSchema, Schema, SchemaGenerator, json_schema};
use weir_component::{Host, StartError};

use super::credentials::Credentials;
use super::proxy::{self, ProxyEnvironment};
use super::request::Client;
use super::transport::{Transport, TransportSettings};
use crate::compression::Encoding;
use crate::config::{Authentication, Headers, Middleware, Span, validate_auth, validate_client_middlewares};
use crate::observe::ClientWatch;
use crate::tls::{TlsClient, TlsError};

/// Time to answer an HTTP/2 ping where the configuration says 0.
const DEFAULT_PING_TIMEOUT: Duration = Duration::from_secs(15);

/// An HTTP client, as components configure it. It follows no redirects and keeps no cookies.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::block::<Self>("http_client"))]
pub struct HttpClient {
    /// URL to send to; user name and password in it become a basic `Authorization`. The component says what is appended.
    pub endpoint: String,
    /// Proxy for all requests: an `http`, `https`, `socks5` or `socks5h` URL. Empty: as `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` of the
    /// environment say.
    pub proxy_url: String,
    /// TLS, for `https` URLs.
    pub tls: TlsClient,
    /// Bytes that are read from a connection at a time, at most, from 0 to 64 MiB. 0: as they come.
    #[schemars(range(min = 0, max = 67_108_864))]
    pub read_buffer_size: i64,
    /// Bytes of a request that are buffered, at most, from 0 to 64 MiB. 0: 400 KiB.
    #[schemars(range(min = 0, max = 67_108_864))]
    pub write_buffer_size: i64,
    /// Longest time for a request, from the connection to the last byte of the answer. 0: no limit.
    #[schemars(with = "Span")]
    pub timeout: Duration,
    /// Headers of every request, replacing those that the component sets. `Host` also names the virtual host, and keeps the client
    /// to HTTP/1.1.
    pub headers: Headers,
    /// Credentials by an extension, which may replace headers. Off: none but those in `headers` and the URL.
    pub auth: OffUnlessSet<Authentication>,
    /// Coding of request bodies. Empty and `none`: as they are.
    pub compression: Compression,
    /// Parameters of the coding.
    pub compression_params: CompressionParams,
    /// Idle connections kept in total. A client has one host as a rule, so this caps `max_idle_conns_per_host`. 0: no limit.
    pub max_idle_conns: u32,
    /// Idle connections kept per host. 0: as many as `max_idle_conns`, so that each request of several in flight keeps its connection.
    pub max_idle_conns_per_host: u32,
    /// Connections per host, idle ones included; requests beyond wait. 0: no limit.
    pub max_conns_per_host: u32,
    /// Time after which idle connections are closed. 0: never.
    #[schemars(with = "Span")]
    pub idle_conn_timeout: Duration,
    /// Uses each connection for one request.
    pub disable_keep_alives: bool,
    /// Time of silence after which an HTTP/2 connection is pinged. 0: never.
    #[schemars(with = "Span")]
    pub http2_read_idle_timeout: Duration,
    /// Time to answer a ping before the connection is given up. 0: 15s.
    #[schemars(with = "Span")]
    pub http2_ping_timeout: Duration,
    /// Offers HTTP/2 in TLS handshakes.
    pub force_attempt_http2: bool,
    /// A cookie jar. Not supported: turning it on is an error.
    pub cookies: OffUnlessSet<Cookies>,
    /// No extension is a middleware for clients; must be empty.
    pub middlewares: Vec<Middleware>,
}

crate::keys!(HttpClient {
    endpoint, proxy_url, tls, read_buffer_size, write_buffer_size, timeout as Span, headers, auth, compression, compression_params,
    max_idle_conns, max_idle_conns_per_host, max_conns_per_host, idle_conn_timeout as Span, disable_keep_alives,
    http2_read_idle_timeout as Span, http2_ping_timeout as Span, force_attempt_http2, cookies, middlewares,
});

impl Default for HttpClient {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            proxy_url: String::new(),
            tls: TlsClient::default(),
            read_buffer_size: 0,
            write_buffer_size: 0,
            timeout: Duration::ZERO,
            headers: Headers::default(),
            auth: OffUnlessSet::off(),
            compression: Compression::default(),
            compression_params: CompressionParams::default(),
            max_idle_conns: 100,
            max_idle_conns_per_host: 0,
            max_conns_per_host: 0,
            idle_conn_timeout: Duration::from_secs(90),
            disable_keep_alives: false,
            http2_read_idle_timeout: Duration::ZERO,
            http2_ping_timeout: Duration::ZERO,
            force_attempt_http2: true,
            cookies: OffUnlessSet::off(),
            middlewares: Vec::new(),
        }
    }
}

/// Why an HTTP client cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The TLS section.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The authenticator.
    #[error(transparent)]
    Authenticator(#[from] StartError),
}

/// The `cookies` section, which has no keys. Not supported: setting it is a configuration error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cookies {}

/// Parameters of a coding.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct CompressionParams {
    /// Level: -1 (the usual one) or 1 to 9 for `gzip`, `zlib` and `deflate`, any for `zstd`; the others have none. 0: the usual one, 6 for
    /// the former and 1 for `zstd`.
    pub level: i32,
}

crate::keys!(CompressionParams { level });

/// The coding of request bodies: `none` and the empty text are identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compression(pub Encoding);

impl Default for Compression {
    fn default() -> Self {
        Self(Encoding::Identity)
    }
}

impl Serialize for Compression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self.0 {
            Encoding::Identity => "none",
            encoding => encoding.as_str(),
        })
    }
}

impl JsonSchema for Compression {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Compression".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let codings = Encoding::ALL.iter().map(|encoding| match encoding {
            Encoding::Identity => "",
            encoding => encoding.as_str(),
        });
        let names: Vec<&str> = ["none"].into_iter().chain(codings).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}

impl<'de> Deserialize<'de> for Compression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Compression;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a compression")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Compression, E> {
                Encoding::from_config(if name == "none" { "" } else { name }).map(Compression)
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

impl Compression {
    /// Checks a level for this coding.
    ///
    /// # Errors
    ///
    /// A message that says which levels there are.
    pub fn check_level(self, level: i32) -> Result<(), String> {
        let (valid, levels) = match self.0 {
            Encoding::Gzip | Encoding::Zlib | Encoding::Deflate if level == -2 => {
                (false, "-1 to 9; -2 is not supported")
            }
            Encoding::Gzip | Encoding::Zlib | Encoding::Deflate => ((-1..=9).contains(&level), "-1 to 9"),
            Encoding::Zstd => (true, ""),
            _ => (level == 0, "0"),
        };
        if valid {
            Ok(())
        } else {
            Err(format!(
                "level {level} does not exist for `{}`, use {levels}",
                self.0
            ))
        }
    }
}

impl Validate for HttpClient {
    fn validate(&self, found: &mut Violations) {
        if !self.proxy_url.is_empty()
            && let Err(message) = proxy::check_url(&self.proxy_url)
        {
            found.add("proxy_url", message);
        }
        found.nested("tls", &self.tls);
        for (key, value) in [
            ("read_buffer_size", self.read_buffer_size),
            ("write_buffer_size", self.write_buffer_size),
        ] {
            found.require((0..=64 << 20).contains(&value), key, "must be from 0 to 67108864");
        }
        found.nested("headers", &self.headers);
        validate_auth(&self.auth, Role::ClientAuth, found);
        if let Err(message) = self.compression.check_level(self.compression_params.level) {
            found.add("compression_params::level", message);
        }
        found.require(!self.cookies.is_on(), "cookies", "cookies are not supported");
        validate_client_middlewares(&self.middlewares, found);
    }
}

impl HttpClient {
    /// Sets up a client. Blocks on the file system for TLS files, opens no connection.
    ///
    /// `host` has the authenticator; `user_agent` is the value of `User-Agent` unless `headers` has one.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the TLS section cannot be used, or the authenticator is missing.
    pub fn build(
        &self,
        host: &Host,
        environment: &ProxyEnvironment,
        user_agent: &str,
    ) -> Result<Client, ClientError> {
        let credentials = Credentials::find(&self.auth, host)?;
        let limits = [self.max_idle_conns, self.max_idle_conns_per_host];
        let idle = if self.disable_keep_alives {
            0
        } else {
            limits
                .into_iter()
                .filter(|limit| *limit > 0)
                .min()
                .unwrap_or(u32::MAX)
        };
        let headers = self.headers.to_map();
        let limit = |duration: Duration| Some(duration).filter(|duration| !duration.is_zero());
        let settings = TransportSettings {
            tls: self.tls.clone(),
            http2_only: false,
            // HTTP/2 has no place for a host that differs from the URL's.
            offer_http2: self.force_attempt_http2 && !headers.contains_key(http::header::HOST),
            address: None,
            proxy_url: self.proxy_url.clone(),
            read_buffer: usize::try_from(self.read_buffer_size).unwrap_or(0),
            write_buffer: usize::try_from(self.write_buffer_size).unwrap_or(0),
            max_idle_per_host: usize::try_from(idle).unwrap_or(usize::MAX),
            max_per_host: usize::try_from(self.max_conns_per_host).unwrap_or(usize::MAX),
            idle_timeout: limit(self.idle_conn_timeout),
            ping_interval: limit(self.http2_read_idle_timeout),
            ping_timeout: limit(self.http2_ping_timeout).unwrap_or(DEFAULT_PING_TIMEOUT),
            ping_while_idle: true,
        };
        let transport = Transport::new(&settings, environment)?;
        Ok(Client::new(
            transport,
            headers,
            credentials,
            user_agent,
            self.compression.0,
            self.compression_params.level,
            limit(self.timeout),
        )
        .with_watch(ClientWatch::new(host)))
    }
}
