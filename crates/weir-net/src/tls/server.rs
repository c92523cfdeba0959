//! TLS of a server.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::live::{Contents, Group, Live};
use super::material::Source;
use super::provider::Selection;
use super::{TlsError, TlsServer};

/// How often `client_ca_file` is looked at, at most.
const CLIENT_CA_PERIOD: Duration = Duration::from_secs(1);

/// Accepts TLS connections as a [`TlsServer`] section says. Cloning shares it.
#[derive(Debug, Clone)]
pub struct ServerTls(Live<ServerConfig>);

impl TlsServer {
    /// Reads the files and sets up TLS that offers the protocols `alpn`, first choice first. Blocks on the file system.
    ///
    /// # Errors
    ///
    /// See [`TlsError`]: a file cannot be read, does not hold what it should, or key and certificate do not fit.
    pub fn build(&self, alpn: &[&[u8]]) -> Result<ServerTls, TlsError> {
        let files = &self.files;
        let identity: Vec<Source> = Source::certificate(files)
            .into_iter()
            .chain(Source::key(files))
            .collect();
        let client_ca = Source::of(("client_ca_file", ""), &self.client_ca_file, &Default::default());
        if let Some(authority) = Source::authority(files) {
            authority.certificates(&authority.read()?)?;
            if client_ca.is_none() {
                tracing::warn!(
                    "tls::ca_file does not make a server verify its clients: set tls::client_ca_file for that"
                );
            }
        }
        let groups = vec![
            Group {
                sources: identity.clone(),
                period: Some(files.reload_interval).filter(|period| !period.is_zero()),
            },
            Group {
                sources: client_ca.iter().cloned().collect(),
                period: self.client_ca_file_reload.then_some(CLIENT_CA_PERIOD),
            },
        ];
        let selection = Selection::of(files);
        let alpn: Vec<Vec<u8>> = alpn.iter().map(|name| name.to_vec()).collect();
        let build = move |contents: &Contents| {
            server_config(&selection, &identity, client_ca.as_ref(), &alpn, contents)
        };
        Live::new(groups, Box::new(build)).map(ServerTls)
    }
}

fn server_config(
    selection: &Selection,
    identity: &[Source],
    client_ca: Option<&Source>,
    alpn: &[Vec<u8>],
    contents: &Contents,
) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(Arc::clone(&selection.provider))
        .with_protocol_versions(&selection.versions)?;
    let builder = match (client_ca, contents[1].first()) {
        (Some(source), Some(pem)) => {
            let mut roots = RootCertStore::empty();
            source.add_to(pem, &mut roots)?;
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&selection.provider))
                    .build()
                    .map_err(|error| rustls::Error::General(error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
        _ => builder.with_no_client_auth(),
    };
    let ([certificate, key], [certificate_pem, key_pem]) = (identity, &contents[0][..]) else {
        return Err(TlsError::Content {
            place: "tls".to_owned(),
            reason: "needs a certificate and a key".to_owned(),
        });
    };
    let mut config = builder
        .with_single_cert(
            certificate.certificates(certificate_pem)?,
            key.private_key(key_pem)?,
        )
        .map_err(|error| super::client::key_error(error, certificate, key))?;
    config.alpn_protocols = alpn.to_vec();
    Ok(config)
}

impl ServerTls {
    /// Runs the server's side of the handshake.
    ///
    /// # Errors
    ///
    /// What the peer or the network did wrong.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection.
    pub async fn accept<T: AsyncRead + AsyncWrite + Unpin>(&self, stream: T) -> io::Result<TlsStream<T>> {
        TlsAcceptor::from(self.0.current().await).accept(stream).await
    }
}
