//! Listening sockets: TCP and Unix. They are opened here, or taken over from the server that had them before a reload.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{
    SocketAddr as UnixAddr, UnixListener as StdUnixListener, UnixStream as StdUnixStream,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use weir_component::{ListeningSocket, SocketName, Sockets};

/// Connections that wait to be accepted, at most; the kernel may allow fewer.
const BACKLOG: i32 = 4096;

/// The kernel asks after 15 s of silence whether a client is there, and gives it up with the ninth question without an answer.
const KEEP_ALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(15))
    .with_interval(Duration::from_secs(15))
    .with_retries(9);

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

/// A socket that is listened on.
#[derive(Debug)]
pub(super) struct Listener {
    accepting: Accepting,
    /// What keeps the socket among those of the process, so that the server after this one may take it over.
    _socket: Arc<ListeningSocket>,
}

/// The socket as one of the async runtime.
#[derive(Debug)]
enum Accepting {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// An accepted connection.
#[derive(Debug)]
pub(super) enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Endpoint {
    /// Resolves and listens: on the socket of a server before, if `sockets` keeps one, else on a new one.
    pub(super) async fn listen(&self, sockets: &Sockets) -> Result<(Listener, LocalAddress), BindError> {
        let listening = match self.transport.as_str() {
            "unix" => self.listen_unix(sockets),
            "tcp" | "tcp4" | "tcp6" => self.listen_tcp(sockets).await,
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

    async fn listen_tcp(&self, sockets: &Sockets) -> io::Result<(Listener, LocalAddress)> {
        let mut failure = io::Error::new(
            io::ErrorKind::AddrNotAvailable,
            "host has no address of this family",
        );
        for address in self.addresses().await? {
            match Listener::open(sockets, SocketName::Tcp(address), || bind_tcp(address)) {
                Ok(listener) => return Ok(listener),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn listen_unix(&self, sockets: &Sockets) -> io::Result<(Listener, LocalAddress)> {
        let name = SocketName::Unix(self.address.clone());
        Listener::open(sockets, name, || match self.address.strip_prefix('@') {
            Some(name) => {
                let listener = StdUnixListener::bind_addr(&UnixAddr::from_abstract_name(name)?)?;
                listener.set_nonblocking(true)?;
                Ok(ListeningSocket::Unix { listener, file: None })
            }
            None => {
                let listener = bind_unix(&self.address)?;
                listener.set_nonblocking(true)?;
                Ok(ListeningSocket::Unix {
                    listener,
                    file: Some(PathBuf::from(&self.address)),
                })
            }
        })
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
}

fn bind_tcp(address: SocketAddr) -> io::Result<ListeningSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for connections of the previous process to be forgotten.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(ListeningSocket::Tcp(socket.into()))
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
    /// Takes over the socket of this name if it is kept, else opens it; listens.
    fn open(
        sockets: &Sockets,
        name: SocketName,
        bind: impl Fn() -> io::Result<ListeningSocket>,
    ) -> io::Result<(Self, LocalAddress)> {
        let socket = match sockets.take(&name) {
            Some(kept) => kept,
            None => Arc::new(match bind() {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && sockets.make_way_for(&name) => {
                    bind()?
                }
                bound => bound?,
            }),
        };
        let local = match &name {
            SocketName::Unix(path) => LocalAddress::Unix(path.clone()),
            SocketName::Tcp(address) => LocalAddress::Tcp(socket.tcp_address()?.unwrap_or(*address)),
        };
        // A second handle of the same socket: whoever waits to be accepted waits for both.
        let accepting = match &*socket {
            ListeningSocket::Tcp(listener) => Accepting::Tcp(TcpListener::from_std(listener.try_clone()?)?),
            ListeningSocket::Unix { listener, .. } => {
                Accepting::Unix(UnixListener::from_std(listener.try_clone()?)?)
            }
        };
        sockets.add(name, &socket);
        let listener = Self {
            accepting,
            _socket: socket,
        };
        Ok((listener, local))
    }

    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match &self.accepting {
            Accepting::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Answers are small and must not wait for acknowledgements.
                stream.set_nodelay(true)?;
                SockRef::from(&stream).set_tcp_keepalive(&KEEP_ALIVE)?;
                Ok(Accepted::Tcp(stream, peer))
            }
            Accepting::Unix(listener) => Ok(Accepted::Unix(listener.accept().await?.0)),
        }
    }
}
