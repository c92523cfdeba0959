//! Own metrics that every exporter has, under the Collector's names.

use metrics::{Counter, Gauge, Histogram};
use weir_component::{BuildContext, Code, ConsumeError, Signal};
use weir_telemetry::{Def, Level, Metrics, Unit};

use crate::Attempts;

const SENT: [Def; 3] = [
    Def::new(
        "otelcol_exporter_sent_metric_points",
        "Data points that the destination took.",
    )
    .of("{datapoints}"),
    Def::new("otelcol_exporter_sent_spans", "Spans that the destination took.").of("{spans}"),
    Def::new(
        "otelcol_exporter_sent_log_records",
        "Log records that the destination took.",
    )
    .of("{records}"),
];
const SEND_FAILED: [Def; 3] = [
    Def::new(
        "otelcol_exporter_send_failed_metric_points",
        "Data points that could not be delivered, after all retries.",
    )
    .of("{datapoints}"),
    Def::new(
        "otelcol_exporter_send_failed_spans",
        "Spans that could not be delivered, after all retries.",
    )
    .of("{spans}"),
    Def::new(
        "otelcol_exporter_send_failed_log_records",
        "Log records that could not be delivered, after all retries.",
    )
    .of("{records}"),
];
const ENQUEUE_FAILED: [Def; 3] = [
    Def::new(
        "otelcol_exporter_enqueue_failed_metric_points",
        "Data points that the queue did not take.",
    )
    .of("{datapoints}"),
    Def::new(
        "otelcol_exporter_enqueue_failed_spans",
        "Spans that the queue did not take.",
    )
    .of("{spans}"),
    Def::new(
        "otelcol_exporter_enqueue_failed_log_records",
        "Log records that the queue did not take.",
    )
    .of("{records}"),
];
const QUEUE_SIZE: Def = Def::new(
    "otelcol_exporter_queue_size",
    "What the queue holds, deliveries under way included, in units of `sizer`.",
)
.of("{batches}")
.observed();
const QUEUE_CAPACITY: Def = Def::new(
    "otelcol_exporter_queue_capacity",
    "What the queue may hold, in units of `sizer`.",
)
.of("{batches}")
.observed();
const IN_FLIGHT: Def = Def::new(
    "otelcol_exporter_in_flight_requests",
    "Deliveries under way, pauses before retries included.",
)
.of("{requests}")
.up_down();
const ENQUEUE_SIZE: Def = Def::new(
    "otelcol_exporter_enqueue_size",
    "Items of the requests offered to the queue.",
)
.of("{items}")
.from_level(Level::Detailed);
const ENQUEUE_SIZE_BYTES: Def = Def::new(
    "otelcol_exporter_enqueue_size_bytes",
    "Bytes of the requests offered to the queue.",
)
.unit(Unit::Bytes)
.from_level(Level::Detailed);
const SEND_SIZE: Def = Def::new(
    "otelcol_exporter_queue_batch_send_size",
    "Items of merged deliveries.",
)
.of("{items}")
.from_level(Level::Detailed);
const SEND_SIZE_BYTES: Def = Def::new(
    "otelcol_exporter_queue_batch_send_size_bytes",
    "Bytes of merged deliveries.",
)
.unit(Unit::Bytes)
.from_level(Level::Detailed);
const RETRIES: Def = Def::new("weir_exporter_retries_total", "Requests that were sent again.");

/// What one exporter of one signal sent, failed to send, refused and holds.
#[derive(Clone)]
pub struct ExporterMetrics {
    pub(crate) sent: Counter,
    pub(crate) send_failed: SendFailed,
    pub(crate) enqueue_failed: Counter,
    pub(crate) queue_size: Gauge,
    pub(crate) queue_capacity: Gauge,
    pub(crate) in_flight: Gauge,
    pub(crate) enqueue_size: Histogram,
    pub(crate) enqueue_size_bytes: Histogram,
    pub(crate) send_size: Histogram,
    pub(crate) send_size_bytes: Histogram,
    attempts: Attempts,
}

