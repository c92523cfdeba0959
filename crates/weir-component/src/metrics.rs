//! Own metrics that every receiver has.

use metrics::Counter;
use weir_pdata::Signal;
use weir_telemetry::{Def, Metrics};

use crate::{ComponentId, ConsumeError, Fault};

const ACCEPTED: [Def; 3] = [
    Def::new(
        "otelcol_receiver_accepted_metric_points",
        "Data points taken from clients and handed on.",
    ),
    Def::new(
        "otelcol_receiver_accepted_spans",
        "Spans taken from clients and handed on.",
    ),
    Def::new(
        "otelcol_receiver_accepted_log_records",
        "Log records taken from clients and handed on.",
    ),
];
const REFUSED: [Def; 3] = [
    Def::new(
        "otelcol_receiver_refused_metric_points",
        "Data points that a pipeline did not take.",
    ),
    Def::new(
        "otelcol_receiver_refused_spans",
        "Spans that a pipeline did not take.",
    ),
    Def::new(
        "otelcol_receiver_refused_log_records",
        "Log records that a pipeline did not take.",
    ),
];
const FAILED: [Def; 3] = [
    Def::new(
        "otelcol_receiver_failed_metric_points",
        "Data points that were lost by a fault of this process.",
    ),
    Def::new(
        "otelcol_receiver_failed_spans",
        "Spans that were lost by a fault of this process.",
    ),
    Def::new(
        "otelcol_receiver_failed_log_records",
        "Log records that were lost by a fault of this process.",
    ),
];

/// What one transport of a receiver accepted, refused and failed, under the Collector's names.
#[derive(Clone)]
pub struct ReceiverMetrics {
    by_signal: [PerSignal; 3],
}

#[derive(Clone)]
struct PerSignal {
    accepted: Counter,
    refused: Counter,
    failed: Counter,
}

impl ReceiverMetrics {
    /// Opens the counters of a receiver's transport (`grpc` or `http`).
    pub fn new(metrics: &Metrics, id: &ComponentId, transport: &str) -> Self {
        let id = id.to_string();
        let labels = [("receiver", id.as_str()), ("transport", transport)];
        let by_signal = std::array::from_fn(|index| PerSignal {
            accepted: metrics.counter(&ACCEPTED[index], &labels),
            refused: metrics.counter(&REFUSED[index], &labels),
            failed: metrics.counter(&FAILED[index], &labels),
        });
        Self { by_signal }
    }

    /// Counts the items of one request by the pipeline's answer.
    pub fn record(&self, signal: Signal, items: u64, answer: &Result<(), ConsumeError>) {
        let counters = &self.by_signal[signal as usize];
        let lost = answer
            .as_ref()
            .err()
            .map_or(0, |error| error.refused_items(items));
        counters.accepted.increment(items - lost);
        match answer {
            Err(error) if error.fault() == Fault::Weir && !error.is_retryable() => {
                counters.failed.increment(lost)
            }
            _ => counters.refused.increment(lost),
        }
    }
}

impl std::fmt::Debug for ReceiverMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReceiverMetrics")
    }
}

#[cfg(test)]
mod tests;
