//! The Security Token Service: credentials of a role.
//!
//! Spec: AWS STS API Reference, "AssumeRole" and "AssumeRoleWithWebIdentity".

use std::time::Duration;

use http::{HeaderValue, header};
use jiff::Timestamp;
use url::form_urlencoded::Serializer;
use weir_component::AuthError;
use weir_component::config::Secret;
use weir_net::Lease;
use weir_net::client::{Client, Outgoing, Reply, Target};

use super::{Credentials, served};
use crate::environment::Environment;
use crate::host::is_region;
use crate::sign::{self, Scope};

/// How long credentials of a role are good for unless configured otherwise.
const SESSION: Duration = Duration::from_secs(3600);

/// Where the service answers, and for which region requests to it are signed.
pub(super) struct Endpoint {
    target: Target,
    region: String,
}

/// A role to assume.
#[derive(Debug, Clone)]
pub(super) struct Role {
    pub(super) arn: String,
    /// Empty: one is made up.
    pub(super) session_name: String,
    /// Empty: none.
    pub(super) external_id: String,
    /// Zero: an hour.
    pub(super) duration: Duration,
    /// How long before their expiry the credentials are fetched again.
    pub(super) ahead: Duration,
}

/// Who asks for a role.
pub(super) enum Caller {
    /// Somebody with credentials.
    Credentials(Credentials),
    /// Somebody with a token of an identity provider.
    WebIdentity(Secret),
}

impl Endpoint {
    /// Returns the endpoint of a region, or the global one.
    ///
    /// # Errors
    ///
    /// The region is no name, or the environment names an endpoint that is none.
    pub(super) fn of(region: Option<&str>, environment: &Environment) -> Result<Self, AuthError> {
        let url = match (
            environment.first(&["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"]),
            region,
        ) {
            (Some(url), _) => url.to_owned(),
            (None, None) => "https://sts.amazonaws.com/".to_owned(),
            (None, Some(region)) if !is_region(region) => {
                return Err(AuthError::refused(format!(
                    "`{region}` is not the name of a region"
                )));
            }
            (None, Some(region)) => {
                let china = if region.starts_with("cn-") { ".cn" } else { "" };
                format!("https://sts.{region}.amazonaws.com{china}/")
            }
        };
        Ok(Self {
            target: Target::parse(&url)
                .map_err(|error| AuthError::refused("the endpoint of STS is no URL").caused_by(error))?,
            region: region.unwrap_or("us-east-1").to_owned(),
        })
    }
}

/// Assumes a role.
///
/// # Errors
///
/// The service does not answer or is busy, which may pass; or it refuses, which it will again.
pub(super) async fn assume(
    client: &Client,
    endpoint: &Endpoint,
    role: &Role,
    caller: Caller,
) -> Result<Lease<Credentials>, AuthError> {
    exchange(client, endpoint, role, caller).await.map_err(|error| {
        let message = format!("cannot assume the role `{}` at `{}`", role.arn, endpoint.target);
        match error.is_retryable() {
            true => AuthError::unavailable(message),
            false => AuthError::refused(message),
        }
        .caused_by(error)
    })
}

async fn exchange(
    client: &Client,
    endpoint: &Endpoint,
    role: &Role,
    caller: Caller,
) -> Result<Lease<Credentials>, AuthError> {
    let now = Timestamp::now();
    let body = form(role, &caller, now);
    let mut request = Outgoing::post(&endpoint.target, "application/x-www-form-urlencoded", body.into());
    request
        .headers
        .insert(header::ACCEPT, HeaderValue::from_static("text/xml"));
    if let Caller::Credentials(credentials) = &caller {
        let uri = endpoint.target.uri();
        let scope = Scope {
            region: &endpoint.region,
            service: "sts",
            time: now,
        };
        let host = uri.authority().map(ToString::to_string).unwrap_or_default();
        let hash = sign::body_hash(std::slice::from_ref(&request.body));
        sign::sign(
            &request.method,
            uri,
            &host,
            &mut request.headers,
            &hash,
            credentials,
            scope,
        )?;
    }
    let reply = client
        .send(request)
        .await
        .map_err(|error| AuthError::unavailable("no answer").caused_by(error))?;
    let (credentials, expires) = read(&reply)?;
    served::lease(credentials, Some(expires), role.ahead)
}

fn form(role: &Role, caller: &Caller, now: Timestamp) -> String {
    let action = match caller {
        Caller::Credentials(_) => "AssumeRole",
        Caller::WebIdentity(_) => "AssumeRoleWithWebIdentity",
    };
    let name = match role.session_name.as_str() {
        "" => format!("weir-{}", now.as_millisecond()),
        name => name.to_owned(),
    };
    let duration = if role.duration.is_zero() {
        SESSION
    } else {
        role.duration
    };
    let mut form = Serializer::new(String::new());
    form.append_pair("Action", action)
        .append_pair("Version", "2011-06-15")
        .append_pair("RoleArn", &role.arn)
        .append_pair("RoleSessionName", &name)
        .append_pair("DurationSeconds", &duration.as_secs().to_string());
    match caller {
        Caller::WebIdentity(token) => {
            form.append_pair("WebIdentityToken", token.expose());
        }
        Caller::Credentials(_) if !role.external_id.is_empty() => {
            form.append_pair("ExternalId", &role.external_id);
        }
        Caller::Credentials(_) => {}
    }
    form.finish()
}

/// Reads the answer: XML, of which a few elements matter.
fn read(reply: &Reply) -> Result<(Credentials, Timestamp), AuthError> {
    let text = std::str::from_utf8(&reply.body).unwrap_or_default();
    let document = roxmltree::Document::parse(text).ok();
    let element = |name: &str| {
        document
            .as_ref()?
            .descendants()
            .find(|node| node.tag_name().name() == name)?
            .text()
            .map(|text| text.trim().to_owned())
    };
    if !reply.status.is_success() {
        let code = element("Code").unwrap_or_default();
        let message = element("Message").unwrap_or_default();
        return Err(refusal(reply.status, &code, &message));
    }
    let read = || {
        let credentials = Credentials {
            access_key_id: element("AccessKeyId")?,
            secret_access_key: Secret::new(element("SecretAccessKey")?),
            session_token: Some(Secret::new(element("SessionToken")?)),
        };
        Some((credentials, element("Expiration")?.parse().ok()?))
    };
    read().ok_or_else(|| AuthError::unavailable("the answer holds no credentials"))
}

fn refusal(status: http::StatusCode, code: &str, message: &str) -> AuthError {
    let shown = |text: &str| -> String { text.chars().filter(|c| !c.is_control()).take(300).collect() };
    let text = match code {
        "" => format!("it answered with {status}"),
        code => format!("it answered with {status}, `{}`: {}", shown(code), shown(message)),
    };
    // Tokens in files are replaced, clocks are put right, and the rest of these are the service's trouble.
    let passes = !status.is_client_error()
        || matches!(status.as_u16(), 408 | 429)
        || code.is_empty()
        || [
            "Throttling",
            "RequestLimit",
            "IDPCommunicationError",
            "ExpiredToken",
            "RequestExpired",
        ]
        .iter()
        .any(|start| code.starts_with(start));
    match passes {
        true => AuthError::unavailable(text),
        false => AuthError::refused(text),
    }
}
