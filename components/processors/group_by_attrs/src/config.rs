//! Options of the `group_by_attrs` processor.

use serde::{Deserialize, Serialize};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};

/// Options of the `group_by_attrs` processor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Keys of attributes. A data point, span or log record that has any of them loses these attributes, and belongs to a resource with
    /// them. Without keys (default) only equal resources, scopes and metrics are merged.
    pub keys: Vec<String>,
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        for (index, key) in self.keys.iter().enumerate() {
            found.require(!key.is_empty(), &format!("keys::{index}"), "must not be empty");
        }
    }
}
