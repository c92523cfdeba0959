//! Options of the `bearertokenauth` extension.

use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use weir_component::config::{Secret, check_text};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};

/// Options of the `bearertokenauth` extension. One of `token`, `tokens` and `filename` is required.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Header that has the token. Default `Authorization`.
    pub header: String,
    /// Word before the token; empty for the token alone. Servers compare it without case. Default `Bearer`.
    pub scheme: String,
    /// The token.
    pub token: Secret,
    /// Several tokens: clients send the first, servers accept all.
    pub tokens: Vec<Secret>,
    /// File of tokens, one per line up to the first blank, instead of the two above. It is followed: a change counts within a second
    /// or so.
    pub filename: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            header: "Authorization".to_owned(),
            scheme: "Bearer".to_owned(),
            token: Secret::default(),
            tokens: Vec::new(),
            filename: String::new(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        found.require(
            HeaderName::try_from(&self.header).is_ok(),
            "header",
            format!("`{}` is not a header name", self.header),
        );
        found.require(
            self.scheme.bytes().all(|byte| byte.is_ascii_graphic()),
            "scheme",
            "must be one word",
        );
        found.require(
            !self.token.is_empty() || !self.tokens.is_empty() || !self.filename.is_empty(),
            "token",
            "required: a token, or `tokens`, or `filename`",
        );
        found.names_file("filename", &self.filename, check_text);
        found.require(
            self.token.is_empty() || self.tokens.is_empty(),
            "tokens",
            "cannot stand beside `token`: add that one to the list",
        );
        let fits = |token: &Secret| HeaderValue::try_from(token.expose()).is_ok();
        found.require(fits(&self.token), "token", NOT_A_VALUE);
        found.require(self.tokens.iter().all(fits), "tokens", NOT_A_VALUE);
        found.require(
            !self.tokens.iter().any(Secret::is_empty),
            "tokens",
            "must not be empty",
        );
    }
}

/// Why a token cannot be sent.
pub(crate) const NOT_A_VALUE: &str = "has characters that headers cannot have";
