//! The order in which credentials are looked for.

use std::time::Duration;

use weir_component::config::Secret;
use weir_component::{AuthError, async_trait};
use weir_net::client::Client;
use weir_net::{Lease, Source};

use super::profile::{Profiles, Settings, setting, static_credentials};
use super::sts::{self, Caller, Endpoint, Role};
use super::{Credentials, container, instance, served};
use crate::config::{AssumeRole, Config};
use crate::environment::Environment;

/// How often credentials that stand in files are looked at again.
const FILE_PERIOD: Duration = Duration::from_secs(60);

/// Profiles that may refer to each other in a row.
const MAX_DEPTH: usize = 8;

/// The ways out.
pub(crate) struct Clients {
    /// To AWS, through proxies if the environment names them.
    pub(crate) aws: Client,
    /// To the services of the host, never through proxies.
    pub(crate) host: Client,
}

/// Looks for credentials.
pub(crate) struct Chain {
    config: Config,
    environment: Environment,
    clients: Clients,
}

impl Chain {
    pub(crate) const fn new(config: Config, environment: Environment, clients: Clients) -> Self {
        Self {
            config,
            environment,
            clients,
        }
    }

    /// Returns the credentials that requests are signed with: those of the configured role, if there is one.
    async fn credentials(&self) -> Result<Lease<Credentials>, AuthError> {
        let AssumeRole {
            arn,
            web_identity_token_file,
            ..
        } = &self.config.assume_role;
        match (arn.as_str(), web_identity_token_file.as_str()) {
            ("", _) => self.found().await,
            (_, "") => {
                let caller = Caller::Credentials(self.found().await?.into_value());
                self.assume(self.configured_role(), caller, None).await
            }
            (_, file) => self.assume_by_token(self.configured_role(), file, None).await,
        }
    }

    fn configured_role(&self) -> Role {
        let role = &self.config.assume_role;
        Role {
            arn: role.arn.clone(),
            session_name: role.session_name.clone(),
            external_id: role.external_id.clone(),
            duration: role.session_duration,
            ahead: role.expiry_window,
        }
    }

    /// Returns the first credentials that are to be found.
    async fn found(&self) -> Result<Lease<Credentials>, AuthError> {
        let environment = &self.environment;
        if let Some(credentials) = self.variables()? {
            return Ok(Lease::unlimited(credentials));
        }
        if let (Some(file), Some(arn)) = (
            environment.get("AWS_WEB_IDENTITY_TOKEN_FILE"),
            environment.get("AWS_ROLE_ARN"),
        ) {
            let name = environment.get("AWS_ROLE_SESSION_NAME").unwrap_or_default();
            return self.assume_by_token(role(arn, name, ""), file, None).await;
        }
        let profiles = Profiles::read(environment).await?;
        let name = environment.get("AWS_PROFILE");
        match (profiles.get(name.unwrap_or("default")), name) {
            (Some(_), name) => {
                if let Some(credentials) = self.profile(&profiles, name.unwrap_or("default")).await? {
                    return Ok(credentials);
                }
            }
            (None, Some(name)) => {
                return Err(AuthError::unavailable(format!(
                    "there is no profile `{name}`, which AWS_PROFILE names"
                )));
            }
            (None, None) => {}
        }
        if let Some(target) = container::target(environment)? {
            return container::fetch(&self.clients.host, &target, environment).await;
        }
        instance::fetch(&self.clients.host, environment)
            .await
            .map_err(|error| {
                AuthError::unavailable(
                    "there are no AWS credentials: not in variables, profiles, the container or the instance's metadata",
                )
                .caused_by(error)
            })
    }

    /// Returns the credentials in variables, if there are any.
    fn variables(&self) -> Result<Option<Credentials>, AuthError> {
        let id = self.environment.first(&["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"]);
        let secret = self
            .environment
            .first(&["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"]);
        match (id, secret) {
            (Some(id), Some(secret)) => Ok(Some(Credentials {
                access_key_id: id.to_owned(),
                secret_access_key: Secret::new(secret),
                session_token: self.environment.get("AWS_SESSION_TOKEN").map(Secret::new),
            })),
            (None, None) => Ok(None),
            _ => Err(AuthError::refused(
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set together",
            )),
        }
    }

