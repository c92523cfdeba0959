//! Options of the `attributes` processor.

use serde::{Deserialize, Serialize};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_edit::{Action, MatchProperties};

/// Options of the `attributes` processor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What is done to the attributes, in order. Required: at least one.
    pub actions: Vec<Action>,
    /// Only data that is like this is changed. Without it, all is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include: Option<MatchProperties>,
    /// Data that is like this stays as it is, even if it is included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<MatchProperties>,
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        found.require(
            !self.actions.is_empty(),
            "actions",
            "required: at least one action",
        );
        for (index, action) in self.actions.iter().enumerate() {
            found.nested(&format!("actions::{index}"), action);
        }
        for (key, properties) in [("include", &self.include), ("exclude", &self.exclude)] {
            if let Some(properties) = properties {
                found.nested(key, properties);
            }
        }
    }
}
