//! Options of the `oauth2client` extension.

use std::collections::BTreeMap;
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use weir_component::config::{Secret, check_text, duration};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_net::client::Target;
use weir_net::tls::TlsClient;

use crate::params::EndpointParams;

/// Options of the `oauth2client` extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Id of the client at the authorization server. This or `client_id_file` is required.
    pub client_id: String,
    /// File with the id; goes before `client_id`. It is followed: a change counts for the next token.
    pub client_id_file: String,
    /// Secret of the client. This or `client_secret_file` is required with `client_credentials`.
    pub client_secret: Secret,
    /// File with the secret; goes before `client_secret`. It is followed.
    pub client_secret_file: String,
    /// URL of the server's token endpoint. Required.
    pub token_url: String,
    /// Scopes to ask for. Default: none, which is up to the server.
    pub scopes: Vec<String>,
    /// Further parameters of token requests: to each name a text or a list of texts. `grant_type` may be replaced here.
    pub endpoint_params: EndpointParams,
    /// Longest time for a token request. Default: 0, which is 60s.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub timeout: Duration,
    /// TLS to the token endpoint.
    pub tls: TlsClient,
    /// How long before a token expires another is asked for, while the old one is in use; at most half of a token's life.
    /// Default: 5m.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub expiry_buffer: Duration,
    /// How the client proves itself: by its secret, or by an assertion that it signs. Default: `client_credentials`.
    pub grant_type: GrantType,
    /// Issuer of assertions. Default: the client's id.
    pub iss: String,
    /// Audience of assertions. Default: `token_url`.
    pub audience: String,
    /// Further claims of assertions, replacing those of the same name.
    pub claims: BTreeMap<String, Value>,
    /// RSA key that signs assertions, in PEM without a passphrase. This or `client_certificate_key_file` is required with
    /// `urn:ietf:params:oauth:grant-type:jwt-bearer`.
    pub client_certificate_key: Secret,
    /// File with the key; goes before `client_certificate_key`. It is followed.
    pub client_certificate_key_file: String,
    /// Id of the key, named by assertions. Default: none.
    pub client_certificate_key_id: String,
    /// How assertions are signed. Default: `RS256`.
    pub signature_algorithm: SignatureAlgorithm,
}

/// How a client proves itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum GrantType {
    /// By its secret. Spec: RFC 6749, "Client Credentials Grant".
    #[default]
    #[serde(rename = "client_credentials")]
    ClientCredentials,
    /// By an assertion that it signs. Spec: RFC 7523, "Authorization Grants".
    #[serde(rename = "urn:ietf:params:oauth:grant-type:jwt-bearer")]
    JwtBearer,
}

impl GrantType {
    /// Returns the name in token requests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
        }
    }
}

/// How assertions are signed: RSASSA-PKCS1-v1_5 with a hash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SignatureAlgorithm {
    /// With SHA-256.
    #[default]
    RS256,
    /// With SHA-384.
    RS384,
    /// With SHA-512.
    RS512,
}

impl From<SignatureAlgorithm> for Algorithm {
    fn from(algorithm: SignatureAlgorithm) -> Self {
        match algorithm {
            SignatureAlgorithm::RS256 => Self::RS256,
            SignatureAlgorithm::RS384 => Self::RS384,
            SignatureAlgorithm::RS512 => Self::RS512,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            client_id: String::new(),
            client_id_file: String::new(),
            client_secret: Secret::default(),
            client_secret_file: String::new(),
            token_url: String::new(),
            scopes: Vec::new(),
            endpoint_params: EndpointParams::default(),
            timeout: Duration::ZERO,
            tls: TlsClient::default(),
            expiry_buffer: Duration::from_secs(5 * 60),
            grant_type: GrantType::default(),
            iss: String::new(),
            audience: String::new(),
            claims: BTreeMap::new(),
            client_certificate_key: Secret::default(),
            client_certificate_key_file: String::new(),
            client_certificate_key_id: String::new(),
            signature_algorithm: SignatureAlgorithm::default(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        match Target::parse(&self.token_url) {
            _ if self.token_url.is_empty() => found.add(
                "token_url",
                "required: the token endpoint, such as `https://id.example/oauth2/token`",
            ),
            Err(error) => found.add("token_url", error.to_string()),
            Ok(_) => {}
        }
        found.require(
            !self.client_id.is_empty() || !self.client_id_file.is_empty(),
            "client_id",
            "required: the client's id, or `client_id_file`",
        );
        found.names_file("client_id_file", &self.client_id_file, check_text);
        found.names_file("client_secret_file", &self.client_secret_file, check_text);
        found.names_file(
            "client_certificate_key_file",
            &self.client_certificate_key_file,
            check_key,
        );
        found.nested("tls", &self.tls);
        match self.grant_type {
            GrantType::ClientCredentials => self.validate_secret(found),
            GrantType::JwtBearer => self.validate_assertion(found),
        }
        for (name, instead) in [
            ("client_id", "client_id"),
            ("client_secret", "client_secret"),
            ("scope", "scopes"),
            ("assertion", "claims"),
        ] {
            found.require(
                !self.endpoint_params.has(name),
                "endpoint_params",
                format!("`{name}` is not set here: use `{instead}` of the extension"),
            );
        }
    }
}

impl Config {
    fn validate_secret(&self, found: &mut Violations) {
        found.require(
            !self.client_secret.is_empty() || !self.client_secret_file.is_empty(),
            "client_secret",
            "required: the client's secret, or `client_secret_file`",
        );
        let default = Self::default();
        let for_assertions = [
            ("iss", self.iss != default.iss),
            ("audience", self.audience != default.audience),
            ("claims", self.claims != default.claims),
            (
                "client_certificate_key",
                self.client_certificate_key != default.client_certificate_key,
            ),
            (
                "client_certificate_key_file",
                self.client_certificate_key_file != default.client_certificate_key_file,
            ),
            (
                "client_certificate_key_id",
                self.client_certificate_key_id != default.client_certificate_key_id,
            ),
            (
                "signature_algorithm",
                self.signature_algorithm != default.signature_algorithm,
            ),
        ];
        for (key, set) in for_assertions {
            found.require(
                !set,
                key,
                format!(
                    "has no effect with `client_credentials`: set `grant_type: {}`, or use `endpoint_params`",
                    GrantType::JwtBearer.as_str()
                ),
            );
        }
    }

    fn validate_assertion(&self, found: &mut Violations) {
        let inline = self.client_certificate_key.expose();
        found.require(
            !inline.is_empty() || !self.client_certificate_key_file.is_empty(),
            "client_certificate_key",
            "required: the key that signs assertions, or `client_certificate_key_file`",
        );
        if !inline.is_empty()
            && let Err(message) = check_key(inline.as_bytes())
        {
            found.add("client_certificate_key", message);
        }
    }
}

/// Checks a signing key; the message does not quote it.
fn check_key(pem: &[u8]) -> Result<(), String> {
    EncodingKey::from_rsa_pem(pem)
        .map(drop)
        .map_err(|_| "is no RSA private key in PEM (PKCS #1 or PKCS #8, without a passphrase)".to_owned())
}
