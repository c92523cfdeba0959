//! The extension: one token for all clients that name it.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use http::header::AUTHORIZATION;
use weir_component::{
    AuthError, BuildContext, BuildError, ClientAuth, Component, Extension, Host, OutgoingRequest,
    ShutdownError, StartError, async_trait,
};
use weir_net::client::{HttpClient, ProxyEnvironment, Target};
use weir_net::{RenewalMetrics, Renewed};

use crate::answer::Token;
use crate::config::Config;
use crate::endpoint::TokenEndpoint;

/// The `oauth2client` extension.
pub(crate) struct Oauth2Client {
    config: Config,
    target: Target,
    user_agent: String,
    context: BuildContext,
    auth: Arc<Auth>,
}

/// What the extension offers to clients.
#[derive(Default)]
struct Auth {
    /// Set when the extension starts: others may find it before.
    token: OnceLock<Renewed<Token>>,
}

impl Extension for Oauth2Client {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        let target = Target::parse(&config.token_url)
            .map_err(|error| BuildError::new("invalid `token_url`").caused_by(error))?;
        Ok(Self {
            config: config.clone(),
            target,
            user_agent: context.build_info.user_agent(),
            context: context.clone(),
            auth: Arc::default(),
        })
    }

    fn client_auth(&self) -> Option<Arc<dyn ClientAuth>> {
        Some(self.auth.clone())
    }
}

#[async_trait]
impl Component for Oauth2Client {
    /// Asks for the first token at once, so that mistakes show, but does not wait for it: the server may come up later.
    async fn start(self: Arc<Self>, host: &Host) -> Result<(), StartError> {
        let client = HttpClient {
            tls: self.config.tls.clone(),
            timeout: self.config.timeout,
            ..HttpClient::default()
        };
        let client = client
            .build(host, &ProxyEnvironment::of_process(), &self.user_agent)
            .map_err(|error| {
                StartError::new("cannot set up the client of the token endpoint").caused_by(error)
            })?;
        let endpoint = TokenEndpoint::open(&self.config, self.target.clone(), client)
            .map_err(|error| StartError::new("cannot read the client's credentials").caused_by(error))?;
        let metrics = RenewalMetrics::new(&self.context.metrics, &self.context.id, "token");
        let token = self.auth.token.get_or_init(|| Renewed::new(endpoint, metrics));
        token.prepare();
        Ok(())
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        if let Some(token) = self.auth.token.get() {
            token.close(deadline).await;
        }
        Ok(())
    }
}

#[async_trait]
impl ClientAuth for Auth {
    async fn authenticate(&self, request: &mut OutgoingRequest<'_>) -> Result<(), AuthError> {
        let token = self.token.get();
        let token = token.ok_or_else(|| AuthError::unavailable("the authenticator has not started"))?;
        let value = token.current().await?;
        request.headers.insert(AUTHORIZATION, (*value).clone());
        Ok(())
    }
}
