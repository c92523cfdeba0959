//! Errors of components: when they are built, started, given a batch, stopped.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::status::{Code, Fault};

/// Any error that can cross threads.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a batch was not taken, or not all of it.
///
/// The caller learns whose fault it is ([`Self::fault`]), whether and when to send again ([`Self::retry`]) and how much was refused
/// ([`Self::extent`]). Cheap to clone: a step that merged batches gives the same verdict to every caller.
#[derive(Debug, Clone)]
pub struct ConsumeError(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    code: Code,
    fault: Fault,
    retry: Retry,
    extent: Extent,
    message: Cow<'static, str>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// Whether the same data may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It will be refused again.
    Never,
    /// It may be taken later, after the caller's own back-off.
    Later,
    /// It may be taken after this time at the earliest.
    After(Duration),
}

/// How much of a batch was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// All of it: the caller still owns the data.
    All,
    /// Part of it: the rest is safe, and the refused items are dropped and counted.
    Part(Vec<Refusal>),
}

/// Items that were refused for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// A value of the component's documented set of reasons.
    pub reason: &'static str,
    /// How many items.
    pub items: u64,
}

impl ConsumeError {
    /// An error with a code; whether to retry and whose fault it is follow from the code.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let retry = if code.is_retryable() {
            Retry::Later
        } else {
            Retry::Never
        };
        Self(Arc::new(Inner {
            code,
            fault: code.fault(),
            retry,
            extent: Extent::All,
            message: message.into(),
            source: None,
        }))
    }

    /// The data is wrong and will stay wrong.
    pub fn malformed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    /// Refused for good, without a code of its own.
    pub fn permanent(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Internal, message)
    }

    /// Not now; the caller should send again.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Unavailable, message)
    }

    /// We hold as much as we may; the caller should send again after `delay`.
    pub fn overloaded(message: impl Into<Cow<'static, str>>, delay: Duration) -> Self {
        Self::unavailable(message).of(Fault::Weir).retry_after(delay)
    }

    /// We are stopping; the caller should send to another instance, or later.
    pub fn shutting_down() -> Self {
        Self::unavailable("shutting down").of(Fault::Weir)
    }

    /// Part of the batch was dropped, the rest is safe.
    pub fn partial(refusals: Vec<Refusal>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::malformed(message).change(|inner| inner.extent = Extent::Part(refusals))
    }

    /// Adds what a step refused of a batch by itself to the answer of the next step. The message begins with `what`, such as
    /// `deltas refused`. An answer that leaves the whole batch with the caller stays as it is.
    ///
    /// # Errors
    ///
    /// All refusals as one partial one, unless there are none and the next step took the batch.
    pub fn with_refusals(answer: Result<(), Self>, what: &str, refusals: Vec<Refusal>) -> Result<(), Self> {
        if refusals.is_empty() || answer.as_ref().is_err_and(|error| !error.is_partial()) {
            return answer;
        }
        let text = |refusal: &Refusal| format!("{} {}", refusal.items, refusal.reason);
        let texts: Vec<String> = refusals.iter().map(text).collect();
        let mut message = format!("{what}: {}", texts.join(", "));
        let mut all = refusals;
        if let Err(error) = answer {
            message = format!("{message}; {error}");
            if let Extent::Part(theirs) = error.extent() {
                all.splice(0..0, theirs.iter().cloned());
            }
        }
        Err(Self::partial(all, message))
    }

    /// Says whose fault it is.
    #[must_use]
    pub fn of(self, fault: Fault) -> Self {
        self.change(|inner| inner.fault = fault)
    }

    /// Makes the error retryable, after `delay` at the earliest.
    #[must_use]
    pub fn retry_after(self, delay: Duration) -> Self {
        self.change(|inner| inner.retry = Retry::After(delay))
    }

    /// Says whether to retry.
    #[must_use]
    pub fn with_retry(self, retry: Retry) -> Self {
        self.change(|inner| inner.retry = retry)
    }

    /// Adds the cause.
    #[must_use]
    pub fn caused_by(self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.change(|inner| inner.source = Some(Arc::new(source)))
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Returns the status code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Returns whose fault it is.
    pub fn fault(&self) -> Fault {
        self.0.fault
    }

    /// Returns whether and when to send again.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// Returns true if the same data may be sent again.
    pub fn is_retryable(&self) -> bool {
        self.0.retry != Retry::Never
    }

    /// Returns how much was refused.
    pub fn extent(&self) -> &Extent {
        &self.0.extent
    }

    /// Returns true if part of the batch is safe.
    pub fn is_partial(&self) -> bool {
        matches!(self.0.extent, Extent::Part(_))
    }

    /// Returns the number of refused items out of a batch of `items`.
    pub fn refused_items(&self, items: u64) -> u64 {
        match &self.0.extent {
            Extent::All => items,
            Extent::Part(refusals) => refusals
                .iter()
                .map(|refusal| refusal.items)
                .sum::<u64>()
                .min(items),
        }
    }
}

impl fmt::Display for ConsumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for ConsumeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// A component that cannot be built from its configuration.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct BuildError {
    message: String,
    source: Option<BoxError>,
}

impl BuildError {
    /// An error with a message, a lower-case fragment.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    /// Adds the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }
}

/// A component that cannot start: an address in use, a file that is missing.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StartError {
    message: String,
    source: Option<BoxError>,
}

impl StartError {
    /// An error with a message, a lower-case fragment.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    /// Adds the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }
}

/// A component that did not stop as it should: something was left behind.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ShutdownError {
    message: String,
}

impl ShutdownError {
    /// An error that says what was left, a lower-case fragment.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

#[cfg(test)]
mod tests;
