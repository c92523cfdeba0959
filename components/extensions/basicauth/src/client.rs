//! Credentials of clients.

use http::header::AUTHORIZATION;
use weir_component::{AuthError, BoxError, OutgoingRequest, async_trait};
use weir_net::{Watched, WatchedError};

use crate::config::ClientAuth;
use crate::credentials;

/// Sends a user name and a password.
pub(crate) struct Client {
    user: Watched<String>,
    password: Watched<String>,
}

impl Client {
    /// Reads the files, if there are any. Blocks on the file system.
    pub(crate) fn open(config: &ClientAuth) -> Result<Self, WatchedError> {
        Ok(Self {
            user: source(&config.username_file, &config.username, user_name)?,
            password: source(&config.password_file, config.password.expose(), trimmed)?,
        })
    }
}

fn source(
    file: &str,
    text: &str,
    parse: fn(&str) -> Result<String, BoxError>,
) -> Result<Watched<String>, WatchedError> {
    match file {
        "" => Ok(Watched::fixed(text.to_owned())),
        file => Watched::file(file, parse),
    }
}

fn user_name(text: &str) -> Result<String, BoxError> {
    match text.contains(':') {
        true => Err("a user name must not contain `:`".into()),
        false => trimmed(text),
    }
}

fn trimmed(text: &str) -> Result<String, BoxError> {
    Ok(text.trim().to_owned())
}

#[async_trait]
impl weir_component::ClientAuth for Client {
    async fn authenticate(&self, request: &mut OutgoingRequest<'_>) -> Result<(), AuthError> {
        let (user, password) = (self.user.current().await, self.password.current().await);
        let value = credentials::write(&user, &password)
            .map_err(|error| AuthError::refused("credentials do not fit into a header").caused_by(error))?;
        request.headers.insert(AUTHORIZATION, value);
        Ok(())
    }
}
