//! Options of the `basicauth` extension.

use serde::{Deserialize, Serialize};
use weir_component::config::{OffUnlessSet, Secret, check_text};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};

use crate::htpasswd;

/// Options of the `basicauth` extension: for clients or for servers, one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What clients send.
    pub client_auth: OffUnlessSet<ClientAuth>,
    /// Whom servers let in.
    pub htpasswd: OffUnlessSet<Htpasswd>,
}

/// What clients send. Files are followed: a change counts within a second or so. White space around their text does not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientAuth {
    /// User name, without `:`.
    pub username: String,
    /// Password. Default: empty.
    pub password: Secret,
    /// File with the user name; goes before `username`.
    pub username_file: String,
    /// File with the password; goes before `password`.
    pub password_file: String,
}

/// Whom servers let in: lines of `name:hash`. At least one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Htpasswd {
    /// File of users. It is followed: a change counts within a second or so.
    pub file: String,
    /// Users, going before those of the same name in the file.
    pub inline: Secret,
}

impl Validate for ClientAuth {
    fn validate(&self, found: &mut Violations) {
        found.require(
            !self.username.is_empty() || !self.username_file.is_empty(),
            "username",
            "required: a user name, or `username_file`",
        );
        found.names_file("username_file", &self.username_file, check_text);
        found.names_file("password_file", &self.password_file, check_text);
        found.require(
            !self.username.contains(':'),
            "username",
            "must not contain `:`, which ends it",
        );
    }
}

impl Validate for Htpasswd {
    fn validate(&self, found: &mut Violations) {
        found.require(
            !self.file.is_empty() || !self.inline.is_empty(),
            "file",
            "required: a file of users, or `inline`",
        );
        found.names_file("file", &self.file, htpasswd::check);
        if let Err(error) = htpasswd::parse(self.inline.expose()) {
            found.add("inline", error.to_string());
        }
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        found.require(
            self.client_auth.is_on() != self.htpasswd.is_on(),
            "",
            "needs either `client_auth`, for clients, or `htpasswd`, for servers",
        );
        found.nested("client_auth", &self.client_auth);
        found.nested("htpasswd", &self.htpasswd);
    }
}
