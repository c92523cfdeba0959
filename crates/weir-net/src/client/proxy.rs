//! Which proxy a request goes through.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use url::Url;

/// The proxies that the environment of the process names. A value, so that nothing below reads the environment itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxyEnvironment {
    /// Proxy of `http` URLs; empty for none.
    pub http_proxy: String,
    /// Proxy of `https` URLs; empty for none.
    pub https_proxy: String,
    /// Hosts to reach directly, separated by commas: names (with their subdomains), addresses, networks, or `*`.
    pub no_proxy: String,
}

impl ProxyEnvironment {
    /// Reads `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, each also in lower case, through `lookup`.
    ///
    /// In a CGI process (`REQUEST_METHOD` is set), `HTTP_PROXY` would come from a request header and is not read.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let either = |upper: &str, lower: &str| {
            lookup(upper)
                .filter(|value| !value.is_empty())
                .or_else(|| lookup(lower))
                .unwrap_or_default()
        };
        let cgi = lookup("REQUEST_METHOD").is_some();
        Self {
            http_proxy: if cgi {
                String::new()
            } else {
                either("HTTP_PROXY", "http_proxy")
            },
            https_proxy: either("HTTPS_PROXY", "https_proxy"),
            no_proxy: either("NO_PROXY", "no_proxy"),
        }
    }

    /// Reads the environment of this process.
    pub fn of_process() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }
}

/// The way to a server.
#[derive(Debug)]
pub(super) enum Route {
    /// Without a proxy.
    Direct,
    /// Through a proxy that reads and forwards requests.
    Forward(Intercept),
    /// Through a proxy that connects and then passes bytes.
    Tunnel(Intercept),
    /// Through a SOCKS proxy.
    Socks(Intercept),
}

/// The rule by which requests find their proxy.
pub(super) struct Proxies {
    matcher: Matcher,
    /// The clients speak HTTP/2 in plaintext too, which proxies do not forward.
    http2_only: bool,
    /// The environment's proxies are not asked for hosts on this machine.
    skip_local: bool,
}

impl Proxies {
    /// The proxy of the configuration for everything, or else those of the environment.
    pub(super) fn new(proxy_url: &str, environment: &ProxyEnvironment, http2_only: bool) -> Self {
        if !proxy_url.is_empty() {
            return Self {
                matcher: Matcher::builder().all(proxy_url.to_owned()).build(),
                http2_only,
                skip_local: false,
            };
        }
        let matcher = Matcher::builder()
            .http(environment.http_proxy.clone())
            .https(environment.https_proxy.clone())
            .no(environment.no_proxy.clone())
            .build();
        Self {
            matcher,
            http2_only,
            skip_local: true,
        }
    }

    /// Returns the way to `destination`.
    pub(super) fn route(&self, destination: &Uri) -> Route {
        if self.skip_local && destination.host().is_some_and(is_local) {
            return Route::Direct;
        }
        let tunnel = self.http2_only || destination.scheme_str() == Some("https");
        // Plaintext HTTP/2 needs a tunnel as TLS does, so it takes the proxy for TLS, as gRPC libraries do.
        let secured = self.http2_only.then(|| as_https(destination)).flatten();
        let proxy = self.matcher.intercept(secured.as_ref().unwrap_or(destination));
        match proxy {
            None => Route::Direct,
            Some(proxy)
                if proxy
                    .uri()
                    .scheme_str()
                    .is_some_and(|scheme| scheme.starts_with("socks5")) =>
            {
                Route::Socks(proxy)
            }
            Some(proxy) if tunnel => Route::Tunnel(proxy),
            Some(proxy) => Route::Forward(proxy),
        }
    }

    /// Returns true if some proxy is itself reached by TLS.
    pub(super) fn needs_tls(&self) -> bool {
        ["http://proxied.invalid", "https://proxied.invalid"]
            .into_iter()
            .any(|uri| {
                let proxy = self.matcher.intercept(&Uri::from_static(uri));
                proxy.is_some_and(|proxy| proxy.uri().scheme_str() == Some("https"))
            })
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies").finish_non_exhaustive()
    }
}

fn as_https(destination: &Uri) -> Option<Uri> {
    Uri::try_from(format!("https://{}", destination.authority()?)).ok()
}

fn is_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Checks a configured `proxy_url`.
pub(super) fn check_url(proxy_url: &str) -> Result<(), String> {
    let url = Url::parse(proxy_url).map_err(|_| "is not a URL such as `http://proxy:3128`".to_owned())?;
    if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
        return Err(format!(
            "proxy scheme `{}` is not supported, use http, https, socks5 or socks5h",
            url.scheme()
        ));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("has no host".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_read_in_both_cases_and_not_below_cgi() {
        let read = |vars: &[(&str, &str)]| {
            ProxyEnvironment::from_lookup(|name| {
                vars.iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            })
        };
        let environment = read(&[
            ("http_proxy", "a"),
            ("HTTPS_PROXY", "b"),
            ("https_proxy", "c"),
            ("no_proxy", "d"),
        ]);
        let expected = ProxyEnvironment {
            http_proxy: "a".into(),
            https_proxy: "b".into(),
            no_proxy: "d".into(),
        };
        assert_eq!(environment, expected);
        assert_eq!(
            read(&[("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "a")]),
            ProxyEnvironment::default()
        );
    }

    #[test]
    fn destinations_find_their_proxy() {
        let environment = ProxyEnvironment {
            http_proxy: "http://proxy:1".into(),
            https_proxy: "http://proxy:2".into(),
            no_proxy: "direct.test,10.0.0.0/8".into(),
        };
        let via = |proxies: &Proxies, uri| match proxies.route(&Uri::from_static(uri)) {
            Route::Direct => "direct".to_owned(),
            Route::Forward(proxy) => format!("forward {}", proxy.uri()),
            Route::Tunnel(proxy) => format!("tunnel {}", proxy.uri()),
            Route::Socks(proxy) => format!("socks {}", proxy.uri()),
        };
        let proxies = Proxies::new("", &environment, false);
        assert_eq!(via(&proxies, "http://a.test/"), "forward http://proxy:1/");
        assert_eq!(via(&proxies, "https://a.test/"), "tunnel http://proxy:2/");
        let local = ["http://localhost:1/", "https://[::1]/", "http://127.8.0.1/"];
        for direct in [
            "http://direct.test/",
            "http://sub.direct.test/",
            "http://10.1.2.3/",
        ]
        .into_iter()
        .chain(local)
        {
            assert_eq!(via(&proxies, direct), "direct", "{direct}");
        }
        let grpc = Proxies::new("", &environment, true);
        assert_eq!(via(&grpc, "http://a.test:4317/"), "tunnel http://proxy:2/");
        assert_eq!(via(&grpc, "http://direct.test:4317/"), "direct");
        let explicit = Proxies::new("http://user:pass@other:3", &environment, false);
        assert_eq!(via(&explicit, "http://localhost/"), "forward http://other:3/");
        let socks = Proxies::new("socks5://other:3", &environment, false);
        assert_eq!(via(&socks, "https://a.test/"), "socks socks5://other:3/");
    }

    #[test]
    fn proxy_urls_are_checked() {
        assert!(check_url("socks5://proxy:1080").is_ok());
        for bad in ["proxy", "ftp://proxy", "http://"] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }
}
