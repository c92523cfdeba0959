//! Signals of the process.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// A second request to stop came while the first was being served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Impatient;

/// SIGINT, SIGTERM and SIGHUP, caught from the moment this exists.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    /// Requests to stop so far.
    stops: u32,
}

impl Signals {
    /// Starts to catch. Must be called within a tokio runtime.
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            stops: 0,
        })
    }

    /// Waits until the process was asked to stop; returns at once if it was before.
    pub(crate) async fn stop_requested(&mut self) {
        while self.stops == 0 {
            self.next().await;
        }
    }

    /// Waits for `work`, but not longer than a second request to stop.
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
                tracing::warn!("SIGHUP ignored: reloading the configuration is not supported yet");
            }
        }
    }

    fn stop(&mut self, signal: &str) {
        self.stops += 1;
        tracing::info!(signal, "received signal from OS");
    }
}
