//! The extension: finds a token in a request and the provider that it is of.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use weir_component::{
    AuthError, BoxError, BuildContext, BuildError, Component, Extension, Host, Identity, IncomingRequest,
    ServerAuth, ShutdownError, StartError, async_trait,
};
use weir_net::client::{HttpClient, ProxyEnvironment, Target};
use weir_net::tls::{TlsClient, TlsFiles};
use weir_net::{RenewalMetrics, Renewed, Watched};

use crate::config::{self, Config};
use crate::discovery::Discovery;
use crate::keys::KeySet;
use crate::provider::{Keys, Provider};

/// Longest time for a request to a provider.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Longest token, in bytes: room for some hundred groups.
const MAX_TOKEN: usize = 64 << 10;

/// The `oidc` extension.
pub(crate) struct Oidc {
    config: Config,
    context: BuildContext,
    auth: Arc<Auth>,
}

/// What the extension offers to servers.
struct Auth {
    header: HeaderName,
    /// Set when the extension starts: others may find it before.
    providers: OnceLock<Vec<Provider>>,
}

impl Extension for Oidc {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        let header = HeaderName::try_from(&config.attribute)
            .map_err(|error| BuildError::new("invalid header name").caused_by(error))?;
        Ok(Self {
            config: config.clone(),
            context: context.clone(),
            auth: Arc::new(Auth {
                header,
                providers: OnceLock::new(),
            }),
        })
    }

    fn server_auth(&self) -> Option<Arc<dyn ServerAuth>> {
        Some(self.auth.clone())
    }
}

#[async_trait]
impl Component for Oidc {
    /// Asks for the providers' keys at once, so that mistakes show, but does not wait for them: a provider may come up later.
    async fn start(self: Arc<Self>, host: &Host) -> Result<(), StartError> {
        let old_form = self.config.old_form();
        if old_form.is_some() {
            tracing::warn!(
                otelcol.component.id = %self.context.id,
                "the provider's keys belong under `providers`, a list: those beside it are deprecated"
            );
        }
        let mut providers = Vec::new();
        for config in old_form.into_iter().chain(self.config.providers.iter().cloned()) {
            let issuer = config.issuer_url.clone();
            let provider = self.provider(config, host).map_err(|error| {
                StartError::new(format!("cannot set up the provider `{issuer}`")).caused_by(error)
            })?;
            provider.prepare();
            providers.push(provider);
        }
        self.auth.providers.get_or_init(|| providers);
        Ok(())
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        for provider in self.auth.providers.get().into_iter().flatten() {
            provider.close(deadline).await;
        }
        Ok(())
    }
}

impl Oidc {
    /// Sets up a provider. Blocks on the file system.
    fn provider(&self, config: config::Provider, host: &Host) -> Result<Provider, BoxError> {
        if !config.public_keys_file.is_empty() {
            let keys = Watched::file(&config.public_keys_file, |text| {
                Ok(KeySet::read(text.as_bytes())?)
            })?;
            return Ok(Provider::new(config, Keys::File(keys)));
        }
        let client = HttpClient {
            timeout: TIMEOUT,
            tls: TlsClient {
                files: TlsFiles {
                    ca_file: config.issuer_ca_path.clone(),
                    ..TlsFiles::default()
                },
                ..TlsClient::default()
            },
            ..HttpClient::default()
        };
        let user_agent = self.context.build_info.user_agent();
        let client = client.build(host, &ProxyEnvironment::of_process(), &user_agent)?;
        let document = Target::parse(&config.issuer_url)?.join(".well-known/openid-configuration")?;
        let metrics = RenewalMetrics::new(&self.context.metrics, &self.context.id, &config.issuer_url);
        let keys = Renewed::new(Discovery::new(config.clone(), document, client), metrics);
        Ok(Provider::new(config, Keys::Provider(keys)))
    }
}

impl Auth {
    /// Returns what follows the scheme and a blank.
    fn token<'a>(&self, request: &'a IncomingRequest<'_>) -> Result<&'a str, AuthError> {
        let value = request.headers.get(&self.header);
        let value = value.ok_or_else(|| AuthError::missing(format!("no `{}`", self.header)))?;
        let text = value.to_str().ok().filter(|text| text.len() <= MAX_TOKEN);
        text.and_then(|text| text.split_once(' '))
            .map(|(_, token)| token.trim_start())
            .ok_or_else(|| AuthError::refused("not a scheme and a token"))
    }

    /// Returns the provider that a token names as its issuer, which nobody has confirmed yet.
    fn provider(&self, token: &str) -> Result<&Provider, AuthError> {
        #[derive(Deserialize)]
        struct Issuer {
            iss: String,
        }

        let providers = self.providers.get();
        match providers.map_or(&[][..], Vec::as_slice) {
            [] => Err(AuthError::unavailable("the authenticator has not started")),
            [only] => Ok(only),
            several => {
                let claims: Issuer = jsonwebtoken::dangerous::insecure_decode_claims(token)
                    .map_err(|error| AuthError::refused("the token has no issuer").caused_by(error))?;
                several
                    .iter()
                    .find(|provider| provider.issuer() == claims.iss)
                    .ok_or_else(|| AuthError::refused("the token is of an unknown issuer"))
            }
        }
    }
}

#[async_trait]
impl ServerAuth for Auth {
    async fn authenticate(&self, request: &IncomingRequest<'_>) -> Result<Identity, AuthError> {
        let token = self.token(request)?;
        let header = jsonwebtoken::decode_header(token)
            .map_err(|error| AuthError::refused("not a JSON Web Token").caused_by(error))?;
        self.provider(token)?.check(token, &header).await
    }

    fn challenge(&self) -> Option<HeaderValue> {
        (self.header == header::AUTHORIZATION).then(|| HeaderValue::from_static("Bearer realm=\"weir\""))
    }
}
