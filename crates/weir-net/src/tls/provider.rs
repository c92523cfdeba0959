//! Versions, cipher suites and key exchange groups by their configured names.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::{ProtocolVersion, SupportedCipherSuite, SupportedProtocolVersion, version};
use weir_component::config::Violations;

use super::TlsFiles;

/// What the names of a section select.
pub(super) struct Selection {
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) versions: Vec<&'static SupportedProtocolVersion>,
}

impl Selection {
    /// Selects what the section names. Names that do not exist, which validation reports, are passed over.
    pub(super) fn of(files: &TlsFiles) -> Self {
        let mut provider = aws_lc_rs::default_provider();
        if !files.cipher_suites.is_empty() {
            provider
                .cipher_suites
                .retain(|suite| is_tls13(suite) || files.cipher_suites.contains(&iana_name(suite)));
        }
        if !files.curve_preferences.is_empty() {
            provider.kx_groups = files
                .curve_preferences
                .iter()
                .filter_map(|name| group(name).ok())
                .collect();
        }
        let (min, max) = (
            version_number(&files.min_version, 2),
            version_number(&files.max_version, 3),
        );
        let all: [(u8, &'static SupportedProtocolVersion); 2] = [(2, &version::TLS12), (3, &version::TLS13)];
        let versions = all
            .into_iter()
            .filter(|(number, _)| (min..=max).contains(number))
            .map(|(_, version)| version)
            .collect();
        Self {
            provider: Arc::new(provider),
            versions,
        }
    }
}

fn version_number(name: &str, default: u8) -> u8 {
    name.strip_prefix("1.")
        .and_then(|minor| minor.parse().ok())
        .unwrap_or(default)
}

pub(super) fn validate_versions(min: &str, max: &str, found: &mut Violations) {
    let mut known = true;
    for (key, name) in [("min_version", min), ("max_version", max)] {
        match name {
            "" | "1.2" | "1.3" => continue,
            "1.0" | "1.1" => found.add(
                key,
                format!("TLS {name} is not supported, the oldest version is 1.2"),
            ),
            _ => found.add(key, format!("unknown TLS version `{name}`, use 1.2 or 1.3")),
        }
        known = false;
    }
    found.require(
        !known || version_number(min, 2) <= version_number(max, 3),
        "min_version",
        "is newer than max_version",
    );
}

pub(super) fn validate_suites(names: &[String], found: &mut Violations) {
    let known: Vec<String> = aws_lc_rs::ALL_CIPHER_SUITES.iter().map(iana_name).collect();
    for name in names.iter().filter(|name| !known.contains(name)) {
        found.add(
            "cipher_suites",
            format!(
                "cipher suite `{name}` is unknown or not supported, use of {}",
                known.join(", ")
            ),
        );
    }
}

pub(super) fn validate_groups(names: &[String], found: &mut Violations) {
    for name in names {
        if let Err(message) = group(name) {
            found.add("curve_preferences", message);
        }
    }
}

fn is_tls13(suite: &SupportedCipherSuite) -> bool {
    suite.version().version == ProtocolVersion::TLSv1_3
}

/// Returns the name that IANA registered; rustls writes `TLS13_` where the registry has `TLS_`.
fn iana_name(suite: &SupportedCipherSuite) -> String {
    suite
        .suite()
        .as_str()
        .unwrap_or_default()
        .replacen("TLS13_", "TLS_", 1)
}

fn group(name: &str) -> Result<&'static dyn SupportedKxGroup, String> {
    match name {
        "X25519MLKEM768" => Ok(kx_group::X25519MLKEM768),
        "X25519" => Ok(kx_group::X25519),
        "P256" => Ok(kx_group::SECP256R1),
        "P384" => Ok(kx_group::SECP384R1),
        "P521" => Err("curve P521 is not supported".to_owned()),
        _ => Err(format!(
            "unknown curve `{name}`, use X25519MLKEM768, X25519, P256 or P384"
        )),
    }
}
