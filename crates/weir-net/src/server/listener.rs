//! Listening sockets: TCP and Unix.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{
    SocketAddr as UnixAddr, UnixListener as StdUnixListener, UnixStream as StdUnixStream,
};
use std::path::PathBuf;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// Connections that wait to be accepted, at most; the kernel may allow fewer.
const BACKLOG: i32 = 4096;

/// Where a server listens: the keys `endpoint` and `transport`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `host:port` (empty host: all interfaces; port 0: any), or the path of a Unix socket (`@name`: abstract).
    pub address: String,
    /// `tcp`, `tcp4`, `tcp6` or `unix`.
    pub transport: String,
}

/// A server cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {transport} endpoint `{endpoint}`")]
pub struct BindError {
    endpoint: String,
    transport: String,
    source: io::Error,
}

/// The address that a server really listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalAddress {
    /// A TCP address with the port that was given or chosen.
    Tcp(SocketAddr),
    /// The path of a Unix socket, or its abstract name with `@`.
    Unix(String),
}

impl fmt::Display for LocalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => f.write_str(path),
        }
    }
}

/// A listening socket. A Unix socket's file is removed on drop.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix {
        listener: UnixListener,
        /// Held for its drop; none for abstract sockets.
        _file: Option<SocketFile>,
    },
}

/// An accepted connection.
#[derive(Debug)]
pub(super) enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

/// The file of a Unix socket, removed on drop.
#[derive(Debug)]
pub(super) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Gone already, or out of our reach: nothing is left to do about it.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Endpoint {
    /// Resolves and listens.
    pub(super) async fn listen(&self) -> Result<(Listener, LocalAddress), BindError> {
        let listening = match self.transport.as_str() {
            "unix" => self.listen_unix(),
            "tcp" | "tcp4" | "tcp6" => self.listen_tcp().await,
            _ => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "not a stream transport",
            )),
        };
        listening.map_err(|source| BindError {
            endpoint: self.address.clone(),
            transport: self.transport.clone(),
            source,
        })
    }

    async fn listen_tcp(&self) -> io::Result<(Listener, LocalAddress)> {
        let mut failure = io::Error::new(
            io::ErrorKind::AddrNotAvailable,
            "host has no address of this family",
        );
        for address in self.addresses().await? {
            match bind_tcp(address) {
                Ok(listener) => {
                    let local = LocalAddress::Tcp(listener.local_addr()?);
                    return Ok((Listener::Tcp(listener), local));
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Returns the addresses to try, in order: all interfaces for an empty host (IPv6 with IPv4 where possible), else what the host
    /// resolves to, IPv4 first.
    async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let (host, port) = self
            .address
            .rsplit_once(':')
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "missing port: use `host:port`"))?;
        let mut addresses: Vec<SocketAddr> = if host.is_empty() {
            let port = port.parse().map_err(|_| {
                io::Error::new(io::ErrorKind::InvalidInput, format!("`{port}` is not a port"))
            })?;
            vec![
                (Ipv6Addr::UNSPECIFIED, port).into(),
                (Ipv4Addr::UNSPECIFIED, port).into(),
            ]
        } else {
            let mut found: Vec<_> = tokio::net::lookup_host(&self.address).await?.collect();
            found.sort_by_key(SocketAddr::is_ipv6);
            found
        };
        match self.transport.as_str() {
            "tcp4" => addresses.retain(SocketAddr::is_ipv4),
            "tcp6" => addresses.retain(SocketAddr::is_ipv6),
            _ => {}
        }
        Ok(addresses)
    }

    fn listen_unix(&self) -> io::Result<(Listener, LocalAddress)> {
        let local = LocalAddress::Unix(self.address.clone());
        let (listener, file) = if let Some(name) = self.address.strip_prefix('@') {
            (
                StdUnixListener::bind_addr(&UnixAddr::from_abstract_name(name)?)?,
                None,
            )
        } else {
            (
                bind_unix(&self.address)?,
                Some(SocketFile(PathBuf::from(&self.address))),
            )
        };
        listener.set_nonblocking(true)?;
        Ok((
            Listener::Unix {
                listener: UnixListener::from_std(listener)?,
                _file: file,
            },
            local,
        ))
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for connections of the previous process to be forgotten.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}

/// Binds a Unix socket; a file that nobody listens on is left from a process that died and is replaced.
fn bind_unix(path: &str) -> io::Result<StdUnixListener> {
    match StdUnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => match StdUnixStream::connect(path) {
            Err(refused) if refused.kind() == io::ErrorKind::ConnectionRefused => {
                std::fs::remove_file(path)?;
                StdUnixListener::bind(path)
            }
            _ => Err(error),
        },
        bound => bound,
    }
}

impl Listener {
    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Answers are small and must not wait for acknowledgements.
                stream.set_nodelay(true)?;
                Ok(Accepted::Tcp(stream, peer))
            }
            Self::Unix { listener, .. } => Ok(Accepted::Unix(listener.accept().await?.0)),
        }
    }
}
