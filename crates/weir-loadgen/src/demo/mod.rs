//! The self-checking demo: every instrument and aggregation through a gateway and out again, compared.
//!
//! A generator sends over real OTLP/gRPC, a receiver takes remote write on a real socket; whoever calls [`run`] starts
//! the gateway in between, from the two addresses alone. Names are expected as the gateway's default translation makes
//! them (underscores, unit and type suffixes, classic histograms).

mod catalogue;
mod generator;
mod ledger;
mod report;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use crate::send::SendError;
use crate::sink::{Mode, Options as SinkOptions, Sink};
pub use generator::DemoGenerator;
pub use ledger::{Difference, Ledger, Row};
pub use report::{DemoReport, Progress};

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Time for the gateway to accept connections.
const READY_TIME: Duration = Duration::from_secs(15);
/// How often a port or the receiver is looked at while waiting.
const LOOK: Duration = Duration::from_millis(20);
/// The receiver is taken to have all once nothing new came for this long after the gateway stopped.
const QUIET: Duration = Duration::from_millis(500);

/// How long the demo runs and where.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct DemoOptions {
    /// Exports of each instrument, 1 to 100000.
    #[arg(long, default_value_t = 40)]
    pub rounds: u32,
    /// Time between exports.
    #[arg(long, default_value = "250ms", value_parser = crate::duration::parse)]
    pub interval: Duration,
    /// Also send sums and histograms as deltas: for gateways that turn them into cumulative series.
    #[arg(long, hide = true)]
    pub delta: bool,
    /// Keep sending until Ctrl-C instead of ending after the rounds; then compare.
    #[arg(long)]
    pub keep_running: bool,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self {
            rounds: 40,
            interval: Duration::from_millis(250),
            delta: false,
            keep_running: false,
        }
    }
}

/// What the caller needs to start a gateway for the demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoEndpoints {
    /// Address on which the gateway must take OTLP/gRPC.
    pub otlp_grpc: SocketAddr,
    /// URL to which it must send remote write 2.0.
    pub remote_write: String,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// An option is out of bounds.
    #[error("rounds must be 1 to 100000")]
    Rounds,
    /// No socket for the receiver or the gateway.
    #[error("cannot listen on loopback")]
    Listen(#[source] io::Error),
    /// The caller's gateway did not start.
    #[error("the gateway did not start")]
    Start(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The gateway started and does not accept.
    #[error("the gateway does not accept connections on {0}")]
    NotReady(SocketAddr),
    /// The sender's options are out of bounds.
    #[error(transparent)]
    Send(#[from] SendError),
}

/// An embedded receiver of remote write that checks each request against the specification.
#[derive(Debug)]
pub struct DemoReceiver {
    sink: Sink,
}

impl DemoReceiver {
    /// Listens on a free loopback port.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start() -> io::Result<Self> {
        let sink = Sink::start(
            LOOPBACK,
            SinkOptions {
                mode: Mode::Check,
                ..SinkOptions::default()
            },
        )
        .await?;
        Ok(Self { sink })
    }

    /// Returns the URL for remote write.
    pub fn remote_write_url(&self) -> String {
        self.sink.remote_write_url()
    }

    /// Returns the sink behind it.
    pub fn sink(&self) -> &Sink {
        &self.sink
    }

    /// Waits until nothing new has come for `quiet`.
    ///
    /// # Cancel safety
    /// Cancelling only ends the waiting.
    pub async fn settle(&self, quiet: Duration) {
        let (mut seen, mut since) = (self.sink.counts(), Instant::now());
        while since.elapsed() < quiet {
            sleep(LOOK).await;
            let now = self.sink.counts();
            if now != seen {
                (seen, since) = (now, Instant::now());
            }
        }
    }
}

/// Runs the demo: `start` is called once with the addresses and gives, when the gateway is up or coming up, a future
/// that stops the gateway and drains it when awaited. `progress` is called about once a second.
///
/// # Errors
/// Everything that prevents a verdict; what is wrong with the data is in the report instead.
///
/// # Cancel safety
/// Cancelling drops generator and receiver; the gateway is the caller's, and its stop future is dropped unawaited.
pub async fn run<Start, Starting, Stop, StartError>(
    options: &DemoOptions,
    start: Start,
    mut progress: impl FnMut(&Progress),
) -> Result<DemoReport, DemoError>
where
    Start: FnOnce(DemoEndpoints) -> Starting,
    Starting: Future<Output = Result<Stop, StartError>>,
    Stop: Future<Output = ()>,
    StartError: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if !(1..=100_000).contains(&options.rounds) {
        return Err(DemoError::Rounds);
    }
    let receiver = DemoReceiver::start().await.map_err(DemoError::Listen)?;
    let otlp_grpc = free_address().await.map_err(DemoError::Listen)?;
    let endpoints = DemoEndpoints {
        otlp_grpc,
        remote_write: receiver.remote_write_url(),
    };
    let stop = start(endpoints)
        .await
        .map_err(|error| DemoError::Start(error.into()))?;
    wait_until_ready(otlp_grpc).await?;

    let began = Instant::now();
    let mut generator = DemoGenerator::new(otlp_grpc, options.delta)?;
    let mut told = began;
    let mut interrupt = pin!(interrupted(options.keep_running));
    let last = if options.keep_running {
        u32::MAX
    } else {
        options.rounds
    };
    for round in 1..=last {
        generator.export().await;
        let now = Instant::now();
        if now - told >= Duration::from_secs(1) || round == last {
            told = now;
            let rounds = (!options.keep_running).then_some(last);
            progress(&Progress::now(
                round,
                rounds,
                began.elapsed(),
                &generator,
                &receiver,
            ));
        }
        if round < last {
            tokio::select! {
                () = sleep(options.interval) => {}
                () = &mut interrupt => break,
            }
        }
    }
    let sent = generator.close().await;
    stop.await;
    receiver.settle(QUIET).await;
    let report = DemoReport::new(began.elapsed(), &sent, &receiver);
    receiver.sink.stop().await;
    Ok(report)
}

/// Waits for Ctrl-C if the demo is to go on until then.
async fn interrupted(keep_running: bool) {
    // Without signals there is nothing to wait for: the demo then goes on until it is killed.
    if !keep_running || tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

/// Returns a loopback address that was free a moment ago.
async fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind(LOOPBACK).await?.local_addr()
}

/// Polls until the address accepts a connection.
async fn wait_until_ready(address: SocketAddr) -> Result<(), DemoError> {
    let poll = async {
        while TcpStream::connect(address).await.is_err() {
            sleep(LOOK).await;
        }
    };
    timeout(READY_TIME, poll)
        .await
        .map_err(|_| DemoError::NotReady(address))
}
