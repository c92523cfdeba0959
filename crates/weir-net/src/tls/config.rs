//! The `tls` sections.

use std::time::Duration;

use weir_component::config::{CheckContent, Secret, Validate, Violations, schema};
use weir_component::schemars::{self, JsonSchema};

use super::{material, provider};
use crate::config::Span;

/// Keys that the `tls` sections of servers and clients have in common.
///
/// Of each `*_file` and `*_pem` only one may be set. Files hold PEM; private keys must not be encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct TlsFiles {
    /// File with the authorities that sign the certificate of a server, PEM. Empty: those of the system. In the section of a server it has
    /// no effect on who gets in: that is `client_ca_file`.
    pub ca_file: String,
    /// Like `ca_file`, inline.
    pub ca_pem: Secret,
    /// Trusts the authorities of the system besides those of `ca_file` or `ca_pem`.
    pub include_system_ca_certs_pool: bool,
    /// File with the own certificate and its intermediates, own first, PEM. Needs a key.
    pub cert_file: String,
    /// Like `cert_file`, inline.
    pub cert_pem: Secret,
    /// File with the private key of the own certificate, PEM (PKCS #8, PKCS #1 or SEC 1), not encrypted.
    pub key_file: String,
    /// Like `key_file`, inline.
    pub key_pem: Secret,
    /// Oldest protocol version: `1.2` or `1.3`; empty: `1.2`. `1.0` and `1.1` are not supported.
    pub min_version: String,
    /// Newest protocol version: `1.2` or `1.3`; empty: `1.3`.
    pub max_version: String,
    /// Cipher suites of TLS 1.2 by their IANA names. Empty: all that are known, which are all safe. Those of TLS 1.3 may be named and are
    /// always on.
    pub cipher_suites: Vec<String>,
    /// Must be false: there are no insecure suites.
    pub include_insecure_cipher_suites: bool,
    /// Key exchange groups in order of preference, of `X25519MLKEM768`, `X25519`, `P256`, `P384`. Empty: these, in this order.
    pub curve_preferences: Vec<String>,
    /// Time after which `cert_file` and `key_file` are read again by the next handshake. A pair that cannot be used is logged and the
    /// previous one kept. 0: never.
    #[schemars(with = "Span")]
    pub reload_interval: Duration,
    /// Keys in a TPM. Not supported: turning it on is an error.
    pub tpm: Tpm,
}

crate::keys!(TlsFiles {
    ca_file, ca_pem, include_system_ca_certs_pool, cert_file, cert_pem, key_file, key_pem, min_version, max_version, cipher_suites,
    include_insecure_cipher_suites, curve_preferences, reload_interval as Span, tpm,
});

/// Keys in a TPM. Not supported yet: turning it on is a configuration error.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct Tpm {
    /// Turns the section on. Must be false, the default.
    pub enabled: bool,
    /// Path of the device.
    pub path: String,
    /// Authorisation of the owner.
    pub owner_auth: Secret,
    /// Authorisation of the key.
    pub auth: Secret,
}

crate::keys!(Tpm {
    enabled,
    path,
    owner_auth,
    auth
});

/// The `tls` section of a server. It needs a certificate and a key.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::block::<Self>("tls_server"))]
pub struct TlsServer {
    /// Keys shared with clients.
    #[schemars(flatten)]
    pub files: TlsFiles,
    /// File with the authorities that sign client certificates, PEM. Set: every client must present a certificate that one of them signed.
    /// Empty: clients need no certificate.
    pub client_ca_file: String,
    /// Watches `client_ca_file`: it is read again by a handshake, at most once per second. A file that cannot be used is logged and the
    /// previous one kept.
    pub client_ca_file_reload: bool,
}

crate::keys!(TlsServer { client_ca_file, client_ca_file_reload } flat { files: TlsFiles });

