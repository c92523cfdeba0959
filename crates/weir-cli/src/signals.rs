//! Signals of the process.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A second request to stop came while the first was being served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Impatient;

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// SIGINT or SIGTERM.
    Stop,
    /// SIGHUP.
    Reload,
}

/// SIGINT, SIGTERM and SIGHUP, caught from the moment this exists.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    /// Requests to stop so far.
    stops: u32,
    /// Cancelled by the first of them.
    stopping: CancellationToken,
    /// A reload was asked for and has not begun. Several requests are one.
    reload: bool,
}

impl Signals {
    /// Starts to catch. Must be called within a tokio runtime.
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            stops: 0,
            stopping: CancellationToken::new(),
            reload: false,
        })
    }

    /// Waits until the process is asked for something; returns at once if it was before. A request to stop comes first.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub(crate) async fn request(&mut self) -> Request {
        loop {
            if self.stops > 0 {
                return Request::Stop;
            }
            if std::mem::take(&mut self.reload) {
                return Request::Reload;
            }
            self.next().await;
        }
    }

    /// Returns what is cancelled by the first request to stop.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Waits for `work`, but not longer than a second request to stop. Other requests are remembered.
    pub(crate) async fn unless_pressed<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Impatient> {
        tokio::select! {
            result = work => Ok(result),
            () = async { while self.stops < 2 { self.next().await } } => Err(Impatient),
        }
    }

    /// Takes the next signal.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => self.stop("SIGINT"),
            _ = self.terminate.recv() => self.stop("SIGTERM"),
            _ = self.hang_up.recv() => {
                tracing::info!(signal = "SIGHUP", "received signal from OS");
                self.reload = true;
            }
        }
    }

    fn stop(&mut self, signal: &str) {
        self.stops += 1;
        self.stopping.cancel();
        tracing::info!(signal, "received signal from OS");
    }
}
