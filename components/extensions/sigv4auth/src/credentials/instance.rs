//! Credentials of an EC2 instance, from its metadata service, version 2.
//!
//! Spec: Amazon EC2 User Guide, "Use the Instance Metadata Service".

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use weir_component::AuthError;
use weir_net::Lease;
use weir_net::client::{Client, Reply, Target};

use super::{Credentials, served};
use crate::environment::Environment;

/// Where the service answers.
const SERVICE: &str = "http://169.254.169.254";

/// Where it answers if the environment asks for IPv6.
const SERVICE_IPV6: &str = "http://[fd00:ec2::254]";

const TOKEN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
const TOKEN_LIFE: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");

/// Fetches the credentials of the instance's role.
///
/// # Errors
///
/// The service is turned off or does not answer, or the instance has no role.
pub(super) async fn fetch(
    client: &Client,
    environment: &Environment,
) -> Result<Lease<Credentials>, AuthError> {
    let disabled = environment.get("AWS_EC2_METADATA_DISABLED");
    if disabled.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(AuthError::unavailable(
            "instance metadata is turned off by AWS_EC2_METADATA_DISABLED",
        ));
    }
    let ipv6 = environment
        .get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")
        .is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6"));
    let base = environment
        .get("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        .unwrap_or(if ipv6 { SERVICE_IPV6 } else { SERVICE });
    let base = Target::parse(base).map_err(|error| {
        AuthError::refused("AWS_EC2_METADATA_SERVICE_ENDPOINT is no URL").caused_by(error)
    })?;
    let below = |path: &str| {
        base.join(path).map_err(|error| {
            AuthError::unavailable("the name of the instance's role is none").caused_by(error)
        })
    };

    let life = HeaderMap::from_iter([(TOKEN_LIFE, HeaderValue::from_static("300"))]);
    let reply = served::ask(client, Method::PUT, &below("latest/api/token")?, life).await?;
    let mut token = HeaderValue::from_bytes(&reply.body)
        .map_err(|_| AuthError::unavailable("instance metadata gave out no session token"))?;
    token.set_sensitive(true);
    let headers = HeaderMap::from_iter([(TOKEN, token)]);

    let roles = below("latest/meta-data/iam/security-credentials/")?;
    let reply = served::ask(client, Method::GET, &roles, headers.clone()).await?;
    let role = first_line(&reply)
        .ok_or_else(|| AuthError::unavailable("the instance has no role: attach an instance profile"))?;
    let role = below(&format!("latest/meta-data/iam/security-credentials/{role}"))?;
    let reply = served::ask(client, Method::GET, &role, headers).await?;
    served::read(&reply, &role)
}

fn first_line(reply: &Reply) -> Option<&str> {
    let text = std::str::from_utf8(&reply.body).ok()?;
    text.lines().map(str::trim).find(|line| !line.is_empty())
}
