//! Configurations of components whose type is not known to those who carry them.

use std::any::Any;
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::{Validate, Violations};

/// What the configuration of a component must be able to do. Implemented by every type that can.
pub trait ComponentConfig:
    DeserializeOwned + Serialize + JsonSchema + Validate + fmt::Debug + Clone + Send + Sync + 'static
{
}

impl<C: DeserializeOwned + Serialize + JsonSchema + Validate + fmt::Debug + Clone + Send + Sync + 'static>
    ComponentConfig for C
{
}

/// A decoded configuration, to be handed to the factory that decoded it.
pub struct ParsedConfig(Box<dyn Erased>);

trait Erased: Any + Validate + fmt::Debug + erased_serde::Serialize + Send + Sync {
    fn boxed_clone(&self) -> Box<dyn Erased>;
}

impl<C: ComponentConfig> Erased for C {
    fn boxed_clone(&self) -> Box<dyn Erased> {
        Box::new(self.clone())
    }
}

impl ParsedConfig {
    /// Wraps a configuration.
    pub fn new<C: ComponentConfig>(config: C) -> Self {
        Self(Box::new(config))
    }

    /// Decodes a configuration.
    ///
    /// # Errors
    ///
    /// Those of the deserializer.
    pub fn decode<C: ComponentConfig>(
        from: &mut dyn erased_serde::Deserializer<'_>,
    ) -> Result<Self, erased_serde::Error> {
        erased_serde::deserialize::<C>(from).map(Self::new)
    }

    /// Returns the configuration if it is a `C`.
    pub fn downcast<C: ComponentConfig>(&self) -> Option<&C> {
        (&*self.0 as &dyn Any).downcast_ref()
    }

    /// Returns the configuration for serializing, defaults filled in and secrets hidden.
    pub fn as_serialize(&self) -> &dyn erased_serde::Serialize {
        &*self.0
    }
}

impl Clone for ParsedConfig {
    fn clone(&self) -> Self {
        Self(self.0.boxed_clone())
    }
}

impl fmt::Debug for ParsedConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Validate for ParsedConfig {
    fn validate(&self, found: &mut Violations) {
        self.0.validate(found);
    }
}