    /// Returns the credentials of a profile, if it has or names any.
    async fn profile(
        &self,
        profiles: &Profiles,
        name: &str,
    ) -> Result<Option<Lease<Credentials>>, AuthError> {
        // From the profile asked for to the one that has credentials, each assuming a role with those of the next.
        let mut roles: Vec<(&Settings, Role)> = Vec::new();
        let mut name = name;
        let mut credentials = loop {
            let settings = profiles
                .get(name)
                .ok_or_else(|| AuthError::refused(format!("there is no profile `{name}`")))?;
            if roles.len() > MAX_DEPTH {
                return Err(AuthError::refused(format!(
                    "the profile `{name}` is one of more than {MAX_DEPTH} that name each other as their source"
                )));
            }
            let Some(arn) = setting(settings, "role_arn") else {
                match (static_credentials(settings), roles.is_empty()) {
                    (Some(credentials), _) => break Lease::renewed_after(credentials, FILE_PERIOD),
                    (None, true) => return unsupported(settings, name).map_or(Ok(None), Err),
                    (None, false) => {
                        return Err(unsupported(settings, name).unwrap_or_else(|| {
                            AuthError::refused(format!("the profile `{name}` has no credentials"))
                        }));
                    }
                }
            };
            let session = setting(settings, "role_session_name").unwrap_or_default();
            let role = role(arn, session, setting(settings, "external_id").unwrap_or_default());
            if let Some(file) = setting(settings, "web_identity_token_file") {
                break self
                    .assume_by_token(role, file, setting(settings, "region"))
                    .await?;
            }
            roles.push((settings, role));
            match (
                setting(settings, "source_profile"),
                setting(settings, "credential_source"),
            ) {
                // A profile may assume a role with its own credentials.
                (Some(source), _) if source == name => {
                    let own = static_credentials(settings).ok_or_else(|| {
                        AuthError::refused(format!("the profile `{name}` has no credentials"))
                    })?;
                    break Lease::renewed_after(own, FILE_PERIOD);
                }
                (Some(source), _) => name = source,
                (None, Some(source)) => break self.source(source, name).await?,
                (None, None) => {
                    return Err(AuthError::refused(format!(
                        "the profile `{name}` has a `role_arn`, but neither `source_profile` nor `credential_source`"
                    )));
                }
            }
        };
        for (settings, role) in roles.into_iter().rev() {
            let caller = Caller::Credentials(credentials.into_value());
            credentials = self.assume(role, caller, setting(settings, "region")).await?;
        }
        Ok(Some(credentials))
    }

    /// Returns the credentials of what a profile names as its source.
    async fn source(&self, source: &str, profile: &str) -> Result<Lease<Credentials>, AuthError> {
        let missing = || {
            AuthError::refused(format!(
                "`{source}`, which the profile `{profile}` names, has no credentials"
            ))
        };
        match source {
            "Environment" => self.variables()?.map(Lease::unlimited).ok_or_else(missing),
            "Ec2InstanceMetadata" => instance::fetch(&self.clients.host, &self.environment).await,
            "EcsContainer" => {
                let target = container::target(&self.environment)?.ok_or_else(missing)?;
                container::fetch(&self.clients.host, &target, &self.environment).await
            }
            _ => Err(AuthError::refused(format!(
                "the profile `{profile}` names an unknown `credential_source`, `{source}`"
            ))),
        }
    }

    async fn assume_by_token(
        &self,
        role: Role,
        file: &str,
        region: Option<&str>,
    ) -> Result<Lease<Credentials>, AuthError> {
        let unreadable =
            |error: std::io::Error| AuthError::unavailable(format!("cannot read `{file}`")).caused_by(error);
        let token = tokio::fs::read_to_string(file).await.map_err(unreadable)?;
        self.assume(role, Caller::WebIdentity(Secret::new(token.trim())), region)
            .await
    }

    async fn assume(
        &self,
        role: Role,
        caller: Caller,
        region: Option<&str>,
    ) -> Result<Lease<Credentials>, AuthError> {
        let configured = [&self.config.assume_role.sts_region, &self.config.region];
        let region = configured
            .into_iter()
            .map(String::as_str)
            .find(|region| !region.is_empty())
            .or(region)
            .or_else(|| self.environment.region());
        let endpoint = Endpoint::of(region, &self.environment)?;
        sts::assume(&self.clients.aws, &endpoint, &role, caller).await
    }
}

/// Returns a role that a profile or a variable names.
fn role(arn: &str, session_name: &str, external_id: &str) -> Role {
    Role {
        arn: arn.to_owned(),
        session_name: session_name.to_owned(),
        external_id: external_id.to_owned(),
        duration: Duration::ZERO,
        ahead: served::AHEAD,
    }
}

/// Returns the error for a profile whose credentials come from where they cannot be had here.
fn unsupported(settings: &Settings, name: &str) -> Option<AuthError> {
    let key = [
        "credential_process",
        "sso_session",
        "sso_start_url",
        "login_session",
    ]
    .into_iter()
    .find(|key| setting(settings, key).is_some())?;
    Some(AuthError::refused(format!(
        "the profile `{name}` gets its credentials by `{key}`, which is not supported: use a role or keys"
    )))
}

#[async_trait]
impl Source<Credentials> for Chain {
    async fn fetch(&self) -> Result<Lease<Credentials>, AuthError> {
        self.credentials().await
    }
}
