//! A provider: keys, tokens, and a server that publishes the keys.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tower::service_fn;
use weir_component::Host;
use weir_net::Body;
use weir_net::server::{HttpServer, Running};

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn sign(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    jsonwebtoken::encode(header, claims, key).unwrap()
}

/// A key with its public form.
#[derive(Clone)]
pub(crate) struct Key {
    algorithm: Algorithm,
    private: EncodingKey,
    public: Value,
    public_der: Vec<u8>,
}

impl Key {
    pub(crate) fn es256(id: &str) -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        // 4, then two coordinates of 32 bytes each.
        let point = key.public_key_raw();
        Self {
            algorithm: Algorithm::ES256,
            private: EncodingKey::from_ec_pem(key.serialize_pem().as_bytes()).unwrap(),
            public: json!({"kty": "EC", "crv": "P-256", "kid": id, "x": base64(&point[1..33]), "y": base64(&point[33..])}),
            public_der: point.to_vec(),
        }
    }

    pub(crate) fn eddsa(id: &str) -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        Self {
            algorithm: Algorithm::EdDSA,
            private: EncodingKey::from_ed_pem(key.serialize_pem().as_bytes()).unwrap(),
            public: json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": base64(key.public_key_raw())}),
            public_der: key.public_key_raw().to_vec(),
        }
    }

    pub(crate) fn rs256(id: &str) -> Self {
        let key = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(der.as_ref())
        );
        let public = key.public_key();
        let modulus = base64(public.modulus().big_endian_without_leading_zero());
        let exponent = base64(public.exponent().big_endian_without_leading_zero());
        Self {
            algorithm: Algorithm::RS256,
            private: EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
            public: json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id, "n": modulus, "e": exponent}),
            public_der: public.as_ref().to_vec(),
        }
    }

    pub(crate) fn header(&self) -> Header {
        Header {
            kid: Some(self.public["kid"].as_str().unwrap().to_owned()),
            ..Header::new(self.algorithm)
        }
    }

    pub(crate) const fn private(&self) -> &EncodingKey {
        &self.private
    }

    pub(crate) fn public_der(&self) -> &[u8] {
        &self.public_der
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        sign(&self.header(), claims, &self.private)
    }
}

/// Returns the JWK set of some keys, with one that nobody knows.
pub(crate) fn key_set(keys: &[Key]) -> String {
    let mut keys: Vec<Value> = keys.iter().map(|key| key.public.clone()).collect();
    keys.push(json!({"kty": "future", "kid": "a", "alg": "QS256"}));
    json!({ "keys": keys }).to_string()
}

/// A server that publishes keys.
pub(crate) struct Issuer {
    running: Running,
    keys: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    pub(crate) async fn start(keys: &[Key]) -> Self {
        let keys = Arc::new(Mutex::new(key_set(keys)));
        let asked = Arc::new(AtomicUsize::new(0));
        let (published, count) = (Arc::clone(&keys), Arc::clone(&asked));
        let service = service_fn(move |request: Request<Incoming>| {
            let base = format!("http://{}/realm", request.headers()["host"].to_str().unwrap());
            let text = match request.uri().path() {
                "/realm/.well-known/openid-configuration" => {
                    Some(json!({"issuer": base, "jwks_uri": format!("{base}/keys")}).to_string())
                }
                "/realm/keys" => {
                    count.fetch_add(1, SeqCst);
                    Some(published.lock().unwrap().clone())
                }
                _ => None,
            };
            let mut response = Response::new(Body::from(text.clone().unwrap_or_default()));
            if text.is_none() {
                *response.status_mut() = StatusCode::NOT_FOUND;
            }
            async move { Ok::<_, Infallible>(response) }
        });
        let config = HttpServer {
            endpoint: "127.0.0.1:0".to_owned(),
            ..HttpServer::default()
        };
        let running = config.bind(&Host::default()).await.unwrap().start(service);
        Self { running, keys, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/realm", self.running.local_address())
    }

    pub(crate) fn publish(&self, keys: &[Key]) {
        *self.keys.lock().unwrap() = key_set(keys);
    }

    /// Returns how often the keys were asked for.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }

    pub(crate) async fn stop(self) {
        self.running
            .shutdown(Instant::now() + Duration::from_secs(5))
            .await;
    }
}
