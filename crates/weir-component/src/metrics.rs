//! Own metrics that every receiver has.

use std::sync::Arc;

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
    pub fn deliver(
        self: &Arc<Self>,
        consumer: &Consumer,
        batch: Batch,
    ) -> impl Future<Output = Result<(), ConsumeError>> + Send + use<> {
        let (this, signal, items) = (Arc::clone(self), batch.signal(), batch.items() as u64);
        let (span, batch) = self.begin_span(batch);
        // Taken out of the future, which would hold the batch, too.
        let answer = consumer.consume(batch);
        async move {
            let answer = answer.await;
            this.record(signal, items, &answer);
            if let Some(mut span) = span {
                this.describe(&mut span, signal, items, &answer);
            }
            answer
        }
    }

    /// Begins a span and puts the batch within it, if there are spans.
    fn begin_span(&self, batch: Batch) -> (Option<Span>, Batch) {
        if !self.tracer.is_on() {
            return (None, batch);
        }
        let parent = parent_of(batch.context());
        let name = || self.names[batch.signal() as usize].clone();
        let span = self.tracer.span(SpanKind::Internal, parent, name);
        let context = within(batch.context().clone(), &span);
        (Some(span), batch.with_context(context))
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
