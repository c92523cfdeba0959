//! Own metrics.

use std::io;

use metrics::Counter;
use weir_component::BuildContext;
use weir_telemetry::Def;

const ERRORS: Def = Def::new(
    "weir_exporter_file_write_errors_total",
    "Batches that could not be written, by reason: disk_full or other. They are refused, and may be sent again.",
);
const ROTATIONS: Def = Def::new(
    "weir_exporter_file_rotations_total",
    "Files that were full and put aside.",
);

/// Handles of the metrics.
pub(crate) struct FileMetrics {
    disk_full: Counter,
    other: Counter,
    pub(crate) rotations: Counter,
}

impl FileMetrics {
    pub(crate) fn new(context: &BuildContext) -> Self {
        let id = context.id.to_string();
        let signal = context.signal.map_or("", weir_component::Signal::as_str);
        let labels = [("exporter", id.as_str()), ("data_type", signal)];
        let errors = |reason| {
            let labels = [labels[0], labels[1], ("reason", reason)];
            context.metrics.counter(&ERRORS, &labels)
        };
        Self {
            disk_full: errors("disk_full"),
            other: errors("other"),
            rotations: context.metrics.counter(&ROTATIONS, &labels),
        }
    }

    /// Counts a batch that could not be written.
    pub(crate) fn failed(&self, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => self.disk_full.increment(1),
            _ => self.other.increment(1),
        }
    }
}
