//! Sets of public keys.
//!
//! Spec: RFC 7517, "JWK Set Format".

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// Keys of a set that are looked at, at most.
const MAX_KEYS: usize = 256;

/// Keys that can verify signatures; at least one.
pub(crate) struct KeySet(Vec<Key>);

struct Key {
    id: Option<String>,
    /// The algorithms that it is for: by what it says, or by what it is. Never symmetric ones: a public key is no secret.
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a JWK set. Keys that are not known here, symmetric or for something else are left out, as the specification wants.
    ///
    /// # Errors
    ///
    /// A message: it is no JWK set, or no key is left.
    pub(crate) fn read(content: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(content).map_err(|error| {
            format!(
                "is no JWK set: {}",
                if error.is_data() {
                    "it has no list `keys`"
                } else {
                    "it is no JSON"
                }
            )
        })?;
        let keys: Vec<Key> = document
            .keys
            .into_iter()
            .take(MAX_KEYS)
            .filter_map(Key::read)
            .collect();
        match keys.is_empty() {
            true => Err("has no key for signatures by RSA, ECDSA (P-256, P-384) or Ed25519".to_owned()),
            false => Ok(Self(keys)),
        }
    }

    /// Returns the keys that a token can be signed with, going by what its header says.
    pub(crate) fn candidates(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &DecodingKey> {
        self.0
            .iter()
            .filter(move |key| id.is_none() || key.id.is_none() || key.id.as_deref() == id)
            .filter(move |key| key.algorithms.contains(&algorithm))
            .map(|key| &key.key)
    }
}

impl Key {
    fn read(value: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        if matches!(&jwk.common.public_key_use, Some(purpose) if *purpose != PublicKeyUse::Signature) {
            return None;
        }
        let possible: &[Algorithm] = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => &[
                Algorithm::RS256,
                Algorithm::RS384,
                Algorithm::RS512,
                Algorithm::PS256,
                Algorithm::PS384,
                Algorithm::PS512,
            ],
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
                &[Algorithm::ES256]
            }
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => {
                &[Algorithm::ES384]
            }
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                &[Algorithm::EdDSA]
            }
            _ => return None,
        };
        let algorithms: Vec<Algorithm> = possible
            .iter()
            .copied()
            .filter(|algorithm| {
                jwk.common
                    .key_algorithm
                    .is_none_or(|named| KeyAlgorithm::from(*algorithm) == named)
            })
            .collect();
        if algorithms.is_empty() {
            return None;
        }
        Some(Self {
            key: DecodingKey::from_jwk(&jwk).ok()?,
            id: jwk.common.key_id,
            algorithms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key of RFC 7515, appendix A.3, and one of RFC 8037, appendix A.2.
    const P256: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
    const ED25519: &str = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

    fn set(keys: &[String]) -> Result<KeySet, String> {
        let keys: Vec<String> = keys.iter().map(|key| format!("{{{key}}}")).collect();
        KeySet::read(format!(r#"{{"keys": [{}]}}"#, keys.join(",")).as_bytes())
    }

    #[test]
    fn keys_are_for_what_they_are_and_say() {
        let keys = set(&[
            format!(r#"{P256},"kid":"a""#),
            format!(r#"{ED25519},"kid":"b","use":"sig","alg":"EdDSA""#),
            ED25519.to_owned(),
        ])
        .unwrap();
        for (id, algorithm, count) in [
            (Some("a"), Algorithm::ES256, 1),
            (Some("a"), Algorithm::ES384, 0),
            (Some("a"), Algorithm::HS256, 0),
            (Some("b"), Algorithm::EdDSA, 2),
            (Some("c"), Algorithm::EdDSA, 1),
            (None, Algorithm::EdDSA, 2),
            (None, Algorithm::RS256, 0),
        ] {
            assert_eq!(
                keys.candidates(id, algorithm).count(),
                count,
                "{id:?} {algorithm:?}"
            );
        }
    }

    #[test]
    fn keys_that_verify_nothing_are_left_out() {
        for key in [
            r#""kty":"oct","k":"c2VjcmV0","alg":"HS256""#.to_owned(),
            format!(r#"{P256},"use":"enc""#),
            format!(r#"{P256},"alg":"RS256""#),
            format!(r#"{P256},"alg":"HS256""#),
            format!(r#"{P256},"alg":"ECDH-ES""#),
            P256.replace("P-256", "P-521"),
            P256.replace("P-256", "secp256k1"),
            r#""kty":"RSA","n":"!","e":"AQAB""#.to_owned(),
            r#""kty":"new""#.to_owned(),
            String::new(),
        ] {
            let alone = set(std::slice::from_ref(&key)).err();
            assert!(alone.is_some_and(|error| error.contains("no key")), "{key}");
            // It does not spoil the set.
            assert!(set(&[key, P256.to_owned()]).is_ok());
        }
        for text in ["", "[]", r#"{"keys": {}}"#, r#"{"Keys": []}"#] {
            let error = KeySet::read(text.as_bytes()).err().unwrap();
            assert!(error.starts_with("is no JWK set"), "{text}: {error}");
        }
    }
}
