//! Credentials of a container: ECS tasks and EKS pod identities.
//!
//! Spec: AWS SDKs and Tools Reference Guide, "Container credential provider".

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, Method, header};
use weir_component::AuthError;
use weir_net::Lease;
use weir_net::client::{Client, Target};

use super::{Credentials, served};
use crate::environment::Environment;

/// Where the agent of ECS answers.
const ECS: &str = "http://169.254.170.2";

/// Returns where the container's credentials are, if the environment says that there are any.
///
/// # Errors
///
/// The URL is none, or leads off this host without TLS.
pub(super) fn target(environment: &Environment) -> Result<Option<Target>, AuthError> {
    let url = match (
        environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
        environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    ) {
        (Some(path), _) => format!("{ECS}{path}"),
        (None, Some(url)) => url.to_owned(),
        (None, None) => return Ok(None),
    };
    let invalid = "AWS_CONTAINER_CREDENTIALS_FULL_URI cannot be used";
    let target = Target::parse(&url).map_err(|error| AuthError::refused(invalid).caused_by(error))?;
    let secure = target.uri().scheme_str() == Some("https");
    match secure || target.uri().host().is_some_and(is_on_host) {
        true => Ok(Some(target)),
        false => Err(AuthError::refused(format!(
            "{invalid}: `{target}` is neither on this host nor `https`"
        ))),
    }
}

/// Returns true for this host and for the agents of ECS and EKS.
fn is_on_host(host: &str) -> bool {
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    host == "localhost"
        || address.is_ok_and(|address| {
            let agents = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];
            address.is_loopback()
                || agents
                    .iter()
                    .any(|agent| agent.parse::<IpAddr>().is_ok_and(|agent| agent == address))
        })
}

/// Fetches the container's credentials.
///
/// # Errors
///
/// The agent does not answer, or with something else.
pub(super) async fn fetch(
    client: &Client,
    target: &Target,
    environment: &Environment,
) -> Result<Lease<Credentials>, AuthError> {
    let token = match environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(file) => {
            let read = tokio::fs::read_to_string(file).await;
            let unreadable = |error: std::io::Error| {
                AuthError::unavailable(format!("cannot read `{file}`")).caused_by(error)
            };
            Some(read.map_err(unreadable)?.trim().to_owned())
        }
        None => environment
            .get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
            .map(str::to_owned),
    };
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        let mut value = HeaderValue::try_from(token).map_err(|_| {
            AuthError::refused("the container's token has characters that headers cannot have")
        })?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    let reply = served::ask(client, Method::GET, target, headers).await?;
    served::read(&reply, target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target_of(name: &str, value: &str) -> Result<String, String> {
        let environment = [(name.to_owned(), value.to_owned())].into_iter().collect();
        match target(&environment) {
            Ok(target) => Ok(target.unwrap().to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn tokens_do_not_leave_the_host_without_tls() {
        assert_eq!(
            target_of("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x").unwrap(),
            "http://169.254.170.2/v2/x"
        );
        for (url, allowed) in [
            ("http://169.254.170.23/v1/credentials", true),
            ("http://[fd00:ec2::23]/v1/credentials", true),
            ("http://127.0.0.1:8080/x", true),
            ("http://[::1]/x", true),
            ("http://localhost/x", true),
            ("https://credentials.example/x", true),
            ("http://credentials.example/x", false),
            ("http://10.0.0.1/x", false),
            ("ftp://127.0.0.1/x", false),
            ("x", false),
        ] {
            let found = target_of("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
            assert_eq!(found.is_ok(), allowed, "{url}: {found:?}");
        }
        assert!(target(&Environment::default()).unwrap().is_none());
    }
}
