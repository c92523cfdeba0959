//! Log records for those who do not want lines.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;
use tracing::Level;

/// Target of what is said about pushing own telemetry, and of spans around it: such events become lines, but not records, since a push
/// that fails would make another one to push.
pub const QUIET: &str = "weir::own_telemetry";

/// What was logged.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// When.
    pub time: SystemTime,
    /// Its weight.
    pub level: Level,
    /// The text.
    pub message: String,
    /// Source file, shortened, and line number.
    pub caller: Option<(String, u64)>,
    /// Fields of spans around it, outermost first, then its own.
    pub fields: Vec<(&'static str, Value)>,
}

/// Takes every record of the level that is logged, also those whose line sampling leaves out.
pub trait TakeRecords: Send + Sync {
    /// Takes a record. Called wherever something is logged, so it must be quick, and must not log.
    fn take(&self, record: Record);
}

/// Where records go.
#[derive(Clone)]
pub struct Records(Arc<dyn TakeRecords>);

impl Records {
    /// Sends records to `taker`.
    pub fn to(taker: impl TakeRecords + 'static) -> Self {
        Self(Arc::new(taker))
    }

    pub(super) fn take(&self, record: Record) {
        self.0.take(record);
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Records")
    }
}

impl PartialEq for Records {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
