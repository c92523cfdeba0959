//! Options of the `oidc` extension.

use std::collections::HashSet;

use http::HeaderName;
use serde::{Deserialize, Serialize};
use weir_component::config::check_text;
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_net::client::Target;

use crate::keys::KeySet;

/// Options of the `oidc` extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Header with the scheme and the token. Default: `authorization`.
    pub attribute: String,
    /// Providers whose tokens are accepted. At least one, here or by the keys below.
    pub providers: Vec<Provider>,
    /// Old form of `providers::issuer_url`: the keys from here on are those of one more provider.
    pub issuer_url: String,
    /// Old form of `providers::audience`.
    pub audience: String,
    /// Old form of `providers::ignore_audience`.
    pub ignore_audience: bool,
    /// Old form of `providers::issuer_ca_path`.
    pub issuer_ca_path: String,
    /// Old form of `providers::username_claim`.
    pub username_claim: String,
    /// Old form of `providers::groups_claim`.
    pub groups_claim: String,
}

/// A provider whose tokens are accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Provider {
    /// The provider's URL: what tokens have as `iss`, and below which `.well-known/openid-configuration` says where its keys are.
    /// Required.
    pub issuer_url: String,
    /// Whom tokens must be for: one of their `aud`. Required unless `ignore_audience`.
    pub audience: String,
    /// Accepts tokens for anybody. Default: false.
    pub ignore_audience: bool,
    /// Accepts tokens with another `iss` that the provider's keys have signed. Only for a single provider. Default: false.
    pub ignore_issuer: bool,
    /// File with the authorities that sign the provider's certificate, in PEM. Default: those of the system.
    pub issuer_ca_path: String,
    /// Claim with the name of the sender. Default: `sub`.
    pub username_claim: String,
    /// Claim with the groups of the sender, a text or a list of texts. Tokens must have it. Default: none.
    pub groups_claim: String,
    /// File with the provider's keys, a JWK set, in place of asking the provider. It is followed: a change counts within a second or
    /// so.
    pub public_keys_file: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            attribute: "authorization".to_owned(),
            providers: Vec::new(),
            issuer_url: String::new(),
            audience: String::new(),
            ignore_audience: false,
            issuer_ca_path: String::new(),
            username_claim: String::new(),
            groups_claim: String::new(),
        }
    }
}

impl Config {
    /// Returns the provider that is configured in the old form, if there is one.
    pub(crate) fn old_form(&self) -> Option<Provider> {
        let provider = Provider {
            issuer_url: self.issuer_url.clone(),
            audience: self.audience.clone(),
            ignore_audience: self.ignore_audience,
            issuer_ca_path: self.issuer_ca_path.clone(),
            username_claim: self.username_claim.clone(),
            groups_claim: self.groups_claim.clone(),
            ..Provider::default()
        };
        (provider != Provider::default()).then_some(provider)
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        found.require(
            HeaderName::try_from(&self.attribute).is_ok(),
            "attribute",
            format!("`{}` is not a header name", self.attribute),
        );
        let old = self.old_form();
        found.require(
            old.is_some() || !self.providers.is_empty(),
            "providers",
            "required: a provider with `issuer_url` and `audience`",
        );
        let count = self.providers.len() + usize::from(old.is_some());
        let mut issuers = HashSet::new();
        let all = old.iter().map(|provider| (String::new(), provider)).chain(
            self.providers
                .iter()
                .enumerate()
                .map(|(index, provider)| (format!("providers::{index}"), provider)),
        );
        for (key, provider) in all {
            found.nested(&key, provider);
            let at = |name: &str| format!("{key}::{name}");
            found.require(
                issuers.insert(&provider.issuer_url),
                &at("issuer_url"),
                "is that of another provider",
            );
            found.require(
                !provider.ignore_issuer || count == 1,
                &at("ignore_issuer"),
                "needs a single provider: the issuer tells which one signed a token",
            );
        }
    }
}

impl Validate for Provider {
    fn validate(&self, found: &mut Violations) {
        match Target::parse(&self.issuer_url) {
            _ if self.issuer_url.is_empty() => found.add(
                "issuer_url",
                "required: the provider's URL, such as `https://id.example/realms/main`",
            ),
            Err(error) => found.add("issuer_url", error.to_string()),
            Ok(target) => found.require(
                target.authorization().is_none() && target.uri().query().is_none(),
                "issuer_url",
                "must have neither user information nor a query",
            ),
        }
        found.require(
            !self.audience.is_empty() || self.ignore_audience,
            "audience",
            "required: whom tokens must be for, or `ignore_audience: true` to accept those for others",
        );
        found.require(
            self.audience.is_empty() || !self.ignore_audience,
            "ignore_audience",
            "contradicts `audience`: remove one of them",
        );
        found.names_file("issuer_ca_path", &self.issuer_ca_path, check_text);
        found.names_file("public_keys_file", &self.public_keys_file, |content| {
            KeySet::read(content).map(drop)
        });
        found.require(
            self.issuer_ca_path.is_empty() || self.public_keys_file.is_empty(),
            "issuer_ca_path",
            "has no effect with `public_keys_file`: the provider is not asked",
        );
    }
}
