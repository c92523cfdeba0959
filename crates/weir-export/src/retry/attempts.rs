//! What attempts to send say about the component.

use std::fmt;

use metrics::Counter;
use weir_component::{Code, ConsumeError, Fault, StatusReporter};

/// Counts retries, and reports how the exporter is doing: a recoverable error while its destination does not take data, fine as soon as
/// it does. An error that is about the data says nothing about the destination but that it answers.
#[derive(Clone)]
pub struct Attempts {
    retries: Counter,
    status: StatusReporter,
}

impl Attempts {
    /// Counts retries in `retries` and reports to `status`.
    pub const fn new(retries: Counter, status: StatusReporter) -> Self {
        Self { retries, status }
    }

    pub(super) fn succeeded(&self) {
        self.status.ok();
    }

    pub(super) fn failed(&self, error: &ConsumeError) {
        if is_of_the_destination(error) {
            self.status.recoverable(crate::settle::chain(error));
        } else if error.fault() != Fault::Weir {
            self.status.ok();
        }
    }

    pub(super) fn retried(&self) {
        self.retries.increment(1);
    }
}

/// Returns true if an error would meet any data: the destination is away or overloaded, or does not let us in.
fn is_of_the_destination(error: &ConsumeError) -> bool {
    let shut = matches!(
        error.code(),
        Code::Unauthenticated | Code::PermissionDenied | Code::Unimplemented | Code::NotFound
    );
    error.fault() != Fault::Weir && !error.is_partial() && (error.is_retryable() || shut)
        || error.code() == Code::ResourceExhausted
}

impl fmt::Debug for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attempts")
    }
}

#[cfg(test)]
mod tests {
    use weir_component::{ComponentStatus, Refusal};

    use super::*;

    #[test]
    fn the_status_follows_the_destination_not_the_data() {
        let status = StatusReporter::default();
        status.stage(ComponentStatus::Starting);
        let attempts = Attempts::new(Counter::noop(), status.clone());
        let refusal = Refusal {
            reason: "partial_success",
            items: 1,
        };
        for (error, expect) in [
            (
                ConsumeError::unavailable("down"),
                ComponentStatus::RecoverableError,
            ),
            (ConsumeError::malformed("bad data"), ComponentStatus::Ok),
            (
                ConsumeError::new(Code::Unauthenticated, "who?"),
                ComponentStatus::RecoverableError,
            ),
            // The process is stopping: says nothing about the destination.
            (ConsumeError::shutting_down(), ComponentStatus::RecoverableError),
            (
                ConsumeError::partial(vec![refusal], "one of them"),
                ComponentStatus::Ok,
            ),
            (
                ConsumeError::new(Code::ResourceExhausted, "slow down"),
                ComponentStatus::RecoverableError,
            ),
        ] {
            attempts.failed(&error);
            assert_eq!(status.event().status, expect, "{error}");
        }
        attempts.succeeded();
        assert_eq!(status.event().status, ComponentStatus::Ok);
    }
}