impl ExporterMetrics {
    /// Opens the metrics of an exporter.
    pub fn new(context: &BuildContext) -> Self {
        Self::of_endpoint(context, &[])
    }

    /// Opens the metrics of an exporter that names its destination in labels: `server.address`, `server.port` and the like.
    pub fn of_endpoint(context: &BuildContext, endpoint: &[(&'static str, &str)]) -> Self {
        let signal = context.signal.unwrap_or(Signal::Metrics);
        let id = context.id.to_string();
        let (metrics, one) = (&context.metrics, [("exporter", id.as_str())]);
        let two = [one[0], ("data_type", signal.as_str())];
        let sending = [&one, endpoint].concat();
        Self {
            sent: metrics.counter(&SENT[signal as usize], &sending),
            send_failed: SendFailed::new(metrics, signal, &sending),
            enqueue_failed: metrics.counter(&ENQUEUE_FAILED[signal as usize], &one),
            queue_size: metrics.gauge(&QUEUE_SIZE, &two),
            queue_capacity: metrics.gauge(&QUEUE_CAPACITY, &two),
            in_flight: metrics.gauge(&IN_FLIGHT, &two),
            enqueue_size: metrics.histogram(&ENQUEUE_SIZE, &one),
            enqueue_size_bytes: metrics.histogram(&ENQUEUE_SIZE_BYTES, &one),
            send_size: metrics.histogram(&SEND_SIZE, &sending),
            send_size_bytes: metrics.histogram(&SEND_SIZE_BYTES, &sending),
            attempts: Attempts::new(metrics.counter(&RETRIES, &two), context.status.clone()),
        }
    }

    /// Returns what counts retries and reports how the exporter is doing, for
    /// [`RetryLayer::counting`](crate::RetryLayer::counting).
    pub fn retries(&self) -> Attempts {
        self.attempts.clone()
    }

    /// Counts a delivery as under way until the guard is dropped.
    pub(crate) fn in_flight(&self) -> InFlight {
        self.in_flight.increment(1.0);
        InFlight(self.in_flight.clone())
    }
}

impl std::fmt::Debug for ExporterMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ExporterMetrics")
    }
}

/// Counts items that could not be delivered; at the `detailed` level, apart by what was wrong.
#[derive(Clone)]
pub(crate) enum SendFailed {
    Plain(Counter),
    Detailed {
        metrics: Metrics,
        signal: Signal,
        labels: Vec<(&'static str, String)>,
    },
}

impl SendFailed {
    fn new(metrics: &Metrics, signal: Signal, labels: &[(&'static str, &str)]) -> Self {
        if metrics.level() < Level::Detailed {
            return Self::Plain(metrics.counter(&SEND_FAILED[signal as usize], labels));
        }
        Self::Detailed {
            metrics: metrics.clone(),
            signal,
            labels: labels
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
        }
    }

    /// Counts items; `stopping` says that they failed because time ran out.
    pub(crate) fn count(&self, items: u64, error: &ConsumeError, stopping: bool) {
        match self {
            Self::Plain(counter) => counter.increment(items),
            Self::Detailed {
                metrics,
                signal,
                labels,
            } => {
                let kind = match error.code() {
                    _ if stopping => "Shutdown".to_owned(),
                    // The one name that is spelled differently there.
                    Code::Cancelled => "Canceled".to_owned(),
                    code => format!("{code:?}"),
                };
                let permanent = if error.is_retryable() { "false" } else { "true" };
                let mut labels: Vec<_> = labels
                    .iter()
                    .map(|(name, value)| (*name, value.as_str()))
                    .collect();
                labels.extend([("error.type", kind.as_str()), ("error.permanent", permanent)]);
                metrics
                    .counter(&SEND_FAILED[*signal as usize], &labels)
                    .increment(items);
            }
        }
    }
}

/// A delivery under way.
pub(crate) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
