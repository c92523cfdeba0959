//! Certificates and keys: where they are, reading and parsing them.

use std::path::PathBuf;

use rustls::RootCertStore;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use weir_component::config::Secret;

use super::{TlsError, TlsFiles};

/// PEM in a file or inline.
#[derive(Debug, Clone)]
pub(super) enum Source {
    File { key: &'static str, path: PathBuf },
    Inline { key: &'static str, pem: Secret },
}

impl Source {
    /// Returns where the PEM is, if it is anywhere.
    pub(super) fn of(keys: (&'static str, &'static str), file: &str, pem: &Secret) -> Option<Self> {
        if !file.is_empty() {
            return Some(Self::File {
                key: keys.0,
                path: PathBuf::from(file),
            });
        }
        (!pem.is_empty()).then(|| Self::Inline {
            key: keys.1,
            pem: pem.clone(),
        })
    }

    pub(super) fn certificate(files: &TlsFiles) -> Option<Self> {
        Self::of(("cert_file", "cert_pem"), &files.cert_file, &files.cert_pem)
    }

    pub(super) fn key(files: &TlsFiles) -> Option<Self> {
        Self::of(("key_file", "key_pem"), &files.key_file, &files.key_pem)
    }

    pub(super) fn authority(files: &TlsFiles) -> Option<Self> {
        Self::of(("ca_file", "ca_pem"), &files.ca_file, &files.ca_pem)
    }

    /// Reads the PEM. Blocks on the file system.
    pub(super) fn read(&self) -> Result<Vec<u8>, TlsError> {
        match self {
            Self::File { key, path } => std::fs::read(path).map_err(|source| TlsError::Read {
                key,
                path: path.clone(),
                source,
            }),
            Self::Inline { pem, .. } => Ok(pem.expose().as_bytes().to_vec()),
        }
    }

    /// Returns the place in words, for errors.
    pub(super) fn place(&self) -> String {
        match self {
            Self::File { key, path } => format!("{key} `{}`", path.display()),
            Self::Inline { key, .. } => (*key).to_owned(),
        }
    }

    fn content(&self, reason: impl Into<String>) -> TlsError {
        TlsError::Content {
            place: self.place(),
            reason: reason.into(),
        }
    }

    /// Parses a chain of at least one certificate.
    pub(super) fn certificates(&self, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        certificates(pem).map_err(|reason| self.content(reason))
    }

    /// Parses the first private key.
    pub(super) fn private_key(&self, pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
        private_key(pem).map_err(|reason| self.content(reason))
    }

    /// Parses authorities into `roots`.
    pub(super) fn add_to(&self, pem: &[u8], roots: &mut RootCertStore) -> Result<(), TlsError> {
        for certificate in self.certificates(pem)? {
            roots.add(certificate).map_err(|error| {
                self.content(format!("holds a certificate that cannot be trusted: {error}"))
            })?;
        }
        Ok(())
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(not_pem)?;
    if chain.is_empty() {
        return Err("holds no certificate in PEM".to_owned());
    }
    Ok(chain)
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        pem::Error::NoItemsFound if pem.windows(9).any(|window| window == b"ENCRYPTED") => {
            "holds an encrypted private key, which is not supported: decrypt it first".to_owned()
        }
        pem::Error::NoItemsFound => "holds no private key in PEM".to_owned(),
        error => not_pem(error),
    })
}

/// Says what is wrong with PEM, without the content.
fn not_pem(error: pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { end_marker } => {
            let what = String::from_utf8_lossy(&end_marker);
            format!("is not valid PEM: `-----END {what}-----` is missing")
        }
        pem::Error::IllegalSectionStart { .. } => {
            "is not valid PEM: a line with `-----BEGIN` does not end with `-----`".to_owned()
        }
        error => format!("is not valid PEM: {error}"),
    }
}

/// Judges what should be certificates.
pub(super) fn check_certificates(pem: &[u8]) -> Result<(), String> {
    certificates(pem).map(drop)
}

/// Judges what should be a private key.
pub(super) fn check_key(pem: &[u8]) -> Result<(), String> {
    private_key(pem).map(drop)
}

/// Adds the authorities of the system. Those that cannot be used are passed over, as everywhere.
pub(super) fn add_system(roots: &mut RootCertStore) {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "cannot read certificate authorities of the system");
    }
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        tracing::warn!(
            "no certificate authorities found on this system: set tls::ca_file, or no server can be verified"
        );
    }
}
