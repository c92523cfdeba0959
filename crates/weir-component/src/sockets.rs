//! Listening sockets, kept open while one graph takes over from another.
//!
//! A server that goes away would close its port until its successor opens it again, and every client that comes in between
//! would be refused. So servers make their sockets known to the [`Sockets`] of their [`Host`](crate::Host). While a
//! [`Keeping`] lives, all of them stay open: the kernel queues connections, and the next server on the same address takes
//! the socket over with whoever waits in it. Outside of that a socket lives as long as its server.
//!
//! This module knows the sockets of the standard library only. Whoever serves makes them sockets of an async runtime.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// What a socket listens on, as it was asked for: port 0 stays 0, whatever the system chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketName {
    /// A TCP address.
    Tcp(SocketAddr),
    /// The path of a Unix socket, or its abstract name with `@`.
    Unix(String),
}

/// A listening socket. The file of a Unix socket is removed on drop.
#[derive(Debug)]
pub enum ListeningSocket {
    /// TCP.
    Tcp(TcpListener),
    /// Unix.
    Unix {
        /// The socket.
        listener: UnixListener,
        /// Its file; none for abstract names.
        file: Option<PathBuf>,
    },
}

impl ListeningSocket {
    /// Returns the address that the system gave, of TCP sockets.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn tcp_address(&self) -> io::Result<Option<SocketAddr>> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Some),
            Self::Unix { .. } => Ok(None),
        }
    }
}

impl Drop for ListeningSocket {
    fn drop(&mut self) {
        if let Self::Unix { file: Some(file), .. } = self {
            // Gone already, or out of our reach: nothing is left to do about it.
            let _ = std::fs::remove_file(file);
        }
    }
}

/// The listening sockets of a process. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Sockets {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// In the order in which they were opened. As many as there are servers: those that are gone leave with the next one.
    open: Vec<(SocketName, Weak<ListeningSocket>)>,
    /// Empty unless a [`Keeping`] lives.
    kept: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    name: SocketName,
    socket: Arc<ListeningSocket>,
    /// A server of the new graph has it.
    taken: bool,
}

/// Keeps all sockets of a [`Sockets`] open that were open when it was made. On drop, those that nobody took over close.
#[derive(Debug)]
#[must_use = "sockets are kept until this is dropped"]
pub struct Keeping {
    sockets: Sockets,
}

impl Sockets {
    /// Begins to keep. One at a time: a second one that begins while the first lives ends it.
    pub fn keep(&self) -> Keeping {
        let mut shared = self.lock();
        let open = shared.open.iter();
        shared.kept = open
            .filter_map(|(name, socket)| {
                Some(Kept {
                    name: name.clone(),
                    socket: socket.upgrade()?,
                    taken: false,
                })
            })
            .collect();
        Keeping {
            sockets: self.clone(),
        }
    }

    /// Takes over the socket of this name if it is kept. Of several with one name (port 0), the one that was opened first.
    pub fn take(&self, name: &SocketName) -> Option<Arc<ListeningSocket>> {
        let mut shared = self.lock();
        let mut kept = shared.kept.iter_mut();
        let found = kept.find(|kept| !kept.taken && kept.name == *name)?;
        found.taken = true;
        Some(Arc::clone(&found.socket))
    }

    /// Makes a socket known. It stays the caller's: whoever holds the `Arc` listens.
    pub fn add(&self, name: SocketName, socket: &Arc<ListeningSocket>) {
        let mut shared = self.lock();
        shared
            .open
            .retain(|(_, other)| other.upgrade().is_some_and(|other| !Arc::ptr_eq(&other, socket)));
        shared.open.push((name, Arc::downgrade(socket)));
    }

