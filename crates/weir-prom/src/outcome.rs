//! What a receiver's reply to a remote-write request means for the sender.
//!
//! Pure decisions: the exporter hands over status and headers and does what the [`Outcome`] says. Retrying,
//! backing off, splitting and falling back are its business.

use std::time::{Duration, SystemTime};

use crate::Protocol;

/// Response header with the number of samples that were written.
pub const SAMPLES_WRITTEN: &str = "x-prometheus-remote-write-samples-written";
/// Response header with the number of native histograms that were written.
pub const HISTOGRAMS_WRITTEN: &str = "x-prometheus-remote-write-histograms-written";
/// Response header with the number of exemplars that were written.
pub const EXEMPLARS_WRITTEN: &str = "x-prometheus-remote-write-exemplars-written";

/// How many of each kind a request carries, or a receiver wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Float samples.
    pub samples: u64,
    /// Native histograms.
    pub histograms: u64,
    /// Exemplars.
    pub exemplars: u64,
}

impl Counts {
    fn map2(self, other: Self, f: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            samples: f(self.samples, other.samples),
            histograms: f(self.histograms, other.histograms),
            exemplars: f(self.exemplars, other.exemplars),
        }
    }

    /// Returns whether all counts are 0.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Self::default()
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        *self = self.map2(other, u64::saturating_add);
    }
}

/// Reads the three Written headers; `header` looks a lower-case name up. `None` if the receiver sent none of
/// them; a single missing or unreadable one counts as 0.
///
/// Spec: remote write 2.0, "Required Written Response Headers".
pub fn written<'h>(header: impl Fn(&str) -> Option<&'h str>) -> Option<Counts> {
    let read = |name| header(name).map(|text| text.trim().parse().unwrap_or(0));
    let (samples, histograms, exemplars) = (
        read(SAMPLES_WRITTEN),
        read(HISTOGRAMS_WRITTEN),
        read(EXEMPLARS_WRITTEN),
    );
    if samples.is_none() && histograms.is_none() && exemplars.is_none() {
        return None;
    }
    Some(Counts {
        samples: samples.unwrap_or(0),
        histograms: histograms.unwrap_or(0),
        exemplars: exemplars.unwrap_or(0),
    })
}

/// A receiver's reply.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'r> {
    /// HTTP status.
    pub status: u16,
    /// The Written headers, see [`written`].
    pub written: Option<Counts>,
    /// Value of `Retry-After`.
    pub retry_after: Option<&'r str>,
}

/// What to do with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done. `missing` is what the receiver did not write although it reported success; never resend it.
    Delivered {
        /// Sent minus written.
        missing: Counts,
    },
    /// Refused for good; never resend. Part of it may have been stored.
    Rejected {
        /// What the receiver says it wrote.
        delivered: Counts,
        /// The rest.
        rejected: Counts,
    },
    /// Send the same bytes again, not earlier than `after` if the receiver named a time.
    Retry {
        /// Lower bound of the wait.
        after: Option<Duration>,
    },
    /// The request is too large for the receiver: split it and send the parts, or drop it.
    TooLarge,
    /// The receiver does not know this message: encode the batch for the other protocol, or drop it.
    WrongProtocol,
}

/// Decides what a reply means. `sent` is what the request carried; `now` dates an HTTP-date `Retry-After`.
///
/// `retry_429` says whether "too many requests" is retried (it should be) or rejected.
#[must_use]
pub fn judge(
    reply: Reply<'_>,
    sent: Counts,
    protocol: Protocol,
    retry_429: bool,
    now: SystemTime,
) -> Outcome {
    match reply.status {
        // A 1.x receiver reads a 2.0 message as an empty one, says 2xx and reports nothing.
        // Spec: remote write 2.0, "Required Written Response Headers".
        200..=299 if protocol == Protocol::V2 && reply.written.is_none() => Outcome::WrongProtocol,
        200..=299 => {
            let done = if protocol == Protocol::V2 {
                reply.written.unwrap_or(sent)
            } else {
                sent
            };
            Outcome::Delivered {
                missing: sent.map2(done, u64::saturating_sub),
            }
        }
        415 => Outcome::WrongProtocol,
        413 => Outcome::TooLarge,
        429 if retry_429 => Outcome::Retry {
            after: retry_after(reply.retry_after, now),
        },
        500..=599 => Outcome::Retry {
            after: retry_after(reply.retry_after, now),
        },
        _ => {
            let delivered = reply.written.unwrap_or_default().map2(sent, u64::min);
            Outcome::Rejected {
                delivered,
                rejected: sent.map2(delivered, u64::saturating_sub),
            }
        }
    }
}

/// What a failed connection or a time-out means: the request may or may not have arrived, so send it again.
#[must_use]
pub fn network_failure() -> Outcome {
    Outcome::Retry { after: None }
}

/// Seconds or an HTTP date; nothing for a date in the past or for text that is neither.
fn retry_after(text: Option<&str>, now: SystemTime) -> Option<Duration> {
    let text = text?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    httpdate::parse_http_date(text)
        .ok()?
        .duration_since(now)
        .ok()
        .filter(|wait| !wait.is_zero())
}
