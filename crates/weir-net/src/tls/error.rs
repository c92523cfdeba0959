//! Why TLS cannot be set up.

use std::io;
use std::path::PathBuf;

/// Why the TLS of a server or client cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {key} `{}`", path.display())]
    Read {
        /// The key of the configuration that names the file.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or an inline value holds something else than it should.
    #[error("{place} {reason}")]
    Content {
        /// The key of the configuration, with the path of the file if it names one.
        place: String,
        /// What is wrong with the content.
        reason: String,
    },
    /// The private key belongs to another certificate.
    #[error("private key in {key} does not belong to the certificate in {certificate}")]
    KeyMismatch {
        /// Where the certificate is.
        certificate: String,
        /// Where the key is.
        key: String,
    },
    /// rustls refuses the settings.
    #[error("cannot set up TLS")]
    Setup(#[from] rustls::Error),
}
