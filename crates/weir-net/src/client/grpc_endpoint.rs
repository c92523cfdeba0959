//! Where a gRPC client connects to.

use std::fmt;
use std::path::PathBuf;

use http::uri::Authority;

use super::transport::Address;

/// The server that the `endpoint` of a gRPC client names.
///
/// | Form | Meaning |
/// |---|---|
/// | `host:port` | that host |
/// | `https://host:port`, `http://host:port` | that host, by TLS or in plaintext whatever `tls::insecure` says |
/// | `dns:///host:port`, `dns:host:port`, `passthrough:///host:port` | that host |
/// | `unix:path`, `unix:///absolute/path` | that Unix socket |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcEndpoint {
    /// What the scheme says about TLS, if it says anything.
    pub(super) secure: Option<bool>,
    pub(super) address: Address,
}

/// A text is not the endpoint of a gRPC client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrpcEndpointError {
    /// Not a host with a port.
    #[error("`{0}` is not `host:port` with a numeric port")]
    Host(String),
    /// A path, query or the like behind the port.
    #[error("`{0}` must end with the port: gRPC has paths of its own")]
    Path(String),
    /// A Unix socket without a path.
    #[error("a unix socket needs a path, such as `unix:///run/otlp.sock`")]
    EmptyPath,
    /// A name server for one endpoint.
    #[error("a name server of the endpoint's own (`{0}`) is not supported, use `dns:///host:port`")]
    NameServer(String),
    /// A resolver that does not exist here.
    #[error("resolver `{0}` is not supported, use host:port, http, https, dns, passthrough or unix")]
    Resolver(String),
}

impl GrpcEndpoint {
    /// Parses the text of a configuration.
    ///
    /// # Errors
    ///
    /// [`GrpcEndpointError`], also for resolvers that gRPC knows and Weir does not.
    pub fn parse(text: &str) -> Result<Self, GrpcEndpointError> {
        let host = |secure, text| {
            Ok(Self {
                secure,
                address: Address::Host(authority(text)?),
            })
        };
        if let Some(rest) = text.strip_prefix("https://") {
            return host(Some(true), rest);
        }
        if let Some(rest) = text.strip_prefix("http://") {
            return host(Some(false), rest);
        }
        let (scheme, rest) = match text.split_once(':') {
            // `scheme://...` of any kind, or one of the schemes that may stand without slashes.
            Some((scheme, rest))
                if rest.starts_with("//") || matches!(scheme, "dns" | "passthrough" | "unix") =>
            {
                (scheme, rest)
            }
            _ => return host(None, text),
        };
        match scheme {
            // A host of that name is more likely than a resolver followed by nothing but a port.
            "dns" | "passthrough" | "unix" if is_port(rest) => host(None, text),
            "dns" | "passthrough" => host(None, without_name_server(rest)?),
            "unix" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                let address = Address::Unix(PathBuf::from(path));
                if path.is_empty() || (rest.starts_with("//") && !path.starts_with('/')) {
                    return Err(GrpcEndpointError::EmptyPath);
                }
                Ok(Self {
                    secure: None,
                    address,
                })
            }
            other => Err(GrpcEndpointError::Resolver(other.to_owned())),
        }
    }

    /// Returns the host, or the path of the socket.
    pub fn host(&self) -> String {
        match &self.address {
            Address::Host(authority) => authority.host().trim_matches(['[', ']']).to_owned(),
            Address::Unix(path) => path.display().to_string(),
        }
    }

    /// Returns the port; sockets have none.
    pub fn port(&self) -> Option<u16> {
        match &self.address {
            Address::Host(authority) => authority.port_u16(),
            Address::Unix(_) => None,
        }
    }
}

impl fmt::Display for GrpcEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Address::Host(authority) => authority.fmt(f),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Cuts `//` with an empty name server and the slash behind it.
fn without_name_server(rest: &str) -> Result<&str, GrpcEndpointError> {
    let Some(rest) = rest.strip_prefix("//") else {
        return Ok(rest);
    };
    match rest.split_once('/') {
        Some(("", host)) => Ok(host),
        // The Collector takes `dns://host:port` for `dns:///host:port`.
        None => Ok(rest),
        Some((server, _)) => Err(GrpcEndpointError::NameServer(server.to_owned())),
    }
}

fn authority(text: &str) -> Result<Authority, GrpcEndpointError> {
    if text.contains(['/', '?', '#']) {
        return Err(GrpcEndpointError::Path(text.to_owned()));
    }
    let invalid = || GrpcEndpointError::Host(text.rsplit('@').next().unwrap_or_default().to_owned());
    let authority = Authority::try_from(text).map_err(|_| invalid())?;
    let complete = !authority.host().is_empty() && authority.port_u16().is_some() && !text.contains('@');
    if complete { Ok(authority) } else { Err(invalid()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        for (text, secure, shown) in [
            ("collector:4317", None, "collector:4317"),
            ("[::1]:4317", None, "[::1]:4317"),
            ("https://collector:4317", Some(true), "collector:4317"),
            ("http://127.0.0.1:4317", Some(false), "127.0.0.1:4317"),
            ("dns:///collector:4317", None, "collector:4317"),
            ("dns://collector:4317", None, "collector:4317"),
            ("dns:collector:4317", None, "collector:4317"),
            ("dns:4317", None, "dns:4317"),
            ("passthrough:///collector:4317", None, "collector:4317"),
            ("unix:///run/otlp.sock", None, "unix:/run/otlp.sock"),
            ("unix:otlp.sock", None, "unix:otlp.sock"),
        ] {
            let endpoint = GrpcEndpoint::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(
                (endpoint.secure, endpoint.to_string().as_str()),
                (secure, shown),
                "{text}"
            );
        }
        let endpoint = GrpcEndpoint::parse("[::1]:4317").unwrap();
        assert_eq!((endpoint.host().as_str(), endpoint.port()), ("::1", Some(4317)));
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, expected) in [
            ("collector", "`collector` is not `host:port`"),
            ("collector:", "`collector:` is not"),
            ("collector:otlp", "`collector:otlp` is not"),
            ("collector:99999", "`collector:99999` is not"),
            (":4317", "`:4317` is not"),
            ("user:secret@collector:4317", "`collector:4317` is not"),
            ("http://collector", "`collector` is not"),
            (
                "http://collector:4317/",
                "`collector:4317/` must end with the port",
            ),
            (
                "dns://8.8.8.8/collector:4317",
                "a name server of the endpoint's own (`8.8.8.8`)",
            ),
            ("xds:///collector", "resolver `xds` is not supported"),
            ("unix:", "a unix socket needs a path"),
            ("unix://", "a unix socket needs a path"),
        ] {
            let error = GrpcEndpoint::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
