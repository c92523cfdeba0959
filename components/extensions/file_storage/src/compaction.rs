//! Options that say when files are made smaller.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_component::config::duration;
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_storage::Rebound;

/// The Collector's value of `max_transaction_size`.
const TRANSACTION_SIZE: u64 = 65_536;

/// When files are made smaller. They use the room of what was deleted again, but do not give it back by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Compaction {
    /// Compact each file when it is opened. Default false.
    pub on_start: bool,
    /// Compact a file while it is open once it is large and holds little. Commits wait meanwhile. Default false.
    pub on_rebound: bool,
    /// Files are compacted in place, so this may only be the same as `directory` beside it. Default: unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
    /// A file is large if it has more than so many MiB. Default 100.
    pub rebound_needed_threshold_mib: u64,
    /// A file holds little if that is less than so many MiB. Default 10.
    pub rebound_trigger_threshold_mib: u64,
    /// How often to look at an open file, with `on_rebound`. Default 5s.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub check_interval: Duration,
    /// Items per step while the Collector copies a file. Nothing is copied here: must be its default of 65536, or 0.
    pub max_transaction_size: u64,
    /// Remove what an interrupted compaction left. Nothing is ever left here, so either value does the same. Default false.
    pub cleanup_on_start: bool,
}

impl Default for Compaction {
    fn default() -> Self {
        Self {
            on_start: false,
            on_rebound: false,
            directory: None,
            rebound_needed_threshold_mib: 100,
            rebound_trigger_threshold_mib: 10,
            check_interval: Duration::from_secs(5),
            max_transaction_size: TRANSACTION_SIZE,
            cleanup_on_start: false,
        }
    }
}

impl Compaction {
    /// Returns when open files are compacted, if ever.
    pub(crate) fn rebound(&self) -> Option<Rebound> {
        self.on_rebound.then_some(Rebound {
            needed: self.rebound_needed_threshold_mib << 20,
            trigger: self.rebound_trigger_threshold_mib << 20,
            interval: self.check_interval,
        })
    }
}

impl Validate for Compaction {
    fn validate(&self, found: &mut Violations) {
        found.require(
            !self.on_rebound || !self.check_interval.is_zero(),
            "check_interval",
            "must be more than 0 with `on_rebound`",
        );
        found.require(
            self.max_transaction_size == TRANSACTION_SIZE || self.max_transaction_size == 0,
            "max_transaction_size",
            "cannot be set: files are compacted in place, not copied in steps",
        );
        let fits = |mib: u64| mib <= u64::MAX >> 20;
        found.require(
            fits(self.rebound_needed_threshold_mib),
            "rebound_needed_threshold_mib",
            "is too large",
        );
        found.require(
            fits(self.rebound_trigger_threshold_mib),
            "rebound_trigger_threshold_mib",
            "is too large",
        );
    }
}
