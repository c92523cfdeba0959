//! The `auth` section of clients and servers.

use weir_component::config::{Validate, Violations, schema};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{ComponentId, InvalidId, StartError};

/// Authentication by an extension.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct Authentication {
    /// Id of the extension, which must be listed in `service::extensions`.
    pub authenticator: String,
}

crate::keys!(Authentication { authenticator });

impl Validate for Authentication {
    fn validate(&self, found: &mut Violations) {
        found.names_extension("authenticator", &self.authenticator);
    }
}

/// Reads the id of an authenticator or a middleware.
///
/// # Errors
///
/// The text is no id, which validation reports as well.
pub(crate) fn extension_id(text: &str) -> Result<ComponentId, StartError> {
    text.parse()
        .map_err(|error: InvalidId| StartError::new("the extension is not named by an id").caused_by(error))
}
