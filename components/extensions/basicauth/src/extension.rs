//! The extension: reads what it needs when it starts, and offers one of its two sides.

use std::sync::{Arc, OnceLock};

use weir_component::{
    AuthError, BuildContext, BuildError, ClientAuth, Component, Extension, Host, Identity, IncomingRequest,
    OutgoingRequest, ServerAuth, StartError, async_trait,
};

use crate::client::Client;
use crate::config::Config;
use crate::server::Server;

/// The `basicauth` extension.
pub(crate) struct BasicAuth {
    config: Config,
    side: Side,
}

/// The side that is configured; filled at start.
#[derive(Clone)]
enum Side {
    Client(Arc<OnceLock<Client>>),
    Server(Arc<OnceLock<Server>>),
}

impl Extension for BasicAuth {
    type Config = Config;

    fn build(config: &Config, _: &BuildContext) -> Result<Self, BuildError> {
        let side = match config.client_auth.is_on() {
            true => Side::Client(Arc::default()),
            false => Side::Server(Arc::default()),
        };
        Ok(Self {
            config: config.clone(),
            side,
        })
    }

    fn client_auth(&self) -> Option<Arc<dyn ClientAuth>> {
        match &self.side {
            Side::Client(client) => Some(Arc::new(Started(Arc::clone(client)))),
            Side::Server(_) => None,
        }
    }

    fn server_auth(&self) -> Option<Arc<dyn ServerAuth>> {
        match &self.side {
            Side::Server(server) => Some(Arc::new(Started(Arc::clone(server)))),
            Side::Client(_) => None,
        }
    }
}

#[async_trait]
impl Component for BasicAuth {
    async fn start(self: Arc<Self>, _: &Host) -> Result<(), StartError> {
        let Config {
            client_auth,
            htpasswd,
        } = &self.config;
        match (&self.side, client_auth.as_ref(), htpasswd.as_ref()) {
            (Side::Client(side), Some(config), _) => {
                let client = Client::open(config);
                let client =
                    client.map_err(|error| StartError::new("cannot read credentials").caused_by(error))?;
                side.get_or_init(|| client);
            }
            (Side::Server(side), _, Some(config)) => {
                let server = Server::open(config);
                let server = server.map_err(|error| StartError::new("cannot read users").caused_by(error))?;
                side.get_or_init(|| server);
            }
            // Validation asks for one of the two.
            _ => return Err(StartError::new("neither `client_auth` nor `htpasswd` is set")),
        }
        Ok(())
    }
}

/// A side that works once the extension has started: others may find it before.
struct Started<T>(Arc<OnceLock<T>>);

impl<T> Started<T> {
    fn get(&self) -> Result<&T, AuthError> {
        self.0
            .get()
            .ok_or_else(|| AuthError::unavailable("the authenticator has not started"))
    }
}

#[async_trait]
impl ClientAuth for Started<Client> {
    async fn authenticate(&self, request: &mut OutgoingRequest<'_>) -> Result<(), AuthError> {
        self.get()?.authenticate(request).await
    }
}

#[async_trait]
impl ServerAuth for Started<Server> {
    async fn authenticate(&self, request: &IncomingRequest<'_>) -> Result<Identity, AuthError> {
        self.get()?.authenticate(request).await
    }

    fn challenge(&self) -> Option<http::HeaderValue> {
        self.0.get()?.challenge()
    }
}
