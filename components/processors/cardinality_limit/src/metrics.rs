//! Own metrics of the `cardinality_limit` processor.

use metrics::{Counter, Gauge};
use weir_component::{BuildContext, ProcessorMetrics};
use weir_telemetry::{Def, Unit};

use crate::limit::{Limit, Tally};
use crate::state::State;

const BEYOND: Def = Def::new(
    "weir_cardinality_limit_points_total",
    "Points beyond a limit, by `limit` and by what became of them: dropped or overflowed.",
);
const LOST: Def = Def::new(
    "weir_cardinality_limit_unmergeable_points_total",
    "Deltas beyond a limit that were dropped because they cannot be added to others.",
);
const SERIES: Def = Def::new("weir_cardinality_limit_series", "Series that count now.");
const VALUES: Def = Def::new(
    "weir_cardinality_limit_values",
    "Values of attributes that count now.",
);
const FULLEST: Def = Def::new(
    "weir_cardinality_limit_fullest_ratio",
    "How full the limit is that is nearest to being met, from 0 to 1; looked at from time to time.",
);
const STATE_BYTES: Def = Def::new(
    "weir_cardinality_limit_state_bytes",
    "Memory that series and values take.",
)
.unit(Unit::Bytes);
const FORGOTTEN: Def = Def::new(
    "weir_cardinality_limit_forgotten_series_total",
    "Series that were silent for longer than the window.",
);

/// Handles of the metrics.
pub(crate) struct Instruments {
    pub(crate) processor: ProcessorMetrics,
    dropped: [Counter; Limit::ALL.len()],
    overflowed: [Counter; Limit::ALL.len()],
    unmergeable: Counter,
    series: Gauge,
    values: Gauge,
    fullest: Gauge,
    state_bytes: Gauge,
    forgotten: Counter,
}

impl Instruments {
    pub(crate) fn new(context: &BuildContext) -> Self {
        let id = context.id.to_string();
        let pipeline = context.pipeline.as_ref().map(ToString::to_string);
        let pipeline = pipeline.unwrap_or_default();
        let labels = [("processor", id.as_str()), ("pipeline", pipeline.as_str())];
        let metrics = &context.metrics;
        let beyond = |outcome| {
            Limit::ALL.map(|limit| {
                let labels = [
                    labels[0],
                    labels[1],
                    ("limit", limit.as_str()),
                    ("outcome", outcome),
                ];
                metrics.counter(&BEYOND, &labels)
            })
        };
        Self {
            processor: ProcessorMetrics::new(context),
            dropped: beyond("dropped"),
            overflowed: beyond("overflowed"),
            unmergeable: metrics.counter(&LOST, &labels),
            series: metrics.gauge(&SERIES, &labels),
            values: metrics.gauge(&VALUES, &labels),
            fullest: metrics.gauge(&FULLEST, &labels),
            state_bytes: metrics.gauge(&STATE_BYTES, &labels),
            forgotten: metrics.counter(&FORGOTTEN, &labels),
        }
    }

    /// Counts what became of a batch.
    pub(crate) fn count(&self, tally: &Tally) {
        for (limit, points) in tally.dropped() {
            self.dropped[limit as usize].increment(points);
        }
        for (limit, points) in tally.overflowed() {
            self.overflowed[limit as usize].increment(points);
        }
        self.unmergeable.increment(tally.unmergeable);
    }

    /// Shows what there is now.
    pub(crate) fn show(&self, state: &State) {
        self.series.set(state.series() as f64);
        self.values.set(state.values() as f64);
        self.state_bytes.set(state.bytes() as f64);
    }

    /// Shows what there is after series were forgotten, and looks at how full the limits are.
    pub(crate) fn swept(&self, forgotten: u64, state: &State) {
        self.forgotten.increment(forgotten);
        self.fullest.set(state.fullest());
        self.show(state);
    }
}
