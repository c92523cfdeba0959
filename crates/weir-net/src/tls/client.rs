//! TLS of a client.

use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::live::{Contents, Group, Live};
use super::material::{self, Source};
use super::provider::Selection;
use super::{TlsClient, TlsError};

/// Opens TLS connections as a [`TlsClient`] section says. Cloning shares it.
#[derive(Debug, Clone)]
pub struct ClientTls {
    live: Live<ClientConfig>,
    name_override: Option<ServerName<'static>>,
}

impl TlsClient {
    /// Reads the files and sets up TLS that offers the protocols `alpn`, first choice first. Blocks on the file system.
    ///
    /// # Errors
    ///
    /// See [`TlsError`]: a file cannot be read, does not hold what it should, or key and certificate do not fit.
    pub fn build(&self, alpn: &[&[u8]]) -> Result<ClientTls, TlsError> {
        let files = &self.files;
        let identity: Vec<Source> = Source::certificate(files)
            .into_iter()
            .chain(Source::key(files))
            .collect();
        let mut roots = RootCertStore::empty();
        if let Some(authority) = Source::authority(files) {
            authority.add_to(&authority.read()?, &mut roots)?;
        }
        if self.insecure_skip_verify {
            tracing::warn!("tls::insecure_skip_verify is on: the identity of servers is not verified");
        } else if !files.has_authority() || files.include_system_ca_certs_pool {
            material::add_system(&mut roots);
        }
        let name_override = match self.server_name_override.as_str() {
            "" => None,
            name => Some(
                ServerName::try_from(name.to_owned()).map_err(|_| TlsError::Content {
                    place: "server_name_override".to_owned(),
                    reason: "is neither a DNS name nor an IP address".to_owned(),
                })?,
            ),
        };
        let groups = vec![Group {
            sources: identity.clone(),
            period: Some(files.reload_interval).filter(|period| !period.is_zero()),
        }];
        let selection = Selection::of(files);
        let (roots, skip_verify) = (Arc::new(roots), self.insecure_skip_verify);
        let alpn: Vec<Vec<u8>> = alpn.iter().map(|name| name.to_vec()).collect();
        let build = move |contents: &Contents| {
            client_config(&selection, &roots, skip_verify, &identity, &alpn, contents)
        };
        Ok(ClientTls {
            live: Live::new(groups, Box::new(build))?,
            name_override,
        })
    }
}

fn client_config(
    selection: &Selection,
    roots: &Arc<RootCertStore>,
    skip_verify: bool,
    identity: &[Source],
    alpn: &[Vec<u8>],
    contents: &Contents,
) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&selection.provider))
        .with_protocol_versions(&selection.versions)?;
    let builder = if skip_verify {
        let verifier = AnyCertificate(Arc::clone(&selection.provider));
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
    } else {
        builder.with_root_certificates(Arc::clone(roots))
    };
    let mut config = match (identity, &contents[0][..]) {
        ([certificate, key], [certificate_pem, key_pem]) => builder
            .with_client_auth_cert(
                certificate.certificates(certificate_pem)?,
                key.private_key(key_pem)?,
            )
            .map_err(|error| key_error(error, certificate, key))?,
        _ => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.to_vec();
    Ok(config)
}

/// Says which file is wrong.
pub(super) fn key_error(error: rustls::Error, certificate: &Source, key: &Source) -> TlsError {
    match error {
        rustls::Error::InconsistentKeys(_) => TlsError::KeyMismatch {
            certificate: certificate.place(),
            key: key.place(),
        },
        rustls::Error::InvalidCertificate(reason) => TlsError::Content {
            place: certificate.place(),
            reason: format!("holds something else than a certificate: {reason}"),
        },
        // All that is left to go wrong is the key.
        error => {
            let reason = match error {
                rustls::Error::General(reason) => reason,
                error => error.to_string(),
            };
            TlsError::Content {
                place: key.place(),
                reason: format!("holds a private key that cannot be used: {reason}"),
            }
        }
    }
}

impl ClientTls {
    /// Runs the client's side of the handshake with `host`, a DNS name or an IP address, brackets or not.
    ///
    /// # Errors
    ///
    /// What the peer or the network did wrong; certificates that cannot be verified are among it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection.
    pub async fn connect<T: AsyncRead + AsyncWrite + Unpin>(
        &self,
        host: &str,
        stream: T,
    ) -> io::Result<TlsStream<T>> {
        let name = match &self.name_override {
            Some(name) => name.clone(),
            None => {
                let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                ServerName::try_from(bare)
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?
            }
        };
        TlsConnector::from(self.live.current().await)
            .connect(name, stream)
            .await
    }
}

/// Takes every certificate, but not every handshake: the peer must hold the key of the certificate it shows.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
