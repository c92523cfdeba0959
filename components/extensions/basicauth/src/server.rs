//! The users that servers let in.

use std::collections::BTreeMap;

use http::HeaderValue;
use http::header::AUTHORIZATION;
use weir_component::{AuthError, BoxError, Identity, IncomingRequest, ServerAuth, async_trait};
use weir_net::Watched;

use crate::config::Htpasswd;
use crate::credentials;
use crate::users::{Turns, Users};

/// Checks user names and passwords.
pub(crate) struct Server {
    users: Watched<Users>,
    turns: Turns,
}

impl Server {
    /// Reads the file, if there is one. Blocks on the file system.
    pub(crate) fn open(config: &Htpasswd) -> Result<Self, BoxError> {
        let inline = config.inline.clone();
        let users = match config.file.as_str() {
            "" => Watched::fixed(Users::parse(inline.expose())?),
            // Of two lines with one name the last counts.
            file => Watched::file(file, move |text| {
                Users::parse(&format!("{text}\n{}", inline.expose()))
            })?,
        };
        Ok(Self {
            users,
            turns: Turns::default(),
        })
    }
}

#[async_trait]
impl ServerAuth for Server {
    async fn authenticate(&self, request: &IncomingRequest<'_>) -> Result<Identity, AuthError> {
        let value = request.headers.get(AUTHORIZATION);
        let value = value.ok_or_else(|| AuthError::missing("no `Authorization`"))?;
        let credentials = credentials::read(value)?;
        let users = self.users.current().await;
        users
            .check(&credentials.user, credentials.password, &self.turns)
            .await?;
        Ok(Identity {
            attributes: BTreeMap::from([("username".to_owned(), credentials.user.clone())]),
            subject: credentials.user,
        })
    }

    fn challenge(&self) -> Option<HeaderValue> {
        Some(HeaderValue::from_static(
            "Basic realm=\"weir\", charset=\"UTF-8\"",
        ))
    }
}
