//! Own metrics that every receiver has.

use metrics::Counter;
use weir_pdata::{Batch, Signal};
use weir_telemetry::spans::{Span, SpanKind, Tracer};
use weir_telemetry::{Def, Metrics};

use crate::{BuildContext, ComponentId, ConsumeError, Consumer, Fault, parent_of, within};

const ACCEPTED: [Def; 3] = [
    Def::new(
        "otelcol_receiver_accepted_metric_points",
        "Data points taken from clients and handed on.",
    )
    .of("{datapoints}"),
    Def::new(
        "otelcol_receiver_accepted_spans",
        "Spans taken from clients and handed on.",
    )
    .of("{spans}"),
    Def::new(
        "otelcol_receiver_accepted_log_records",
        "Log records taken from clients and handed on.",
    )
    .of("{records}"),
];
const REFUSED: [Def; 3] = [
    Def::new(
        "otelcol_receiver_refused_metric_points",
        "Data points that a pipeline did not take.",
    )
    .of("{datapoints}"),
    Def::new(
        "otelcol_receiver_refused_spans",
        "Spans that a pipeline did not take.",
    )
    .of("{spans}"),
    Def::new(
        "otelcol_receiver_refused_log_records",
        "Log records that a pipeline did not take.",
    )
    .of("{records}"),
];
const FAILED: [Def; 3] = [
    Def::new(
        "otelcol_receiver_failed_metric_points",
        "Data points that were lost by a fault of this process.",
    )
    .of("{datapoints}"),
    Def::new(
        "otelcol_receiver_failed_spans",
        "Spans that were lost by a fault of this process.",
    )
    .of("{spans}"),
    Def::new(
        "otelcol_receiver_failed_log_records",
        "Log records that were lost by a fault of this process.",
    )
    .of("{records}"),
];

/// What one transport of a receiver accepted, refused and failed, under the Collector's names.
#[derive(Clone)]
pub struct ReceiverMetrics {
    by_signal: [PerSignal; 3],
    tracer: Tracer,
    /// Names of spans by signal.
    names: [String; 3],
    transport: String,
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
        let operations = ["MetricsReceived", "TraceDataReceived", "LogsReceived"];
        Self {
            by_signal,
            tracer: Tracer::default(),
            names: operations.map(|operation| format!("receiver/{id}/{operation}")),
            transport: transport.to_owned(),
        }
    }

    /// Opens the counters of a receiver that hands on what it gets by [`deliver`](Self::deliver), and makes spans of it.
    pub fn of(context: &BuildContext, transport: &str) -> Self {
        Self {
            tracer: context.tracer.clone(),
            ..Self::new(&context.metrics, &context.id, transport)
        }
    }

    /// Hands a request on, within a span, and counts its items by the answer.
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    ///
    /// # Cancel safety
    ///
    /// That of the consumer; what is cancelled is not counted.
    pub async fn deliver(&self, consumer: &Consumer, batch: Batch) -> Result<(), ConsumeError> {
        let (signal, items) = (batch.signal(), batch.items() as u64);
        if !self.tracer.is_on() {
            let answer = consumer.consume(batch).await;
            self.record(signal, items, &answer);
            return answer;
        }
        let parent = parent_of(batch.context());
        let name = || self.names[signal as usize].clone();
        let mut span = self.tracer.span(SpanKind::Internal, parent, name);
        let context = within(batch.context().clone(), &span);
        let answer = consumer.consume(batch.with_context(context)).await;
        self.record(signal, items, &answer);
        self.describe(&mut span, signal, items, &answer);
        answer
    }

    fn describe(&self, span: &mut Span, signal: Signal, items: u64, answer: &Result<(), ConsumeError>) {
        let (accepted, refused) = match signal {
            Signal::Metrics => ("accepted_metric_points", "refused_metric_points"),
            Signal::Traces => ("accepted_spans", "refused_spans"),
            Signal::Logs => ("accepted_log_records", "refused_log_records"),
        };
        let lost = answer
            .as_ref()
            .err()
            .map_or(0, |error| error.refused_items(items));
        span.set("transport", self.transport.clone());
        span.set(accepted, (items - lost) as i64);
        span.set(refused, lost as i64);
        if let Err(error) = answer {
            span.fail(error);
        }
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
