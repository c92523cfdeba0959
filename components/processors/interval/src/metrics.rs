//! Own metrics of the `interval` processor.

use metrics::{Counter, Gauge};
use weir_component::BuildContext;
use weir_streams::Budget;
use weir_telemetry::{Def, Unit};

const HELD: Def = Def::new(
    "weir_interval_streams_held",
    "Streams of which a point waits for the end of the interval.",
);
const STATE_BYTES: Def =
    Def::new("weir_interval_state_bytes", "Memory that held points take.").unit(Unit::Bytes);
const LIMITED: Def = Def::new(
    "weir_interval_limited_points_total",
    "Points of streams beyond a limit: they went on at once.",
);
const PUT_BACK: Def = Def::new(
    "weir_interval_refused_points_total",
    "Points that the next step refused for now: they are held on.",
);

/// Handles of the metrics.
pub(crate) struct Instruments {
    held: Gauge,
    state_bytes: Gauge,
    pub(crate) limited: Counter,
    pub(crate) refused: Counter,
}

impl Instruments {
    pub(crate) fn new(context: &BuildContext) -> Self {
        let id = context.id.to_string();
        let pipeline = context.pipeline.as_ref().map(ToString::to_string);
        let pipeline = pipeline.unwrap_or_default();
        let labels = [("processor", id.as_str()), ("pipeline", pipeline.as_str())];
        let metrics = &context.metrics;
        Self {
            held: metrics.gauge(&HELD, &labels),
            state_bytes: metrics.gauge(&STATE_BYTES, &labels),
            limited: metrics.counter(&LIMITED, &labels),
            refused: metrics.counter(&PUT_BACK, &labels),
        }
    }

    /// Shows what is held now.
    pub(crate) fn show(&self, budget: &Budget) {
        self.held.set(budget.streams() as f64);
        self.state_bytes.set(budget.bytes() as f64);
    }
}
