//! Whose data it is.

use weir_component::Context;
use weir_pdata::view::{Resource, push_text};

use crate::TenantSource;

/// Where the name of a tenant stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tenants {
    /// In the context of a batch, for whoever sets it there.
    Context,
    /// In request metadata of this name.
    Metadata(String),
    /// In the resource attribute with this key.
    Resource(String),
}

impl Tenants {
    pub(crate) fn new(source: Option<&TenantSource>) -> Self {
        let source = source.cloned().unwrap_or_default();
        match (source.metadata, source.resource_attribute) {
            (Some(name), _) => Self::Metadata(name.to_lowercase()),
            (None, Some(key)) => Self::Resource(key),
            (None, None) => Self::Context,
        }
    }

    /// Returns the tenant of a batch, unless its resources say whose they are. The empty name stands for nobody.
    pub(crate) fn of_batch<'c>(&self, context: &'c Context) -> &'c str {
        let name = match self {
            Self::Context => context.tenant.as_ref(),
            Self::Metadata(name) => context.metadata.get(name).and_then(|values| values.first()),
            Self::Resource(_) => None,
        };
        name.map_or("", String::as_str)
    }

    /// Sets `tenant` to that of a resource, if resources say whose they are. What has no text is nobody's.
    pub(crate) fn of_resource(&self, resource: &Resource<'_>, tenant: &mut String) {
        let Self::Resource(key) = self else { return };
        tenant.clear();
        let mut attributes = resource.attributes.iter();
        if let Some(attribute) = attributes.find(|attribute| attribute.key().as_bytes() == key.as_bytes())
            && push_text(attribute.value(), tenant).is_err()
        {
            tenant.clear();
        }
    }
}
