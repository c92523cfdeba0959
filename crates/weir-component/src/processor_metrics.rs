//! Own metrics of processors, under the Collector's names.

use std::time::Instant;

use metrics::{Counter, Histogram};
use weir_pdata::Signal;
use weir_telemetry::{Def, Level, Unit};

use crate::BuildContext;

const INCOMING: Def = Def::new(
    "otelcol_processor_incoming_items",
    "Items that the processor was given.",
)
.of("{items}");
const OUTGOING: Def = Def::new(
    "otelcol_processor_outgoing_items",
    "Items that the processor handed on.",
)
.of("{items}");
const DURATION: Def = Def::new(
    "otelcol_processor_internal_duration",
    "Time spent in the processor, that of the steps after it left out.",
)
.unit(Unit::Seconds)
.from_level(Level::Detailed);

/// What one processor was given and handed on. The runtime counts this for every [`Processor`](crate::Processor); a
/// [`Layer`](crate::Layer) that works batch by batch may count it itself.
#[derive(Clone)]
pub struct ProcessorMetrics {
    incoming: Counter,
    outgoing: Counter,
    /// At the level `detailed` only.
    duration: Option<Histogram>,
}

/// A batch in a processor, since when.
#[derive(Debug, Clone, Copy)]
pub struct Processing(Option<Instant>);

impl ProcessorMetrics {
    /// Opens the metrics of a processor.
    pub fn new(context: &BuildContext) -> Self {
        let id = context.id.to_string();
        let signal = context.signal.map_or("", Signal::as_str);
        let labels = [("processor", id.as_str()), ("otel.signal", signal)];
        let metrics = &context.metrics;
        Self {
            incoming: metrics.counter(&INCOMING, &labels),
            outgoing: metrics.counter(&OUTGOING, &labels),
            duration: (metrics.level() >= DURATION.level).then(|| metrics.histogram(&DURATION, &labels)),
        }
    }

    /// Says that the processor begins with a batch.
    pub fn begin(&self) -> Processing {
        Processing(self.duration.as_ref().map(|_| Instant::now()))
    }

    /// Counts a batch that the processor is done with: items that it was given, and those that it hands on.
    pub fn end(&self, processing: Processing, given: u64, handed_on: u64) {
        self.incoming.increment(given);
        self.outgoing.increment(handed_on);
        if let (Some(duration), Some(begun)) = (&self.duration, processing.0) {
            duration.record(begun.elapsed().as_secs_f64());
        }
    }
}

impl std::fmt::Debug for ProcessorMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProcessorMetrics")
    }
}
