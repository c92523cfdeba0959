//! Own metrics of the `cumulative_to_delta` processor: the Collector's, and ours beyond them.

use metrics::{Counter, Gauge};
use weir_component::BuildContext;
use weir_streams::Budget;
use weir_telemetry::{Def, Unit};

use crate::MetricType;
use crate::tally::{REASONS, Reason, TYPES, Tally};

const DATAPOINTS: Def = Def::new(
    "otelcol_cumulativetodelta_datapoints",
    "Totals that were converted, by `metric_type`.",
);
const DROPPED: Def = Def::new(
    "otelcol_cumulativetodelta_datapoints_dropped",
    "Totals that were dropped, by `metric_type` and `reason`.",
);
const TRACKED: Def = Def::new(
    "otelcol_cumulativetodelta_streams_tracked",
    "Streams whose last total is kept.",
);
const STATE_BYTES: Def = Def::new(
    "weir_cumulative_to_delta_state_bytes",
    "Memory that last totals take.",
)
.unit(Unit::Bytes);
const FORGOTTEN: Def = Def::new(
    "weir_cumulative_to_delta_forgotten_streams_total",
    "Streams that were silent for longer than `max_staleness`.",
);

/// Handles of the metrics.
pub(crate) struct Instruments {
    taken: [Counter; TYPES.len()],
    dropped: [[Counter; REASONS]; TYPES.len()],
    tracked: Gauge,
    state_bytes: Gauge,
    pub(crate) forgotten: Counter,
}

impl Instruments {
    pub(crate) fn new(context: &BuildContext) -> Self {
        let id = context.id.to_string();
        let pipeline = context.pipeline.as_ref().map(ToString::to_string);
        let pipeline = pipeline.unwrap_or_default();
        let labels = [("processor", id.as_str()), ("pipeline", pipeline.as_str())];
        let metrics = &context.metrics;
        let of_type = |kind| [labels[0], labels[1], ("metric_type", name(kind))];
        let for_reason = |kind, reason: Reason| {
            let labels = of_type(kind);
            let labels = [labels[0], labels[1], labels[2], ("reason", reason.as_str())];
            metrics.counter(&DROPPED, &labels)
        };
        Self {
            taken: TYPES.map(|kind| metrics.counter(&DATAPOINTS, &of_type(kind))),
            dropped: TYPES.map(|kind| Reason::ALL.map(|reason| for_reason(kind, reason))),
            tracked: metrics.gauge(&TRACKED, &labels),
            state_bytes: metrics.gauge(&STATE_BYTES, &labels),
            forgotten: metrics.counter(&FORGOTTEN, &labels),
        }
    }

    /// Counts a batch.
    pub(crate) fn count(&self, tally: &Tally) {
        for (counter, points) in self.taken.iter().zip(tally.taken) {
            counter.increment(points);
        }
        for (counters, reasons) in self.dropped.iter().zip(tally.dropped) {
            for (counter, points) in counters.iter().zip(reasons) {
                counter.increment(points);
            }
        }
    }

    /// Shows what is remembered now.
    pub(crate) fn show(&self, budget: &Budget) {
        self.tracked.set(budget.streams() as f64);
        self.state_bytes.set(budget.bytes() as f64);
    }
}

const fn name(kind: MetricType) -> &'static str {
    match kind {
        MetricType::Sum => "sum",
        MetricType::Histogram => "histogram",
        MetricType::ExponentialHistogram => "exponential_histogram",
    }
}
