//! Options of the `headers_setter` extension.

use http::{HeaderName, HeaderValue, header};
use serde::{Deserialize, Serialize};
use weir_component::config::{Role, Secret, check_text};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{ComponentId, Validate, Violations};

use crate::TYPE;

/// Options of the `headers_setter` extension.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What happens to which header, in order. Required.
    pub headers: Vec<Header>,
    /// Id of another authenticator, of another type, which goes first. Default: none.
    pub additional_auth: String,
}

/// What happens to one header. Unless it is deleted, it needs one of `value`, `value_file`, `from_context` and `from_attribute`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Header {
    /// Name of the header. Required.
    pub key: String,
    /// What to do. Default `upsert`.
    pub action: Action,
    /// The value.
    pub value: Option<Secret>,
    /// File with the value, without white space around it. It is followed: a change counts within a second or so.
    pub value_file: String,
    /// Key of client metadata that has the value. The receiver must include it (`include_metadata: true`), and steps that merge batches
    /// must keep it (`metadata_keys`).
    pub from_context: String,
    /// Attribute of the sender's identity that has the value, as the receiver's authenticator names it; `subject` for its name.
    pub from_attribute: String,
    /// Value where `from_context` or `from_attribute` finds none. Default: none, and nothing happens to the header.
    pub default_value: Option<Secret>,
}

/// What happens to a header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Set unless it is there.
    Insert,
    /// Replaced if it is there.
    Update,
    /// Set, whether it is there or not.
    #[default]
    Upsert,
    /// Removed.
    Delete,
}

impl Header {
    /// Returns the keys of the sources that are set.
    fn sources(&self) -> Vec<&'static str> {
        let sources = [
            ("value", self.value.is_some()),
            ("value_file", !self.value_file.is_empty()),
            ("from_context", !self.from_context.is_empty()),
            ("from_attribute", !self.from_attribute.is_empty()),
        ];
        sources
            .into_iter()
            .filter_map(|(key, set)| set.then_some(key))
            .collect()
    }
}

impl Validate for Header {
    fn validate(&self, found: &mut Violations) {
        match HeaderName::try_from(&self.key) {
            Err(_) => found.add("key", format!("`{}` is not a header name", self.key)),
            Ok(name) => found.require(
                ![
                    header::CONTENT_LENGTH,
                    header::TRANSFER_ENCODING,
                    header::CONNECTION,
                ]
                .contains(&name),
                "key",
                format!("`{name}` belongs to the connection and cannot be set"),
            ),
        }
        let sources = self.sources();
        if self.action == Action::Delete {
            found.require(
                sources.is_empty(),
                "action",
                "a header that is deleted has no value",
            );
        } else if sources.len() != 1 {
            found.add(
                "",
                "needs one of `value`, `value_file`, `from_context` and `from_attribute`",
            );
        }
        found.names_file("value_file", &self.value_file, check_text);
        for (key, value) in [("value", &self.value), ("default_value", &self.default_value)] {
            let fits = value
                .as_ref()
                .is_none_or(|value| HeaderValue::try_from(value.expose()).is_ok());
            found.require(fits, key, "has characters that headers cannot have");
        }
        let varies = !self.from_context.is_empty() || !self.from_attribute.is_empty();
        found.require(
            varies || self.default_value.is_none(),
            "default_value",
            "goes with `from_context` or `from_attribute`",
        );
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        found.require(!self.headers.is_empty(), "headers", "needs at least one header");
        for (index, header) in self.headers.iter().enumerate() {
            found.nested(&format!("headers::{index}"), header);
        }
        if !self.additional_auth.is_empty() {
            found.names_extension("additional_auth", &self.additional_auth, Role::ClientAuth);
            // Chains of these could be rings.
            let id: Option<ComponentId> = self.additional_auth.parse().ok();
            found.require(
                id.is_none_or(|id| id.type_name() != TYPE),
                "additional_auth",
                "must be an authenticator of another type: put all headers into one list",
            );
        }
    }
}
