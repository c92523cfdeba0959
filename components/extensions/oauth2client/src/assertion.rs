//! Assertions that a client signs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};
use weir_component::AuthError;

use crate::config::Config;

/// How long an assertion is good for: as long as clocks may differ and more.
const LIFE: Duration = Duration::from_secs(30 * 60);

/// Makes an assertion.
///
/// Spec: RFC 7523, "JWT Format and Processing Requirements".
///
/// # Errors
///
/// The key cannot sign.
pub(crate) fn sign(config: &Config, client_id: &str, key: &EncodingKey) -> Result<String, AuthError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let or = |text: &str, default: &str| if text.is_empty() { default } else { text }.to_owned();
    let standard = json!({
        "iss": or(&config.iss, client_id),
        "sub": client_id,
        "aud": or(&config.audience, &config.token_url),
        "jti": format!("{:032x}", rand::random::<u128>()),
        "iat": now.as_secs(),
        "exp": (now + LIFE).as_secs(),
    });
    let mut claims: Map<String, Value> = standard.as_object().cloned().unwrap_or_default();
    if !config.scopes.is_empty() {
        claims.insert("scope".to_owned(), config.scopes.join(" ").into());
    }
    claims.extend(
        config
            .claims
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    let header = Header {
        kid: Some(config.client_certificate_key_id.clone()).filter(|id| !id.is_empty()),
        ..Header::new(Algorithm::from(config.signature_algorithm))
    };
    jsonwebtoken::encode(&header, &claims, key)
        .map_err(|error| AuthError::refused("the key cannot sign an assertion").caused_by(error))
}
