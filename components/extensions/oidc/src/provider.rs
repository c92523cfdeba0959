//! Checks the tokens of one provider.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Header, Validation};
use weir_component::{AuthError, Identity};
use weir_net::{Renewed, Watched};

use crate::claims::{self, Claims};
use crate::config;
use crate::keys::KeySet;

/// How often tokens that no key fits may cause the provider to be asked again.
const UNKNOWN_KEY_PERIOD: Duration = Duration::from_secs(10);

/// By how much clocks may differ, in seconds.
const LEEWAY: u64 = 60;

/// A provider whose tokens are accepted.
pub(crate) struct Provider {
    config: config::Provider,
    keys: Keys,
}

/// Where the keys are.
pub(crate) enum Keys {
    /// In a file.
    File(Watched<KeySet>),
    /// At the provider.
    Provider(Renewed<KeySet>),
}

impl Provider {
    pub(crate) const fn new(config: config::Provider, keys: Keys) -> Self {
        Self { config, keys }
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.config.issuer_url
    }

    /// Begins to fetch the keys.
    pub(crate) fn prepare(&self) {
        if let Keys::Provider(keys) = &self.keys {
            keys.prepare();
        }
    }

    pub(crate) async fn close(&self, deadline: Instant) {
        if let Keys::Provider(keys) = &self.keys {
            keys.close(deadline).await;
        }
    }

    /// Checks a token.
    ///
    /// # Errors
    ///
    /// It is not the provider's, not for the audience or not of this time; or the keys cannot be had now.
    pub(crate) async fn check(&self, token: &str, header: &Header) -> Result<Identity, AuthError> {
        // RFC 8725, "Perform Algorithm Verification": never a symmetric one, for which a public key would do as the secret.
        if header.alg.family() == AlgorithmFamily::Hmac {
            return Err(AuthError::refused("the token is signed by a symmetric algorithm"));
        }
        // RFC 7515, "crit": what must be understood and is not.
        if header.crit.is_some() {
            return Err(AuthError::refused("the token has critical headers"));
        }
        let claims = match &self.keys {
            Keys::File(keys) => self.verify(token, header, &*keys.current().await)?,
            Keys::Provider(keys) => {
                let current = keys.current().await.map_err(|error| self.without_keys(error))?;
                match self.verify(token, header, &current)? {
                    Some(claims) => Some(claims),
                    None => self.verify_with_newer(token, header, keys, &current).await?,
                }
            }
        };
        let claims =
            claims.ok_or_else(|| AuthError::refused("no key of the provider has signed the token"))?;
        claims::identity(claims, &self.config)
    }

    /// Tries again if there are other keys than those that did not fit.
    async fn verify_with_newer(
        &self,
        token: &str,
        header: &Header,
        keys: &Renewed<KeySet>,
        tried: &Arc<KeySet>,
    ) -> Result<Option<Claims>, AuthError> {
        let newer = keys.no_older_than(UNKNOWN_KEY_PERIOD).await;
        let newer = newer.map_err(|error| self.without_keys(error))?;
        match Arc::ptr_eq(&newer, tried) {
            true => Ok(None),
            false => self.verify(token, header, &newer),
        }
    }

    fn without_keys(&self, error: AuthError) -> AuthError {
        AuthError::unavailable(format!("there are no keys of `{}`", self.issuer())).caused_by(error)
    }

    /// Returns the claims of a token that one of the keys has signed.
    ///
    /// # Errors
    ///
    /// It is signed, but its claims do not hold.
    fn verify(&self, token: &str, header: &Header, keys: &KeySet) -> Result<Option<Claims>, AuthError> {
        let validation = self.validation(header.alg);
        let decode = |key: &DecodingKey| jsonwebtoken::decode::<Claims>(token, key, &validation);
        for key in keys.candidates(header.kid.as_deref(), header.alg) {
            match decode(key) {
                Ok(token) => return Ok(Some(token.claims)),
                Err(error) if matches!(error.kind(), ErrorKind::InvalidSignature) => {}
                Err(error) => return Err(AuthError::refused("the token does not hold").caused_by(error)),
            }
        }
        Ok(None)
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        let mut required = vec!["exp"];
        if !self.config.ignore_issuer {
            validation.set_issuer(&[&self.config.issuer_url]);
            required.push("iss");
        }
        if self.config.ignore_audience {
            validation.validate_aud = false;
        } else {
            validation.set_audience(&[&self.config.audience]);
            required.push("aud");
        }
        validation.set_required_spec_claims(&required);
        validation
    }
}
