//! The `auth` section of clients and servers.

use weir_component::config::{OffUnlessSet, Role, Violations, schema};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{ComponentId, InvalidId, StartError};

/// Authentication by an extension.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct Authentication {
    /// Id of the extension, which must be listed in `service::extensions`. Required.
    pub authenticator: String,
}

crate::keys!(Authentication { authenticator });

/// Notes which extension an `auth` section names, to play `role`.
pub(crate) fn validate_auth(section: &OffUnlessSet<Authentication>, role: Role, found: &mut Violations) {
    if let Some(section) = section.as_ref() {
        found.names_extension("auth::authenticator", &section.authenticator, role);
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
