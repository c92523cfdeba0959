//! How components are doing: where they are in their life, and the errors that they live with.
//!
//! The runtime reports the stages of life, a component reports errors at run time and when they are over. Extensions read and watch
//! what was reported through [`Components`](crate::Components). The names, and which status may follow which, are the Collector's.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio::sync::watch;
use tokio::time::Instant;

/// Longest text of an error that is kept, in bytes; the rest is cut.
const MAX_ERROR_BYTES: usize = 1024;

/// How a component is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum ComponentStatus {
    /// Not started yet.
    #[default]
    None,
    /// Being started.
    Starting,
    /// At work.
    Ok,
    /// An error that may go away by itself.
    RecoverableError,
    /// An error that a person must see to; the rest goes on.
    PermanentError,
    /// An error that ends the process.
    FatalError,
    /// Being stopped.
    Stopping,
    /// Stopped.
    Stopped,
}

impl ComponentStatus {
    /// Returns the name, for example `StatusRecoverableError`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "StatusNone",
            Self::Starting => "StatusStarting",
            Self::Ok => "StatusOK",
            Self::RecoverableError => "StatusRecoverableError",
            Self::PermanentError => "StatusPermanentError",
            Self::FatalError => "StatusFatalError",
            Self::Stopping => "StatusStopping",
            Self::Stopped => "StatusStopped",
        }
    }

    /// Returns true for the three errors.
    pub const fn is_error(self) -> bool {
        matches!(
            self,
            Self::RecoverableError | Self::PermanentError | Self::FatalError
        )
    }

    /// Returns true if a component of this status can come to be of status `next`, which is another.
    const fn may_become(self, next: Self) -> bool {
        use ComponentStatus::{
            FatalError, None, Ok, PermanentError, RecoverableError, Starting, Stopped, Stopping,
        };
        match self {
            None => matches!(next, Starting),
            Starting => matches!(
                next,
                Ok | RecoverableError | PermanentError | FatalError | Stopping
            ),
            Ok => matches!(next, RecoverableError | PermanentError | FatalError | Stopping),
            RecoverableError => matches!(next, Ok | PermanentError | FatalError | Stopping),
            PermanentError => matches!(next, Stopping),
            Stopping => matches!(next, Stopped | RecoverableError | PermanentError | FatalError),
            FatalError | Stopped => false,
        }
    }
}

impl fmt::Display for ComponentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was last reported of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusEvent {
    /// How it is doing.
    pub status: ComponentStatus,
    /// What is wrong, at most 1 KiB; none unless the status is an error.
    pub error: Option<String>,
    /// When it came to be of this status, for people.
    pub time: SystemTime,
    /// The same, for measuring how long ago that is.
    pub since: Instant,
}

impl Default for StatusEvent {
    fn default() -> Self {
        Self {
            status: ComponentStatus::None,
            error: None,
            time: SystemTime::now(),
            since: Instant::now(),
        }
    }
}

/// The last event of one component.
#[derive(Debug, Default)]
struct Cell {
    /// The status of `event`, to be read without the lock.
    status: AtomicU8,
    event: Mutex<StatusEvent>,
}

/// Where one component reports how it is doing. Clones report for the same component.
///
/// Reports that cannot follow the last one are ignored: an error after the component has stopped, say.
#[derive(Debug, Clone, Default)]
pub struct StatusReporter {
    cell: Arc<Cell>,
    /// Counts the events of all components.
    changes: watch::Sender<u64>,
}

impl StatusReporter {
    /// Makes the reporter of a component whose events are counted in `changes`.
    pub(crate) fn new(changes: watch::Sender<u64>) -> Self {
        Self {
            cell: Arc::default(),
            changes,
        }
    }

    /// Reports that the component works, or works again. Costs one atomic read if that is nothing new.
    pub fn ok(&self) {
        if self.cell.status.load(Ordering::Relaxed) != ComponentStatus::Ok as u8 {
            self.report(ComponentStatus::Ok, None);
        }
    }

