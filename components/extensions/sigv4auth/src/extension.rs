//! The extension: signs the requests of all clients that name it.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Uri, header};
use jiff::Timestamp;
use weir_component::{
    AuthError, BuildContext, BuildError, ClientAuth, Component, Extension, Host, OutgoingRequest,
    ShutdownError, StartError, async_trait,
};
use weir_net::client::{ClientError, HttpClient, ProxyEnvironment};
use weir_net::{RenewalMetrics, Renewed};

use crate::config::Config;
use crate::credentials::{Chain, Clients, Credentials};
use crate::environment::Environment;
use crate::host::{is_region, service_and_region};
use crate::sign::{self, Scope};

/// Longest time for a request to STS.
const AWS_TIME: Duration = Duration::from_secs(20);

/// Longest time for a request to a service of the host: it is near or it is not there.
const HOST_TIME: Duration = Duration::from_secs(5);

/// Bodies from this size on, in bytes, are hashed off the reactor: a quarter of a mebibyte takes half a millisecond at worst.
const HASHED_ASIDE: usize = 256 << 10;

/// The `sigv4auth` extension.
pub(crate) struct SigV4Auth {
    context: BuildContext,
    auth: Arc<Auth>,
}

/// What the extension offers to clients.
struct Auth {
    config: Config,
    environment: Environment,
    /// Set when the extension starts: others may find it before.
    credentials: OnceLock<Renewed<Credentials>>,
}

impl Extension for SigV4Auth {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self::with_environment(config, context, Environment::of_process()))
    }

    fn client_auth(&self) -> Option<Arc<dyn ClientAuth>> {
        Some(self.auth.clone())
    }
}

impl SigV4Auth {
    pub(crate) fn with_environment(
        config: &Config,
        context: &BuildContext,
        environment: Environment,
    ) -> Self {
        Self {
            context: context.clone(),
            auth: Arc::new(Auth {
                config: config.clone(),
                environment,
                credentials: OnceLock::new(),
            }),
        }
    }

    fn clients(&self, host: &Host) -> Result<Clients, ClientError> {
        let user_agent = self.context.build_info.user_agent();
        let client = |timeout, proxies: &ProxyEnvironment| {
            let config = HttpClient {
                timeout,
                ..HttpClient::default()
            };
            config.build(host, proxies, &user_agent)
        };
        Ok(Clients {
            aws: client(AWS_TIME, &ProxyEnvironment::of_process())?,
            host: client(HOST_TIME, &ProxyEnvironment::default())?,
        })
    }
}

#[async_trait]
impl Component for SigV4Auth {
    /// Looks for credentials at once, so that mistakes show, but does not wait for them: what gives them out may come up later.
    async fn start(self: Arc<Self>, host: &Host) -> Result<(), StartError> {
        let clients = self
            .clients(host)
            .map_err(|error| StartError::new("cannot set up the client of STS").caused_by(error))?;
        let auth = &self.auth;
        let chain = Chain::new(auth.config.clone(), auth.environment.clone(), clients);
        let metrics = RenewalMetrics::new(&self.context.metrics, &self.context.id, "credentials");
        let credentials = auth.credentials.get_or_init(|| Renewed::new(chain, metrics));
        credentials.prepare();
        Ok(())
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        if let Some(credentials) = self.auth.credentials.get() {
            credentials.close(deadline).await;
        }
        Ok(())
    }
}

impl Auth {
    /// Returns the service and region that a request to `host` is signed for.
    fn service_and_region<'a>(&'a self, host: &'a str) -> Result<(&'a str, &'a str), AuthError> {
        let told = service_and_region(host);
        let service = match self.config.service.as_str() {
            "" => told.map(|(service, _)| service),
            service => Some(service),
        };
        let region = match self.config.region.as_str() {
            "" => told
                .map(|(_, region)| region)
                .or_else(|| self.environment.region().filter(|region| is_region(region))),
            region => Some(region),
        };
        let unknown = |what: &str| {
            AuthError::refused(format!(
                "the host `{host}` does not tell the AWS {what}: set `{what}` of the extension"
            ))
        };
        Ok((
            service.ok_or_else(|| unknown("service"))?,
            region.ok_or_else(|| unknown("region"))?,
        ))
    }
}

#[async_trait]
impl ClientAuth for Auth {
    async fn authenticate(&self, request: &mut OutgoingRequest<'_>) -> Result<(), AuthError> {
        let credentials = self.credentials.get();
        let credentials =
            credentials.ok_or_else(|| AuthError::unavailable("the authenticator has not started"))?;
        let credentials = credentials.current().await?;
        let host = match request.headers.get(header::HOST) {
            Some(host) => String::from_utf8_lossy(host.as_bytes()).into_owned(),
            None => host_of(request.uri),
        };
        let (service, region) = self.service_and_region(without_port(&host))?;
        let hash = body_hash(request.body).await?;
        // After everything that waits: the time must be that of the request.
        let scope = Scope {
            region,
            service,
            time: Timestamp::now(),
        };
        sign::sign(
            request.method,
            request.uri,
            &host,
            request.headers,
            &hash,
            &credentials,
            scope,
        )
    }
}

/// Returns what the server will see as the host: without the port if it is the usual one.
fn host_of(uri: &Uri) -> String {
    let host = uri.host().unwrap_or_default();
    match (uri.scheme_str(), uri.port_u16()) {
        (_, None) | (Some("https"), Some(443)) | (Some("http"), Some(80)) => host.to_owned(),
        (_, Some(port)) => format!("{host}:{port}"),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

async fn body_hash(body: &[Bytes]) -> Result<String, AuthError> {
    if body.iter().map(Bytes::len).sum::<usize>() < HASHED_ASIDE {
        return Ok(sign::body_hash(body));
    }
    let body = body.to_vec();
    weir_net::aside(move || sign::body_hash(&body))
        .await
        .map_err(|error| AuthError::unavailable("cannot hash the body").caused_by(error))
}

#[cfg(test)]
mod tests;
