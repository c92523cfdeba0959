//! The credentials of requests.

use std::fmt;
use std::sync::Arc;

use weir_component::config::OffUnlessSet;
use weir_component::{AuthError, ClientAuth, Host, OutgoingRequest, StartError};

use crate::config::{Authentication, extension_id};

/// Puts credentials on requests if the configuration names an authenticator. Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Credentials(Option<Arc<dyn ClientAuth>>);

impl Credentials {
    /// Finds the authenticator of an `auth` section.
    pub(super) fn find(section: &OffUnlessSet<Authentication>, host: &Host) -> Result<Self, StartError> {
        let Some(section) = section.as_ref() else {
            return Ok(Self(None));
        };
        let id = extension_id(&section.authenticator)?;
        host.client_auth(&id).map(|auth| Self(Some(auth)))
    }

    /// Puts credentials on a request that is ready but for them.
    pub(crate) async fn put_on(&self, mut request: OutgoingRequest<'_>) -> Result<(), AuthError> {
        match &self.0 {
            Some(auth) => auth.authenticate(&mut request).await,
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Credentials" } else { "None" })
    }
}
