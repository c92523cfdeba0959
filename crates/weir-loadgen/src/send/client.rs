//! A request seen through to its end: attempts, pauses, books.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::transport::{Answer, Channel, Drivers};
use super::{Meter, Options, SendError};
use crate::count::Signal;
use crate::workload::Request;

/// First pause between two attempts; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that a gateway can ask for.
const LONGEST_WANTED_PAUSE: Duration = Duration::from_secs(30);

/// Sends requests over one connection and keeps the books. Clones share both.
#[derive(Clone)]
pub struct Client {
    pub(super) channel: Channel,
    pub(super) options: Arc<Options>,
    pub(super) meter: Arc<Meter>,
}

impl Client {
    /// Returns a client for metrics of `endpoint` (`host:port`) with a connection and books of its own. Connects when first used.
    ///
    /// # Errors
    /// [`SendError::Options`] when an option is out of bounds.
    pub fn new(options: Options, endpoint: &str) -> Result<Self, SendError> {
        options.validate()?;
        let channel = Channel::new(&options, Signal::Metrics, endpoint, Arc::new(Drivers::default()));
        Ok(Self {
            channel,
            options: Arc::new(options),
            meter: Arc::default(),
        })
    }

    /// Returns the books.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Sends a request that was due at `due`; tries again as the options allow. The outcome is in the books.
    ///
    /// # Cancel safety
    /// Cancelling leaves the request neither acknowledged nor refused.
    pub async fn deliver(&self, request: &Request, due: Instant) {
        self.meter.begin(request.points);
        let body = match self.channel.encode(request, self.options.compression) {
            Ok(body) => body,
            Err(error) => {
                self.meter.fail(format!("cannot compress: {error}"));
                return self.meter.end(0, request.points, None);
            }
        };
        let mut pause = FIRST_PAUSE;
        for attempt in 1..=self.options.attempts {
            self.meter.attempt(attempt > 1, body.len());
            let sending = self.channel.send(body.clone(), self.options.compression);
            let answer = timeout(self.options.timeout, sending)
                .await
                .unwrap_or_else(|_| Answer::Retry {
                    cause: "no answer in time".to_owned(),
                    after: None,
                });
            match answer {
                Answer::Accepted { rejected } => {
                    let rejected = rejected.min(request.points);
                    if rejected > 0 {
                        self.meter.fail("partial success".to_owned());
                    }
                    return self
                        .meter
                        .end(request.points - rejected, rejected, Some(due.elapsed()));
                }
                Answer::Refused { cause } => {
                    self.meter.fail(cause);
                    break;
                }
                Answer::Retry { cause, after } => {
                    self.meter.fail(cause);
                    if attempt < self.options.attempts {
                        sleep(after.unwrap_or(pause).min(LONGEST_WANTED_PAUSE)).await;
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
            }
        }
        self.meter.end(0, request.points, None);
    }

    /// Closes the connection and waits for its task.
    ///
    /// # Cancel safety
    /// Cancelling leaves the connection closing without being waited for.
    pub async fn close(&self) {
        self.channel.close().await;
    }
}
