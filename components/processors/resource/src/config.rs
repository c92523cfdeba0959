//! Options of the `resource` processor.

use serde::{Deserialize, Serialize};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_edit::Action;

/// Options of the `resource` processor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What is done to the attributes of every resource, in order. Required: at least one.
    pub attributes: Vec<Action>,
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        found.require(
            !self.attributes.is_empty(),
            "attributes",
            "required: at least one action",
        );
        for (index, action) in self.attributes.iter().enumerate() {
            found.nested(&format!("attributes::{index}"), action);
        }
    }
}
