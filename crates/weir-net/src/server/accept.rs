//! The accept loop and the life of a server.

use std::io;
use std::time::{Duration, Instant};

use weir_component::{Sockets, StartError};

use super::HttpService;
use super::connection::{self, ConnectionInfo, Lifecycle, PeerIdentity, Settings};
use super::listener::{Accepted, BindError, Endpoint, Listener, LocalAddress};
use super::shared::SharedService;
use crate::io::Io;
use crate::tls::{ServerTls, TlsError};

/// Time that a client has for its side of the TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause after a failed accept: usually the process is out of file descriptors, and trying at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The socket.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The TLS section.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An authenticator or a middleware.
    #[error(transparent)]
    Authenticator(#[from] StartError),
}

/// A server that is bound but does not accept yet.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    local: LocalAddress,
    tls: Option<ServerTls>,
    settings: Settings,
}

impl Server {
    pub(super) async fn bind(
        endpoint: &Endpoint,
        tls: Option<ServerTls>,
        settings: Settings,
        sockets: &Sockets,
    ) -> Result<Self, ServerError> {
        let (listener, local) = endpoint.listen(sockets).await?;
        Ok(Self {
            listener,
            local,
            tls,
            settings,
        })
    }

    /// Returns the address that the server listens on, with the port that was chosen if the configuration says 0.
    pub const fn local_address(&self) -> &LocalAddress {
        &self.local
    }

    /// Accepts connections and serves them until [`Running::shutdown`]. Must be called within a tokio runtime.
    pub fn start<S: HttpService>(self, service: S) -> Running {
        let lifecycle = Lifecycle::default();
        let running = Running {
            local: self.local.clone(),
            lifecycle: lifecycle.clone(),
        };
        let service = SharedService::new(service);
        lifecycle.tasks.clone().spawn(async move {
            // Returning drops the listener: from then on connections are refused.
            tokio::select! {
                () = lifecycle.drain.cancelled() => {}
                () = self.accept(service, &lifecycle) => {}
            }
        });
        running
    }

    async fn accept(&self, service: SharedService, lifecycle: &Lifecycle) {
        loop {
            let accepted = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) if is_of_the_connection(&error) => continue,
                Err(error) => {
                    tracing::warn!(%error, endpoint = %self.local, "cannot accept connections");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let (tls, settings) = (self.tls.clone(), self.settings.clone());
            let (service, tasks) = (service.clone(), lifecycle.clone());
            lifecycle.tasks.spawn(async move {
                match accepted {
                    Accepted::Tcp(stream, peer) => {
                        let info = ConnectionInfo {
                            peer: Some(peer),
                            tls: None,
                        };
                        handshake(Box::new(stream), info, tls, service, &settings, &tasks).await;
                    }
                    Accepted::Unix(stream) => {
                        let info = ConnectionInfo::default();
                        handshake(Box::new(stream), info, tls, service, &settings, &tasks).await;
                    }
                }
            });
        }
    }
}

/// Returns true if an accept failed because of the one connection, which is gone now.
fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput, NotConnected};
    matches!(
        error.kind(),
        ConnectionRefused | ConnectionAborted | ConnectionReset | NotConnected | InvalidInput
    )
}

/// Runs the TLS handshake if there is one, then the connection.
async fn handshake(
    stream: Box<dyn Io>,
    mut info: ConnectionInfo,
    tls: Option<ServerTls>,
    service: SharedService,
    settings: &Settings,
    lifecycle: &Lifecycle,
) {
    let Some(tls) = tls else {
        return connection::serve(stream, info, service, settings, lifecycle).await;
    };
    let accepted = tokio::select! {
        () = async {
            lifecycle.drain.cancelled().await;
            tokio::time::sleep(connection::NEW_GRACE).await;
        } => return,
        accepted = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)) => accepted,
    };
    match accepted {
        Ok(Ok(stream)) => {
            let session = stream.get_ref().1;
            let certificates = session.peer_certificates().unwrap_or_default();
            info.tls = Some(PeerIdentity {
                certificates: certificates
                    .iter()
                    .map(|certificate| certificate.clone().into_owned())
                    .collect(),
                server_name: session.server_name().map(str::to_owned),
            });
            connection::serve(Box::new(stream), info, service, settings, lifecycle).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, peer = ?info.peer, "TLS handshake failed"),
        Err(_) => tracing::debug!(peer = ?info.peer, "TLS handshake timed out"),
    }
}

/// A server at work. Dropping it leaves the server running: call [`shutdown`](Self::shutdown).
#[derive(Debug)]
pub struct Running {
    local: LocalAddress,
    lifecycle: Lifecycle,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Tasks (connections, and the requests of HTTP/2 connections) that were cut at the deadline; 0 for a clean end.
    pub cut: usize,
}

impl Running {
    /// Returns the address that the server listens on.
    pub const fn local_address(&self) -> &LocalAddress {
        &self.local
    }

    /// Stops accepting, lets requests in flight finish and closes connections; at `deadline` the rest is cut.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the server draining without a deadline.
    pub async fn shutdown(&self, deadline: Instant) -> Drained {
        self.lifecycle.drain.cancel();
        self.lifecycle.tasks.close();
        if tokio::time::timeout_at(deadline.into(), self.lifecycle.tasks.wait())
            .await
            .is_ok()
        {
            return Drained { cut: 0 };
        }
        let cut = self.lifecycle.tasks.len();
        self.lifecycle.cut.cancel();
        self.lifecycle.tasks.wait().await;
        Drained { cut }
    }
}
