//! Own metrics of stores.

use metrics::{Counter, Gauge, Histogram};
use weir_telemetry::{Def, Metrics, Unit};

const COMMITS: Def = Def::new(
    "weir_storage_commits_total",
    "Commits: each makes all changes in line durable.",
);
const COMMITTED_BYTES: Def = Def::new(
    "weir_storage_committed_bytes_total",
    "Keys and values of changes made durable.",
)
.unit(Unit::Bytes);
const COMMIT_SECONDS: Def =
    Def::new("weir_storage_commit_seconds", "Time that a commit took.").unit(Unit::Seconds);
const FAILED_COMMITS: Def = Def::new(
    "weir_storage_failed_commits_total",
    "Commits that the disk refused; they are tried again.",
);
const FILE_BYTES: Def = Def::new("weir_storage_file_bytes", "Size of the store's file.").unit(Unit::Bytes);
const SET_ASIDE: Def = Def::new(
    "weir_storage_set_aside_total",
    "Damaged files that were renamed and replaced by empty ones: their state is lost to their owners.",
);

/// Handles of one store's metrics.
#[derive(Clone)]
pub(crate) struct StoreMetrics {
    pub(crate) commits: Counter,
    pub(crate) committed_bytes: Counter,
    pub(crate) commit_seconds: Histogram,
    pub(crate) failed_commits: Counter,
    pub(crate) file_bytes: Gauge,
    pub(crate) set_aside: Counter,
}

impl StoreMetrics {
    pub(crate) fn new(metrics: &Metrics, storage: &str, store: &str) -> Self {
        let labels = [("extension", storage), ("store", store)];
        Self {
            commits: metrics.counter(&COMMITS, &labels),
            committed_bytes: metrics.counter(&COMMITTED_BYTES, &labels),
            commit_seconds: metrics.histogram(&COMMIT_SECONDS, &labels),
            failed_commits: metrics.counter(&FAILED_COMMITS, &labels),
            file_bytes: metrics.gauge(&FILE_BYTES, &labels),
            set_aside: metrics.counter(&SET_ASIDE, &labels),
        }
    }
}