/// The `tls` section of a client.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::block::<Self>("tls_client"))]
pub struct TlsClient {
    /// Keys shared with servers.
    #[schemars(flatten)]
    pub files: TlsFiles,
    /// gRPC only: plaintext instead of TLS, unless an authority is configured. With HTTP the scheme of the URL decides.
    pub insecure: bool,
    /// Accepts any certificate: the connection is encrypted, but nobody knows to whom.
    pub insecure_skip_verify: bool,
    /// Name to send and to verify instead of the host of the endpoint. Empty: the host.
    pub server_name_override: String,
}

crate::keys!(TlsClient { insecure, insecure_skip_verify, server_name_override } flat { files: TlsFiles });

impl TlsFiles {
    /// Returns true if there is an authority to trust besides those of the system.
    pub fn has_authority(&self) -> bool {
        !self.ca_file.is_empty() || !self.ca_pem.is_empty()
    }

    /// Returns true if there is an own certificate.
    pub fn has_certificate(&self) -> bool {
        !self.cert_file.is_empty() || !self.cert_pem.is_empty()
    }

    fn has_key(&self) -> bool {
        !self.key_file.is_empty() || !self.key_pem.is_empty()
    }
}

impl Validate for TlsFiles {
    fn validate(&self, found: &mut Violations) {
        let exclusive = [
            ("ca", &self.ca_file, &self.ca_pem),
            ("cert", &self.cert_file, &self.cert_pem),
            ("key", &self.key_file, &self.key_pem),
        ];
        for (what, file, pem) in exclusive {
            found.require(
                file.is_empty() || pem.is_empty(),
                "",
                format!("provide either {what}_file or {what}_pem, not both"),
            );
        }
        found.require(
            self.has_certificate() == self.has_key(),
            "",
            "a certificate (cert_file, cert_pem) and its key (key_file, key_pem) must come together",
        );
        for (key, file, check) in [
            (
                "ca_file",
                &self.ca_file,
                material::check_certificates as CheckContent,
            ),
            ("cert_file", &self.cert_file, material::check_certificates),
            ("key_file", &self.key_file, material::check_key),
        ] {
            found.names_file(key, file, check);
        }
        for (key, pem, check) in [
            (
                "ca_pem",
                &self.ca_pem,
                material::check_certificates as CheckContent,
            ),
            ("cert_pem", &self.cert_pem, material::check_certificates),
            ("key_pem", &self.key_pem, material::check_key),
        ] {
            if !pem.is_empty()
                && let Err(reason) = check(pem.expose().as_bytes())
            {
                found.add(key, reason);
            }
        }
        provider::validate_versions(&self.min_version, &self.max_version, found);
        provider::validate_suites(&self.cipher_suites, found);
        provider::validate_groups(&self.curve_preferences, found);
        found.require(
            !self.include_insecure_cipher_suites,
            "include_insecure_cipher_suites",
            "insecure cipher suites are not supported",
        );
        found.require(
            !self.tpm.enabled,
            "tpm::enabled",
            "keys in a TPM are not supported yet",
        );
    }
}

impl Validate for TlsServer {
    fn validate(&self, found: &mut Violations) {
        found.nested("", &self.files);
        found.require(
            self.files.has_certificate() || self.files.has_key(),
            "",
            "a server needs a certificate and a key: set cert_file and key_file, or cert_pem and key_pem",
        );
        found.names_file(
            "client_ca_file",
            &self.client_ca_file,
            material::check_certificates,
        );
        found.require(
            !self.client_ca_file_reload || !self.client_ca_file.is_empty(),
            "client_ca_file_reload",
            "needs client_ca_file",
        );
    }
}

impl Validate for TlsClient {
    fn validate(&self, found: &mut Violations) {
        found.nested("", &self.files);
        let name = &self.server_name_override;
        found.require(
            name.is_empty() || rustls_pki_types::ServerName::try_from(name.as_str()).is_ok(),
            "server_name_override",
            format!("`{name}` is neither a DNS name nor an IP address"),
        );
    }
}
