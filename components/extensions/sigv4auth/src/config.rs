//! Options of the `sigv4auth` extension.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_component::config::duration;
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};

use crate::host::is_region;

/// Options of the `sigv4auth` extension.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Region that requests are signed for. Default: that in the host name of the request if it is one of Amazon Managed Prometheus,
    /// OpenSearch, CloudWatch Logs or X-Ray, else that of the environment.
    pub region: String,
    /// Service that requests are signed for, such as `aps`. Default: that of the host name, see `region`.
    pub service: String,
    /// A role to assume. Default: none, requests are signed with the credentials that are found.
    pub assume_role: AssumeRole,
}

/// A role to assume. Without `arn` nothing else may be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AssumeRole {
    /// Amazon Resource Name of the role. Default: none.
    pub arn: String,
    /// Name of the session, 2 to 64 letters, digits or `_+=,.@-`. Default: `weir-` and the time.
    pub session_name: String,
    /// Region of the Security Token Service to ask. Default: `region`, then that of the environment, then the global endpoint.
    pub sts_region: String,
    /// File with a token of an identity provider, to be exchanged for the role: no other credentials are needed. It is read for each
    /// exchange.
    pub web_identity_token_file: String,
    /// External id that the role asks for. Default: none.
    pub external_id: String,
    /// How long credentials of the role are good for: 15m to 12h, at most what the role allows. Default: 0, which is 1h.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub session_duration: Duration,
    /// How long before credentials of the role expire others are asked for, while the old ones are in use; at most half of their life.
    /// Default: 5m.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub expiry_window: Duration,
}

impl Default for AssumeRole {
    fn default() -> Self {
        Self {
            arn: String::new(),
            session_name: String::new(),
            sts_region: String::new(),
            web_identity_token_file: String::new(),
            external_id: String::new(),
            session_duration: Duration::ZERO,
            expiry_window: Duration::from_secs(5 * 60),
        }
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        check_region("region", &self.region, found);
        found.require(
            self.service
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
            "service",
            format!("`{}` is not the name of a service, such as `aps`", self.service),
        );
        found.nested("assume_role", &self.assume_role);
    }
}

impl Validate for AssumeRole {
    fn validate(&self, found: &mut Violations) {
        check_region("sts_region", &self.sts_region, found);
        if self.arn.is_empty() {
            let alone = Self {
                // Harmless, and often left over.
                sts_region: self.sts_region.clone(),
                ..Self::default()
            };
            found.require(
                *self == alone,
                "arn",
                "required: the role that the other keys are about",
            );
            return;
        }
        let parts: Vec<&str> = self.arn.split(':').collect();
        found.require(
            matches!(parts[..], ["arn", _, "iam", "", _, role] if role.starts_with("role/")),
            "arn",
            format!(
                "`{}` is not the ARN of a role, such as `arn:aws:iam::123456789012:role/name`",
                self.arn
            ),
        );
        let named = |text: &str, more: &[u8]| {
            text.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte) || more.contains(&byte)
            })
        };
        let name = &self.session_name;
        found.require(
            name.is_empty() || (2..=64).contains(&name.len()) && named(name, b""),
            "session_name",
            "must be 2 to 64 letters, digits or `_+=,.@-`",
        );
        let id = &self.external_id;
        found.require(
            id.is_empty() || (2..=1224).contains(&id.len()) && named(id, b":/"),
            "external_id",
            "must be 2 to 1224 letters, digits or `_+=,.@:/-`",
        );
        found.require(
            id.is_empty() || self.web_identity_token_file.is_empty(),
            "external_id",
            "has no effect with `web_identity_token_file`: the token says who asks",
        );
        let session = self.session_duration;
        let range = Duration::from_secs(15 * 60)..=Duration::from_secs(12 * 3600);
        found.require(
            session.is_zero() || range.contains(&session),
            "session_duration",
            "must be from 15m to 12h",
        );
    }
}

fn check_region(key: &str, region: &str, found: &mut Violations) {
    found.require(
        region.is_empty() || is_region(region),
        key,
        format!("`{region}` is not the name of a region, such as `eu-central-1`"),
    );
}
