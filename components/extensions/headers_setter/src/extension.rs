//! The extension: a list of setters, behind another authenticator if there is one.

use std::sync::{Arc, OnceLock};

use weir_component::{
    AuthError, BuildContext, BuildError, ClientAuth, Component, ComponentId, Extension, Host, InvalidId,
    OutgoingRequest, StartError, async_trait,
};

use crate::config::Config;
use crate::setter::Setter;

/// The `headers_setter` extension.
pub(crate) struct HeadersSetter {
    config: Config,
    /// Set when the extension starts: others may find it before.
    chain: Arc<OnceLock<Chain>>,
}

/// What happens to a request.
struct Chain {
    first: Option<Arc<dyn ClientAuth>>,
    setters: Vec<Setter>,
}

impl Extension for HeadersSetter {
    type Config = Config;

    fn build(config: &Config, _: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self {
            config: config.clone(),
            chain: Arc::default(),
        })
    }

    fn client_auth(&self) -> Option<Arc<dyn ClientAuth>> {
        Some(Arc::new(Started(Arc::clone(&self.chain))))
    }
}

#[async_trait]
impl Component for HeadersSetter {
    async fn start(self: Arc<Self>, host: &Host) -> Result<(), StartError> {
        let Config {
            headers,
            additional_auth,
        } = &self.config;
        let first = match additional_auth.as_str() {
            "" => None,
            id => {
                let id: ComponentId = id.parse().map_err(|error: InvalidId| {
                    StartError::new("`additional_auth` is no id").caused_by(error)
                })?;
                Some(host.client_auth(&id)?)
            }
        };
        let setters = headers.iter().map(Setter::open).collect::<Result<_, _>>()?;
        self.chain.get_or_init(|| Chain { first, setters });
        Ok(())
    }
}

/// The chain, once the extension has started.
struct Started(Arc<OnceLock<Chain>>);

#[async_trait]
impl ClientAuth for Started {
    async fn authenticate(&self, request: &mut OutgoingRequest<'_>) -> Result<(), AuthError> {
        let chain = self.0.get();
        let chain = chain.ok_or_else(|| AuthError::unavailable("the authenticator has not started"))?;
        if let Some(first) = &chain.first {
            first.authenticate(request).await?;
        }
        for setter in &chain.setters {
            setter.apply(request.headers, request.context).await?;
        }
        Ok(())
    }
}
