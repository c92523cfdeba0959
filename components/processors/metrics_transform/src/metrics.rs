//! Own metrics of the `metrics_transform` processor: what it leaves out.

use std::sync::atomic::{AtomicU32, Ordering};

use metrics::Counter;
use weir_component::{Book, BuildContext};
use weir_telemetry::Def;

use crate::tally::{Skip, Tally};

const SKIPPED: Def = Def::new(
    "weir_metrics_transform_skipped_total",
    "Times that a transform matched but could not be done, by `reason`.",
);

/// Books and metrics.
pub(crate) struct Instruments {
    id: String,
    book: Book,
    skipped: [Counter; Skip::ALL.len()],
    /// A bit for each reason that was logged.
    logged: AtomicU32,
}

impl Instruments {
    pub(crate) fn new(context: &BuildContext) -> Self {
        let id = context.id.to_string();
        let pipeline = context.pipeline.as_ref().map(ToString::to_string);
        let pipeline = pipeline.unwrap_or_default();
        let skipped = Skip::ALL.map(|why| {
            let labels = [
                ("processor", id.as_str()),
                ("pipeline", pipeline.as_str()),
                ("reason", why.as_str()),
            ];
            context.metrics.counter(&SKIPPED, &labels)
        });
        Self {
            id,
            book: context.book.clone(),
            skipped,
            logged: AtomicU32::new(0),
        }
    }

    /// Counts a batch that goes on.
    pub(crate) fn count(&self, tally: &Tally) {
        self.book.added(tally.added);
        self.book.dropped("aggregated", tally.aggregated);
        self.book.dropped("label_value_deleted", tally.deleted);
        self.book.dropped("duplicate", tally.duplicates);
        for (why, times) in Skip::ALL.into_iter().zip(tally.skipped) {
            if times == 0 {
                continue;
            }
            self.skipped[why as usize].increment(times);
            let bit = 1 << why as u32;
            if self.logged.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
                tracing::warn!(
                    processor = self.id,
                    reason = why.as_str(),
                    "a transform matches what it cannot change: it is left as it is, and counted from now on"
                );
            }
        }
    }
}
