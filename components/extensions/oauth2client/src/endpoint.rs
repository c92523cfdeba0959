//! Asks the token endpoint.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode, header};
use jsonwebtoken::EncodingKey;
use url::form_urlencoded::{self, Serializer};
use weir_component::config::Secret;
use weir_component::{AuthError, async_trait};
use weir_net::client::{Client, Outgoing, Reply, Target};
use weir_net::{Lease, Source, Watched, WatchedError};

use crate::answer::{self, Token};
use crate::assertion;
use crate::config::{Config, GrantType};

/// Media type of token requests.
const FORM: &str = "application/x-www-form-urlencoded";

/// Where tokens come from.
pub(crate) struct TokenEndpoint {
    config: Config,
    target: Target,
    client: Client,
    client_id: Watched<String>,
    proof: Proof,
}

/// What the client proves itself by.
enum Proof {
    Secret {
        secret: Watched<Secret>,
        /// Where the server wants the secret, once it has taken it there.
        place: OnceLock<Place>,
    },
    Key(Watched<EncodingKey>),
}

/// Where in a request the secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In `Authorization`, which servers must support.
    Header,
    /// Among the parameters, which some want.
    Body,
}

impl TokenEndpoint {
    /// Reads the files. Blocks on the file system.
    pub(crate) fn open(config: &Config, target: Target, client: Client) -> Result<Self, WatchedError> {
        let client_id = match config.client_id_file.as_str() {
            "" => Watched::fixed(config.client_id.clone()),
            file => Watched::file(file, |text| Ok(text.trim().to_owned()))?,
        };
        let key = |pem: &str| Ok(EncodingKey::from_rsa_pem(pem.as_bytes())?);
        let proof = match config.grant_type {
            GrantType::ClientCredentials => Proof::Secret {
                secret: match config.client_secret_file.as_str() {
                    "" => Watched::fixed(config.client_secret.clone()),
                    file => Watched::file(file, |text| Ok(Secret::new(text.trim())))?,
                },
                place: OnceLock::new(),
            },
            GrantType::JwtBearer => Proof::Key(match config.client_certificate_key_file.as_str() {
                "" => {
                    let parsed = key(config.client_certificate_key.expose());
                    Watched::fixed(parsed.map_err(|source| WatchedError::Parse {
                        path: "client_certificate_key".into(),
                        source,
                    })?)
                }
                file => Watched::file(file, key)?,
            }),
        };
        Ok(Self {
            config: config.clone(),
            target,
            client,
            client_id,
            proof,
        })
    }

    /// Returns the body of a request: the parameters that all have, and `more`.
    fn form(&self, more: &[(&str, &str)]) -> String {
        let mut form = Serializer::new(String::new());
        if !self.config.endpoint_params.has("grant_type") {
            form.append_pair("grant_type", self.config.grant_type.as_str());
        }
        if !self.config.scopes.is_empty() {
            form.append_pair("scope", &self.config.scopes.join(" "));
        }
        form.extend_pairs(self.config.endpoint_params.pairs())
            .extend_pairs(more)
            .finish()
    }

    /// Proves the client by its secret, in the place that the server wants it.
    async fn by_secret(
        &self,
        id: &str,
        secret: &Secret,
        place: &OnceLock<Place>,
    ) -> Result<Lease<Token>, AuthError> {
        let first = place.get().copied().unwrap_or(Place::Header);
        let reply = self.send_with_secret(id, secret, first).await?;
        let refused = matches!(reply.status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED);
        let (reply, used) = match refused && place.get().is_none() {
            true => (self.send_with_secret(id, secret, Place::Body).await?, Place::Body),
            false => (reply, first),
        };
        let token = answer::read(&reply, self.config.expiry_buffer, secret)?;
        place.get_or_init(|| used);
        Ok(token)
    }

    async fn send_with_secret(&self, id: &str, secret: &Secret, place: Place) -> Result<Reply, AuthError> {
        match place {
            Place::Header => {
                // Spec: RFC 6749, "Client Password": both are encoded before they are joined.
                let encode =
                    |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let credentials = STANDARD.encode(format!("{}:{}", encode(id), encode(secret.expose())));
                self.send(self.form(&[]), Some(format!("Basic {credentials}")))
                    .await
            }
            Place::Body => {
                let credentials = [("client_id", id), ("client_secret", secret.expose())];
                self.send(self.form(&credentials), None).await
            }
        }
    }

    async fn send(&self, form: String, authorization: Option<String>) -> Result<Reply, AuthError> {
        let mut request = Outgoing::post(&self.target, FORM, form.into());
        request
            .headers
            .insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(mut value) = authorization.and_then(|text| HeaderValue::try_from(text).ok()) {
            value.set_sensitive(true);
            request.headers.insert(header::AUTHORIZATION, value);
        }
        let sent = self.client.send(request).await;
        sent.map_err(|error| AuthError::unavailable("no answer").caused_by(error))
    }

    async fn ask(&self) -> Result<Lease<Token>, AuthError> {
        let id = self.client_id.current().await;
        match &self.proof {
            Proof::Secret { secret, place } => {
                let secret = secret.current().await;
                self.by_secret(&id, &secret, place).await
            }
            Proof::Key(key) => {
                let assertion = assertion::sign(&self.config, &id, &*key.current().await)?;
                let reply = self.send(self.form(&[("assertion", &assertion)]), None).await?;
                answer::read(&reply, self.config.expiry_buffer, &Secret::new(assertion))
            }
        }
    }
}

#[async_trait]
impl Source<Token> for TokenEndpoint {
    async fn fetch(&self) -> Result<Lease<Token>, AuthError> {
        self.ask().await.map_err(|error| {
            let message = format!("cannot get a token from `{}`", self.target);
            match error.is_retryable() {
                true => AuthError::unavailable(message),
                false => AuthError::refused(message),
            }
            .caused_by(error)
        })
    }
}
