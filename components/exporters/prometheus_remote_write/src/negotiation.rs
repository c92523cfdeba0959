//! Which version of the protocol the receiver gets.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use weir_prom::Protocol;

/// Time after which a receiver that did not know remote write 2.0 is asked again: it may have been upgraded.
const ASK_AGAIN: Duration = Duration::from_secs(3600);

/// The wanted version, and whether the receiver is known not to know it.
#[derive(Debug)]
pub(crate) struct Negotiation {
    wanted: Protocol,
    fallback: bool,
    /// Until when the receiver gets remote write 1.0 in place of 2.0.
    old_until: Mutex<Option<Instant>>,
}

impl Negotiation {
    /// Begins with `wanted`; `fallback` says whether another version may take its place.
    pub(crate) const fn new(wanted: Protocol, fallback: bool) -> Self {
        Self {
            wanted,
            fallback,
            old_until: Mutex::new(None),
        }
    }

    /// Returns the version for the next batch.
    pub(crate) fn current(&self) -> Protocol {
        let mut old_until = self.old_until.lock().unwrap_or_else(PoisonError::into_inner);
        match *old_until {
            Some(until) if Instant::now() < until => Protocol::V1,
            _ => {
                *old_until = None;
                self.wanted
            }
        }
    }

    /// Learns that the receiver does not know a version. Returns the one to send instead, if there is one.
    ///
    /// Spec: remote write 2.0, "Content negotiation" (415: the sender may retry with the other message). There is no way up:
    /// who wants 1.0 has a reason.
    pub(crate) fn refused(&self, refused: Protocol) -> Option<Protocol> {
        if refused == Protocol::V1 || !self.fallback {
            return None;
        }
        *self.old_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + ASK_AGAIN);
        Some(Protocol::V1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_receiver_is_asked_again_after_an_hour() {
        let negotiation = Negotiation::new(Protocol::V2, true);
        assert_eq!(negotiation.current(), Protocol::V2);
        assert_eq!(negotiation.refused(Protocol::V2), Some(Protocol::V1));
        tokio::time::advance(ASK_AGAIN - Duration::from_secs(1)).await;
        assert_eq!(negotiation.current(), Protocol::V1);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(negotiation.current(), Protocol::V2);
    }

    #[tokio::test]
    async fn there_is_no_way_up_and_no_way_when_it_is_off() {
        assert_eq!(Negotiation::new(Protocol::V1, true).refused(Protocol::V1), None);
        assert_eq!(Negotiation::new(Protocol::V2, false).refused(Protocol::V2), None);
    }
}
