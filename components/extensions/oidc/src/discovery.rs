//! Asks a provider for its keys.
//!
//! Spec: OpenID Connect Discovery 1.0, "Obtaining OpenID Provider Configuration Information".

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use serde::Deserialize;
use weir_component::{AuthError, async_trait};
use weir_net::client::{Client, Outgoing, Target};
use weir_net::{Lease, Source};

use crate::config::Provider;
use crate::keys::KeySet;

/// How often keys are fetched again, while tokens come: providers announce new keys ahead, and tokens with unknown ones ask as well.
const PERIOD: Duration = Duration::from_secs(3600);

/// Longest answer of a provider: 1 MiB, hundreds of keys with their certificates.
const MAX_BYTES: usize = 1 << 20;

/// Where a provider's keys come from.
pub(crate) struct Discovery {
    provider: Provider,
    document: Target,
    client: Client,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

impl Discovery {
    pub(crate) const fn new(provider: Provider, document: Target, client: Client) -> Self {
        Self {
            provider,
            document,
            client,
        }
    }

    async fn ask(&self, target: &Target) -> Result<Bytes, AuthError> {
        let request = Outgoing {
            method: Method::GET,
            headers: HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/json"))]),
            max_reply_bytes: MAX_BYTES,
            ..Outgoing::post(target, "", Bytes::new())
        };
        let reply =
            self.client.send(request).await.map_err(|error| {
                AuthError::unavailable(format!("no answer from `{target}`")).caused_by(error)
            })?;
        let problem = match (reply.status.is_success(), reply.truncated) {
            (true, false) => return Ok(reply.body),
            (true, true) => format!("sent more than {MAX_BYTES} bytes"),
            (false, _) => format!("answered with {}", reply.status),
        };
        Err(AuthError::unavailable(format!("`{target}` {problem}")))
    }

    async fn keys_target(&self) -> Result<Target, AuthError> {
        let body = self.ask(&self.document).await?;
        let wrong = |what: &str| AuthError::unavailable(format!("`{}` {what}", self.document));
        let document: Document = serde_json::from_slice(&body)
            .map_err(|error| wrong("is no provider's document").caused_by(error))?;
        // Spec: the issuer "MUST exactly match", or tokens of one provider could pass for those of another.
        if !self.provider.ignore_issuer && document.issuer != self.provider.issuer_url {
            let shown: String = document.issuer.chars().take(200).collect();
            return Err(wrong(&format!(
                "is the document of `{shown}`: set `issuer_url` to exactly that"
            )));
        }
        let target = Target::parse(&document.jwks_uri)
            .map_err(|error| wrong("has a `jwks_uri` that is none").caused_by(error))?;
        let secure = |target: &Target| target.uri().scheme_str() == Some("https");
        match secure(&self.document) && !secure(&target) {
            true => Err(wrong("leads to keys without TLS")),
            false => Ok(target),
        }
    }
}

#[async_trait]
impl Source<KeySet> for Discovery {
    async fn fetch(&self) -> Result<Lease<KeySet>, AuthError> {
        let target = self.keys_target().await?;
        let body = self.ask(&target).await?;
        match KeySet::read(&body) {
            Ok(keys) => Ok(Lease::renewed_after(keys, PERIOD)),
            Err(message) => Err(AuthError::unavailable(format!("`{target}` {message}"))),
        }
    }
}
