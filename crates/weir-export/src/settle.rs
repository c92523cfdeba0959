//! What an answer means for the books.

use weir_component::{Book, ConsumeError, Extent, Refusal};

use crate::{Closing, ExporterMetrics};

/// Reasons for which this crate gives up items.
pub mod reason {
    /// The time to stop ran out before the items could be delivered.
    pub const SHUTDOWN: &str = "shutdown";
    /// The destination could not take the items within `max_elapsed_time`, or retries are off.
    pub const RETRIES_EXHAUSTED: &str = "retries_exhausted";
    /// The destination refused the items for good.
    pub const REJECTED: &str = "rejected";
    /// The destination took the request but not these items.
    pub const PARTIAL_SUCCESS: &str = "partial_success";
    /// A rule of the configuration keeps the items from being sent. They are dropped, but nothing failed: an exporter answers with a
    /// partial refusal as ever, and if there is no other reason in it, its caller is told that all is well.
    pub const RELABEL: &str = "relabel";
}

/// Returns the verdict on a request that the destination took except for `rejected` items. A message beside no rejected items is a
/// warning to those who run the sender, and logged.
///
/// # Errors
///
/// A partial refusal with [`reason::PARTIAL_SUCCESS`] if there are rejected items.
pub fn partial_success(rejected: u64, message: &str) -> Result<(), ConsumeError> {
    if rejected == 0 {
        if !message.is_empty() {
            tracing::warn!(message, "destination took the data with a warning");
        }
        return Ok(());
    }
    let refusal = Refusal {
        reason: reason::PARTIAL_SUCCESS,
        items: rejected,
    };
    let message = format!("destination rejected {rejected} items: {message}");
    Err(ConsumeError::partial(vec![refusal], message))
}

/// Returns how many of `items` an error says have failed; what a rule leaves out has not.
pub(crate) fn failed_items(error: &ConsumeError, items: u64) -> u64 {
    match error.extent() {
        Extent::All => items,
        Extent::Part(refusals) => {
            let failed = refusals.iter().filter(|refusal| !is_intended(refusal));
            failed.map(|refusal| refusal.items).sum::<u64>().min(items)
        }
    }
}

/// Returns whether an error tells of nothing but what a rule leaves out.
pub(crate) fn is_no_failure(error: &ConsumeError) -> bool {
    matches!(error.extent(), Extent::Part(refusals) if !refusals.is_empty() && refusals.iter().all(is_intended))
}

fn is_intended(refusal: &Refusal) -> bool {
    refusal.reason == reason::RELABEL
}

/// Books and metrics that answers are written to.
#[derive(Debug, Clone)]
pub(crate) struct Settlement {
    pub(crate) book: Book,
    pub(crate) metrics: ExporterMetrics,
    pub(crate) closing: Closing,
}

impl Settlement {
    /// Settles items that the caller still owns if they were refused as a whole. Returns what the caller is told.
    pub(crate) fn of_call(&self, items: u64, answer: Result<(), ConsumeError>) -> Result<(), ConsumeError> {
        match answer {
            Err(error) if !error.is_partial() => {
                self.failed(items, &error);
                Err(error)
            }
            answer => self.of_taken(items, answer),
        }
    }

    /// Settles items that were taken: what is not delivered is dropped. Returns what a caller who waits is told.
    pub(crate) fn of_taken(&self, items: u64, answer: Result<(), ConsumeError>) -> Result<(), ConsumeError> {
        let mut lost = 0;
        if let Err(error) = &answer {
            lost = self.drop_items(items, error);
            let failed = failed_items(error, lost);
            if !is_no_failure(error) {
                tracing::error!(items = failed, error = %chain(error), "data dropped");
                self.failed(failed, error);
            }
        }
        self.book.delivered(items - lost);
        self.metrics.sent.increment(items - lost);
        match answer {
            Err(error) if is_no_failure(&error) => Ok(()),
            answer => answer,
        }
    }

    /// Settles items that were never tried because the time to stop ran out.
    pub(crate) fn of_abandoned(&self, items: u64) {
        self.book.dropped(reason::SHUTDOWN, items);
        self.book.release(items);
        self.failed(items, &ConsumeError::shutting_down());
    }

    fn failed(&self, items: u64, error: &ConsumeError) {
        self.metrics
            .send_failed
            .count(items, error, self.closing.has_expired());
    }

    /// Books the items that an error is about as dropped, and returns how many they are.
    fn drop_items(&self, items: u64, error: &ConsumeError) -> u64 {
        match error.extent() {
            Extent::All => {
                self.book.dropped(self.reason(error), items);
                items
            }
            Extent::Part(refusals) => {
                // Refusals beyond the batch would unbalance the books.
                let mut left = items;
                for refusal in refusals {
                    let refused = refusal.items.min(left);
                    self.book.dropped(refusal.reason, refused);
                    left -= refused;
                }
                items - left
            }
        }
    }

    fn reason(&self, error: &ConsumeError) -> &'static str {
        if self.closing.has_expired() {
            reason::SHUTDOWN
        } else if error.is_retryable() {
            reason::RETRIES_EXHAUSTED
        } else {
            reason::REJECTED
        }
    }
}

/// Returns an error's text followed by those of its causes that it does not tell itself.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.contains(&cause) {
            text
        } else {
            format!("{text}: {cause}")
        }
    })
}
