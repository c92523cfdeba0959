//! The extension: both sides of one set of tokens.

use std::sync::{Arc, OnceLock};

use http::{HeaderName, HeaderValue, header};
use weir_component::{
    AuthError, BuildContext, BuildError, ClientAuth, Component, Extension, Host, Identity, IncomingRequest,
    OutgoingRequest, ServerAuth, StartError, async_trait,
};
use weir_net::Watched;

use crate::config::Config;
use crate::tokens::Tokens;

/// The `bearertokenauth` extension.
pub(crate) struct BearerTokenAuth {
    config: Config,
    auth: Arc<Auth>,
}

/// What the extension offers to both sides.
struct Auth {
    header: HeaderName,
    scheme: String,
    /// Set when the extension starts: others may find it before.
    tokens: OnceLock<Watched<Tokens>>,
}

impl Extension for BearerTokenAuth {
    type Config = Config;

    fn build(config: &Config, _: &BuildContext) -> Result<Self, BuildError> {
        let header = HeaderName::try_from(&config.header)
            .map_err(|error| BuildError::new("invalid header name").caused_by(error))?;
        Ok(Self {
            config: config.clone(),
            auth: Arc::new(Auth {
                header,
                scheme: config.scheme.clone(),
                tokens: OnceLock::new(),
            }),
        })
    }

    fn client_auth(&self) -> Option<Arc<dyn ClientAuth>> {
        Some(self.auth.clone())
    }

    fn server_auth(&self) -> Option<Arc<dyn ServerAuth>> {
        Some(self.auth.clone())
    }
}

#[async_trait]
impl Component for BearerTokenAuth {
    async fn start(self: Arc<Self>, _: &Host) -> Result<(), StartError> {
        let tokens = Tokens::open(&self.config)
            .map_err(|error| StartError::new("cannot read tokens").caused_by(error))?;
        self.auth.tokens.get_or_init(|| tokens);
        Ok(())
    }
}

impl Auth {
    async fn tokens(&self) -> Result<Arc<Tokens>, AuthError> {
        let tokens = self.tokens.get();
        let tokens = tokens.ok_or_else(|| AuthError::unavailable("the authenticator has not started"))?;
        Ok(tokens.current().await)
    }

    /// Returns what follows the scheme and a blank.
    fn token<'a>(&self, value: &'a HeaderValue) -> Option<&'a [u8]> {
        let value = value.as_bytes();
        if self.scheme.is_empty() {
            return Some(value);
        }
        let (scheme, token) = value.split_at_checked(self.scheme.len())?;
        // Spec: RFC 9110, "Authentication Scheme": without case.
        let same = scheme.eq_ignore_ascii_case(self.scheme.as_bytes());
        token.strip_prefix(b" ").filter(|_| same)
    }
}

#[async_trait]
impl ClientAuth for Auth {
    async fn authenticate(&self, request: &mut OutgoingRequest<'_>) -> Result<(), AuthError> {
        let tokens = self.tokens().await?;
        let token = tokens.first().ok_or_else(|| AuthError::refused("no token"))?;
        let text = match self.scheme.as_str() {
            "" => token.expose().to_owned(),
            scheme => format!("{scheme} {}", token.expose()),
        };
        let mut value = HeaderValue::try_from(text)
            .map_err(|error| AuthError::refused("the token does not fit into a header").caused_by(error))?;
        value.set_sensitive(true);
        request.headers.insert(&self.header, value);
        Ok(())
    }
}

#[async_trait]
impl ServerAuth for Auth {
    /// A token says that the sender may, not who it is: the identity has no subject.
    async fn authenticate(&self, request: &IncomingRequest<'_>) -> Result<Identity, AuthError> {
        let value = request.headers.get(&self.header);
        let value = value.ok_or_else(|| AuthError::missing("no token"))?;
        let token = self
            .token(value)
            .ok_or_else(|| AuthError::refused("another scheme"))?;
        match self.tokens().await?.contains(token) {
            true => Ok(Identity::default()),
            false => Err(AuthError::refused("an unknown token")),
        }
    }

    fn challenge(&self) -> Option<HeaderValue> {
        let scheme = (self.header == header::AUTHORIZATION && !self.scheme.is_empty())
            .then(|| format!("{} realm=\"weir\"", self.scheme))?;
        HeaderValue::try_from(scheme).ok()
    }
}
