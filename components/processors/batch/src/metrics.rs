//! Own metrics of the `batch` processor, under the Collector's names.

use metrics::{Counter, Gauge, Histogram};
use weir_component::{Batch, BuildContext};
use weir_telemetry::{Def, Level, Unit};

const SEND_SIZE: Def = Def::new("otelcol_processor_batch_batch_send_size", "Items per batch sent.")
    .of("{units}")
    .from_level(Level::Normal);
const SEND_SIZE_BYTES: Def = Def::new(
    "otelcol_processor_batch_batch_send_size_bytes",
    "Bytes per batch sent.",
)
.unit(Unit::Bytes)
.from_level(Level::Detailed);
const SIZE_TRIGGER: Def = Def::new(
    "otelcol_processor_batch_batch_size_trigger_send",
    "Batches sent because of their size.",
)
.of("{times}")
.from_level(Level::Normal);
const TIMEOUT_TRIGGER: Def = Def::new(
    "otelcol_processor_batch_timeout_trigger_send",
    "Batches sent because time was up.",
)
.of("{times}")
.from_level(Level::Normal);
const CARDINALITY: Def = Def::new(
    "otelcol_processor_batch_metadata_cardinality",
    "Batches kept apart now.",
)
.of("{combinations}")
.up_down()
.from_level(Level::Normal);

/// Handles of the metrics.
pub(crate) struct BatchMetrics {
    send_size: Histogram,
    send_size_bytes: Option<Histogram>,
    pub(crate) size_trigger: Counter,
    pub(crate) timeout_trigger: Counter,
    pub(crate) cardinality: Gauge,
}

impl BatchMetrics {
    pub(crate) fn new(context: &BuildContext) -> Self {
        let id = context.id.to_string();
        let labels = [("processor", id.as_str())];
        let metrics = &context.metrics;
        Self {
            send_size: metrics.histogram(&SEND_SIZE, &labels),
            send_size_bytes: (metrics.level() >= SEND_SIZE_BYTES.level)
                .then(|| metrics.histogram(&SEND_SIZE_BYTES, &labels)),
            size_trigger: metrics.counter(&SIZE_TRIGGER, &labels),
            timeout_trigger: metrics.counter(&TIMEOUT_TRIGGER, &labels),
            cardinality: metrics.gauge(&CARDINALITY, &labels),
        }
    }

    /// Records a batch that is sent.
    pub(crate) fn sending(&self, batch: &Batch) {
        self.send_size.record(batch.items() as f64);
        if let Some(histogram) = &self.send_size_bytes {
            histogram.record(batch.bytes() as f64);
        }
    }
}