    /// Lets go of kept sockets that nobody took and that stand in the way of `name`: the same port on other interfaces.
    /// Returns true if there were any.
    pub fn make_way_for(&self, name: &SocketName) -> bool {
        let SocketName::Tcp(address) = name else {
            return false;
        };
        let mut shared = self.lock();
        let before = shared.kept.len();
        shared.kept.retain(|kept| {
            let port = kept.socket.tcp_address().ok().flatten().map(|other| other.port());
            kept.taken || port != Some(address.port())
        });
        shared.kept.len() < before
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeping {
    /// Offers all kept sockets again, also those that were taken over: for a graph that takes the place of one that did not
    /// start.
    pub fn offer_again(&self) {
        let mut shared = self.sockets.lock();
        shared.kept.iter_mut().for_each(|kept| kept.taken = false);
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        let kept = std::mem::take(&mut self.sockets.lock().kept);
        drop(kept);
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    fn listen(sockets: &Sockets, name: &SocketName) -> (Arc<ListeningSocket>, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let socket = Arc::new(ListeningSocket::Tcp(listener));
        sockets.add(name.clone(), &socket);
        (socket, address)
    }

    fn any_port() -> SocketName {
        SocketName::Tcp(([127, 0, 0, 1], 0).into())
    }

    #[test]
    fn a_kept_socket_outlives_its_server_and_is_taken_once() {
        let sockets = Sockets::default();
        let (first, address) = listen(&sockets, &any_port());
        assert!(
            sockets.take(&any_port()).is_none(),
            "its server lives, and nobody keeps"
        );
        let keeping = sockets.keep();
        drop(first);
        TcpStream::connect(address).expect("queued by the kernel");
        let taken = sockets.take(&any_port()).expect("kept");
        assert_eq!(taken.tcp_address().unwrap(), Some(address));
        assert!(sockets.take(&any_port()).is_none(), "taken");
        drop(keeping);
        TcpStream::connect(address).expect("its new server holds it");
        drop(taken);
        TcpStream::connect(address).expect_err("nobody holds it");
    }

    #[test]
    fn what_nobody_takes_closes_with_the_keeping() {
        let sockets = Sockets::default();
        let (first, address) = listen(&sockets, &any_port());
        let keeping = sockets.keep();
        drop((first, keeping));
        TcpStream::connect(address).expect_err("closed");
        assert!(sockets.take(&any_port()).is_none());
    }

    #[test]
    fn sockets_of_one_name_are_taken_in_the_order_of_opening_each_time() {
        let sockets = Sockets::default();
        let mut held: Vec<_> = (0..3).map(|_| listen(&sockets, &any_port())).collect();
        let order: Vec<_> = held.iter().map(|(_, address)| *address).collect();
        for _ in 0..2 {
            let keeping = sockets.keep();
            held.clear();
            for address in &order {
                let socket = sockets.take(&any_port()).expect("kept");
                sockets.add(any_port(), &socket);
                assert_eq!(socket.tcp_address().unwrap().as_ref(), Some(address));
                held.push((socket, *address));
            }
            drop(keeping);
        }
    }

    #[test]
    fn what_a_failed_graph_took_is_offered_again() {
        let sockets = Sockets::default();
        let (first, _) = listen(&sockets, &any_port());
        let keeping = sockets.keep();
        drop((first, sockets.take(&any_port())));
        assert!(sockets.take(&any_port()).is_none());
        keeping.offer_again();
        assert!(sockets.take(&any_port()).is_some());
    }

    #[test]
    fn a_kept_socket_makes_way_for_its_port_on_another_interface() {
        let sockets = Sockets::default();
        let (first, address) = listen(&sockets, &any_port());
        let _keeping = sockets.keep();
        let wide = SocketName::Tcp(([0, 0, 0, 0], address.port()).into());
        assert!(sockets.take(&wide).is_none());
        drop(first);
        assert!(sockets.make_way_for(&wide));
        TcpListener::bind(address).expect("closed");
        assert!(!sockets.make_way_for(&wide), "nothing is left");
    }

    #[test]
    fn the_file_of_a_unix_socket_leaves_with_its_last_holder() {
        let folder = std::env::temp_dir().join(format!("weir-sockets-{}", std::process::id()));
        let socket = Arc::new(ListeningSocket::Unix {
            listener: UnixListener::bind(&folder).unwrap(),
            file: Some(folder.clone()),
        });
        let (sockets, name) = (Sockets::default(), SocketName::Unix("x".to_owned()));
        sockets.add(name.clone(), &socket);
        let keeping = sockets.keep();
        drop(socket);
        assert!(folder.exists());
        let taken = sockets.take(&name).expect("kept");
        drop(keeping);
        assert!(folder.exists());
        drop(taken);
        assert!(!folder.exists());
    }
}