    /// Reports an error that may go away by itself: the component goes on trying and reports [`ok`](Self::ok) when it succeeds. The
    /// time of the first report counts, the text of the last.
    pub fn recoverable(&self, error: impl fmt::Display) {
        self.report(ComponentStatus::RecoverableError, Some(error.to_string()));
    }

    /// Reports an error that a person must see to. Nothing but the end of the component follows.
    pub fn permanent(&self, error: impl fmt::Display) {
        self.report(ComponentStatus::PermanentError, Some(error.to_string()));
    }

    /// Reports an error that ends the process. [`Failures::report`](crate::Failures::report) does it for the component that fails.
    pub(crate) fn fatal(&self, error: impl fmt::Display) {
        self.report(ComponentStatus::FatalError, Some(error.to_string()));
    }

    /// Reports a stage of life; for whoever starts and stops the component.
    pub fn stage(&self, stage: ComponentStatus) {
        self.report(stage, None);
    }

    /// Returns the last event.
    pub fn event(&self) -> StatusEvent {
        self.lock().clone()
    }

    fn report(&self, next: ComponentStatus, error: Option<String>) {
        {
            let mut event = self.lock();
            if event.status == next {
                event.error = error.map(cut);
                return;
            }
            if !event.status.may_become(next) {
                return;
            }
            *event = StatusEvent {
                status: next,
                error: error.map(cut),
                ..StatusEvent::default()
            };
            self.cell.status.store(next as u8, Ordering::Relaxed);
        }
        self.changes.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, StatusEvent> {
        self.cell.event.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Cuts a text at [`MAX_ERROR_BYTES`], between characters.
fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_ERROR_BYTES));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reporter(stages: &[ComponentStatus]) -> StatusReporter {
        let reporter = StatusReporter::default();
        stages.iter().for_each(|stage| reporter.stage(*stage));
        reporter
    }

    #[test]
    fn an_error_comes_and_goes_and_its_first_time_counts() {
        let reporter = reporter(&[ComponentStatus::Starting, ComponentStatus::Ok]);
        reporter.recoverable("first");
        let begin = reporter.event().since;
        reporter.recoverable("second");
        let event = reporter.event();
        assert_eq!(
            (event.status, event.error.as_deref()),
            (ComponentStatus::RecoverableError, Some("second"))
        );
        assert_eq!(event.since, begin);
        reporter.ok();
        assert_eq!(
            (reporter.event().status, reporter.event().error),
            (ComponentStatus::Ok, None)
        );
    }

    #[test]
    fn what_cannot_follow_is_ignored() {
        use ComponentStatus::{FatalError, None, Ok, PermanentError, Starting, Stopped, Stopping};
        for (stages, left) in [
            (&[Ok][..], None),
            (&[Starting, PermanentError, Ok], PermanentError),
            (&[Starting, Ok, Stopping, Ok], Stopping),
            (&[Starting, Ok, Stopping, Stopped, FatalError], Stopped),
            (&[Starting, FatalError, Stopping], FatalError),
            (&[Starting, PermanentError, Stopping, Stopped], Stopped),
        ] {
            assert_eq!(reporter(stages).event().status, left, "{stages:?}");
        }
    }

    #[test]
    fn only_news_wake_those_who_watch() {
        let reporter = reporter(&[ComponentStatus::Starting, ComponentStatus::Ok]);
        let mut watching = reporter.changes.subscribe();
        watching.mark_unchanged();
        reporter.ok();
        assert!(!watching.has_changed().unwrap());
        reporter.recoverable("down");
        assert!(watching.has_changed().unwrap());
        watching.mark_unchanged();
        reporter.recoverable("still down");
        assert!(!watching.has_changed().unwrap());
    }

    #[test]
    fn long_errors_are_cut_between_characters() {
        let reporter = reporter(&[ComponentStatus::Starting]);
        reporter.permanent("ä".repeat(600) + "b" + &"ä".repeat(600));
        let error = reporter.event().error.unwrap();
        assert!(error.len() <= MAX_ERROR_BYTES && error.len() > MAX_ERROR_BYTES - 2);
    }
}
