//! Own metrics of the `delta_to_cumulative` processor: the Collector's, and ours beyond them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};
use weir_component::BuildContext;
use weir_streams::Budget;
use weir_telemetry::{Def, Unit};

use crate::decision::{REASONS, Reason, Tally};

const DATAPOINTS: Def = Def::new(
    "otelcol_deltatocumulative_datapoints",
    "Deltas processed. Those with an `error` were dropped.",
);
const STREAMS_TRACKED: Def = Def::new(
    "otelcol_deltatocumulative_streams_tracked",
    "Streams whose total is kept.",
);
const STREAMS_LIMIT: Def = Def::new(
    "otelcol_deltatocumulative_streams_limit",
    "Most streams that may be kept.",
);
const STREAMS_MAX_STALE: Def = Def::new(
    "otelcol_deltatocumulative_streams_max_stale",
    "How long a silent stream is kept.",
)
.unit(Unit::Seconds);
const STATE_BYTES: Def = Def::new(
    "weir_delta_to_cumulative_state_bytes",
    "Memory that totals and waiting points take.",
)
.unit(Unit::Bytes);
const FORGOTTEN: Def = Def::new(
    "weir_delta_to_cumulative_forgotten_streams_total",
    "Streams that were silent for longer than `max_stale`.",
);
const RESTORED: Def = Def::new(
    "weir_delta_to_cumulative_restored_streams_total",
    "Streams taken over from the storage at start.",
);
const UNREADABLE: Def = Def::new(
    "weir_delta_to_cumulative_unreadable_records_total",
    "Records in the storage that could not be read: the streams in them begin anew.",
);
const REPEATED: Def = Def::new(
    "weir_delta_to_cumulative_repeated_points_total",
    "Points that were counted before and sent again; their totals were sent on again.",
);
const RESETS: Def = Def::new(
    "weir_delta_to_cumulative_resets_total",
    "Totals that began anew because a point could not be added: bounds differed, or a sum would overflow.",
);
const WAITED: Def = Def::new(
    "weir_delta_to_cumulative_reordered_points_total",
    "Points that waited for older ones.",
);
const STALE_MARKERS: Def = Def::new(
    "weir_delta_to_cumulative_stale_markers_total",
    "Points without a value that were sent for streams that had fallen silent.",
);
const CONFLICTS: Def = Def::new(
    "weir_delta_to_cumulative_conflicts_total",
    "Streams that turned out to have several writers.",
);
const CHECKPOINT_SECONDS: Def = Def::new(
    "weir_delta_to_cumulative_checkpoint_seconds",
    "Time that a checkpoint took.",
)
.unit(Unit::Seconds);
const CHECKPOINT_TIMESTAMP: Def = Def::new(
    "weir_delta_to_cumulative_checkpoint_timestamp_seconds",
    "When the last checkpoint was complete, Unix time.",
)
.unit(Unit::Seconds);
const JOURNAL_BYTES: Def = Def::new(
    "weir_delta_to_cumulative_journal_bytes",
    "Changes written since the last checkpoint, which the next start reads.",
)
.unit(Unit::Bytes);

/// Handles of the metrics.
pub(crate) struct Instruments {
    fine: Counter,
    errors: [Counter; REASONS],
    tracked: Gauge,
    state_bytes: Gauge,
    pub(crate) forgotten: Counter,
    pub(crate) restored: Counter,
    pub(crate) unreadable: Counter,
    repeated: Counter,
    resets: Counter,
    waited: Counter,
    checkpoint_seconds: Histogram,
    checkpoint_timestamp: Gauge,
    journal_bytes: Gauge,
    journal: AtomicU64,
}

/// Opens the counters of those who look after streams: last points written, and conflicts found.
pub(crate) fn watching(context: &BuildContext) -> (Counter, Counter) {
    let (id, pipeline) = place(context);
    let labels = [("processor", id.as_str()), ("pipeline", pipeline.as_str())];
    (
        context.metrics.counter(&STALE_MARKERS, &labels),
        context.metrics.counter(&CONFLICTS, &labels),
    )
}

/// Returns the id of the processor and that of its pipeline.
fn place(context: &BuildContext) -> (String, String) {
    let pipeline = context.pipeline.as_ref();
    (
        context.id.to_string(),
        pipeline.map(ToString::to_string).unwrap_or_default(),
    )
}

impl Instruments {
    pub(crate) fn new(context: &BuildContext, budget: &Budget, max_stale: Duration) -> Self {
        let (id, pipeline) = place(context);
        let labels = [("processor", id.as_str()), ("pipeline", pipeline.as_str())];
        let metrics = &context.metrics;
        let limit = budget.limits().streams as f64;
        metrics.gauge(&STREAMS_LIMIT, &labels).set(limit);
        metrics
            .gauge(&STREAMS_MAX_STALE, &labels)
            .set(max_stale.as_secs_f64());
        let error = |reason: Reason| {
            let labels = [labels[0], labels[1], ("error", reason.error())];
            metrics.counter(&DATAPOINTS, &labels)
        };
        Self {
            fine: metrics.counter(&DATAPOINTS, &labels),
            errors: Reason::ALL.map(error),
            tracked: metrics.gauge(&STREAMS_TRACKED, &labels),
            state_bytes: metrics.gauge(&STATE_BYTES, &labels),
            forgotten: metrics.counter(&FORGOTTEN, &labels),
            restored: metrics.counter(&RESTORED, &labels),
            unreadable: metrics.counter(&UNREADABLE, &labels),
            repeated: metrics.counter(&REPEATED, &labels),
            resets: metrics.counter(&RESETS, &labels),
            waited: metrics.counter(&WAITED, &labels),
            checkpoint_seconds: metrics.histogram(&CHECKPOINT_SECONDS, &labels),
            checkpoint_timestamp: metrics.gauge(&CHECKPOINT_TIMESTAMP, &labels),
            journal_bytes: metrics.gauge(&JOURNAL_BYTES, &labels),
            journal: AtomicU64::new(0),
        }
    }

    /// Counts what a walk did, and shows what there is now.
    pub(crate) fn count(&self, tally: &Tally, budget: &Budget) {
        self.fine.increment(tally.taken);
        self.repeated.increment(tally.repeated);
        self.resets.increment(tally.resets);
        self.waited.increment(tally.waiting);
        for (reason, points) in tally.dropped() {
            self.errors[reason as usize].increment(points);
        }
        self.show(budget);
    }

    /// Shows what there is now.
    pub(crate) fn show(&self, budget: &Budget) {
        self.tracked.set(budget.streams() as f64);
        self.state_bytes.set(budget.bytes() as f64);
    }

    /// Counts bytes that were written down. Returns how many there are since the last checkpoint.
    pub(crate) fn journaled(&self, bytes: u64) -> u64 {
        let all = self.journal.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.journal_bytes.set(all as f64);
        all
    }

    /// Returns the bytes written down since the last checkpoint.
    pub(crate) fn journal(&self) -> u64 {
        self.journal.load(Ordering::Relaxed)
    }

    /// Records a checkpoint that covers so many bytes of what was written down.
    pub(crate) fn checkpoint(&self, took: Duration, covered: u64, unix_seconds: f64) {
        let before = self.journal.fetch_sub(covered, Ordering::Relaxed);
        self.journal_bytes.set(before.saturating_sub(covered) as f64);
        self.checkpoint_seconds.record(took.as_secs_f64());
        self.checkpoint_timestamp.set(unix_seconds);
    }
}
