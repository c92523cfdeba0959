//! What became of every data point of a delivery.

use std::collections::BTreeMap;

use weir_component::{ConsumeError, Refusal};
use weir_prom::{DropUnit, Drops};

/// Reasons for which this exporter drops data points, beside those of the translation
/// ([`DropReason`](weir_prom::DropReason)).
pub mod reason {
    pub use weir_export::reason::{REJECTED, RETRIES_EXHAUSTED, SHUTDOWN};

    /// The receiver answered 400: it found fault with the data.
    pub const BAD_REQUEST: &str = "bad_request";
    /// The receiver answered 401 or 403.
    pub const UNAUTHORIZED: &str = "unauthorized";
    /// The receiver answered 404: the URL is wrong, or remote write is off.
    pub const NOT_FOUND: &str = "not_found";
    /// The receiver answered 429, and `retry_on_http_429` is off.
    pub const TOO_MANY_REQUESTS: &str = "too_many_requests";
    /// The receiver answered 413 to a request that cannot be cut any further.
    pub const TOO_LARGE: &str = "too_large";
    /// The receiver knows no version of the protocol that may be sent.
    pub const UNKNOWN_PROTOCOL: &str = "unknown_protocol";
}

/// Data points by what became of them.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Taken by the receiver.
    pub(crate) delivered: u64,
    /// Lost, by reason.
    pub(crate) refused: BTreeMap<&'static str, u64>,
    /// Not taken by a receiver that does not know the version of the protocol.
    pub(crate) wrong_protocol: u64,
    /// Not taken for now, after all retries.
    failed: u64,
    /// Why.
    error: Option<ConsumeError>,
}

impl Tally {
    /// Counts points that are lost.
    pub(crate) fn refuse(&mut self, reason: &'static str, points: u64) {
        if points > 0 {
            *self.refused.entry(reason).or_default() += points;
        }
    }

    /// Counts points that could not be delivered for now.
    pub(crate) fn fail(&mut self, points: u64, error: ConsumeError) {
        self.failed += points;
        self.error = Some(error);
    }

    /// Adds what became of other points of the same delivery.
    pub(crate) fn add(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.wrong_protocol += other.wrong_protocol;
        self.failed += other.failed;
        self.error = other.error.or(self.error.take());
        for (reason, points) in other.refused {
            self.refuse(reason, points);
        }
    }

    /// Adds what the translation left out.
    pub(crate) fn add_drops(&mut self, drops: &Drops) {
        for (reason, count) in drops
            .iter()
            .filter(|(reason, _)| reason.unit() == DropUnit::Points)
        {
            self.refuse(reason.as_str(), count);
        }
    }

    /// Returns the answer for the whole batch.
    ///
    /// A caller that still has the batch (`caller_keeps`) is asked to send all of it again if any of it failed for now: sending
    /// twice does less harm than losing. Otherwise what failed is lost, for `failure`.
    pub(crate) fn answer(mut self, caller_keeps: bool, failure: &'static str) -> Result<(), ConsumeError> {
        if let Some(error) = self.error.take() {
            if caller_keeps {
                return Err(error);
            }
            self.refuse(failure, self.failed);
            return Err(self.partial().caused_by(error));
        }
        if self.refused.is_empty() {
            Ok(())
        } else {
            Err(self.partial())
        }
    }

    fn partial(&self) -> ConsumeError {
        let reasons: Vec<String> = self
            .refused
            .iter()
            .map(|(reason, points)| format!("{reason} {points}"))
            .collect();
        let lost: u64 = self.refused.values().sum();
        let refusals = self
            .refused
            .iter()
            .map(|(&reason, &items)| Refusal { reason, items })
            .collect();
        ConsumeError::partial(
            refusals,
            format!("{lost} data points not delivered ({})", reasons.join(", ")),
        )
    }
}

#[cfg(test)]
mod tests {
    use weir_component::Extent;

    use super::*;

    fn tally(delivered: u64, refused: u64, failed: u64) -> Tally {
        let mut tally = Tally {
            delivered,
            ..Tally::default()
        };
        tally.refuse(reason::BAD_REQUEST, refused);
        if failed > 0 {
            tally.fail(failed, ConsumeError::unavailable("down"));
        }
        tally
    }

    #[test]
    fn what_was_delivered_or_lost_for_good_is_the_same_answer_for_all() {
        for caller_keeps in [true, false] {
            assert!(tally(3, 0, 0).answer(caller_keeps, reason::SHUTDOWN).is_ok());
            let error = tally(3, 2, 0).answer(caller_keeps, reason::SHUTDOWN).unwrap_err();
            assert_eq!(error.to_string(), "2 data points not delivered (bad_request 2)");
            assert_eq!(
                error.extent(),
                &Extent::Part(vec![Refusal {
                    reason: "bad_request",
                    items: 2
                }])
            );
        }
    }

    #[test]
    fn what_failed_for_now_goes_back_to_who_has_it() {
        let error = tally(3, 2, 1)
            .answer(true, reason::RETRIES_EXHAUSTED)
            .unwrap_err();
        assert!(error.is_retryable() && !error.is_partial());
        let error = tally(3, 2, 1)
            .answer(false, reason::RETRIES_EXHAUSTED)
            .unwrap_err();
        assert_eq!(error.refused_items(6), 3);
        assert_eq!(
            error.to_string(),
            "3 data points not delivered (bad_request 2, retries_exhausted 1)"
        );
    }
}
