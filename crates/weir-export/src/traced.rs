//! Spans of deliveries, under the Collector's names.

use std::sync::Arc;

use weir_component::{Batch, BuildContext, ConsumeError, Consumer, Signal, parent_of, within};
use weir_telemetry::Tracer;
use weir_telemetry::spans::SpanKind;

use crate::settle::{failed_items, is_no_failure};

/// Puts spans around deliveries; returns `deliver` as it is if spans are not made.
///
/// A span has the trace of the batch, or links to the traces of all batches that were merged into it; what the exporter sends is within.
pub(crate) fn traced(context: &BuildContext, deliver: Consumer) -> Consumer {
    if !context.tracer.is_on() {
        return deliver;
    }
    let signal = context.signal.unwrap_or(Signal::Metrics);
    let spans = Arc::new(Spans {
        tracer: context.tracer.clone(),
        name: format!("exporter/{}/{signal}", context.id),
        id: context.id.to_string(),
        signal,
    });
    Consumer::from_fn(move |batch| {
        let (spans, deliver) = (Arc::clone(&spans), deliver.clone());
        async move { spans.deliver(&deliver, batch).await }
    })
}

struct Spans {
    tracer: Tracer,
    name: String,
    id: String,
    signal: Signal,
}

impl Spans {
    async fn deliver(&self, deliver: &Consumer, batch: Batch) -> Result<(), ConsumeError> {
        let parent = parent_of(batch.context());
        let mut span = self.tracer.span(SpanKind::Internal, parent, || self.name.clone());
        span.set("exporter", self.id.clone());
        span.set("data_type", self.signal.as_str());
        let items = batch.items() as u64;
        let context = within(batch.context().clone(), &span);
        let answer = deliver.consume(batch.with_context(context)).await;
        let refused = |count: fn(&ConsumeError, u64) -> u64| {
            answer.as_ref().err().map_or(0, |error| count(error, items))
        };
        span.set(
            "items.sent",
            (items - refused(ConsumeError::refused_items)) as i64,
        );
        span.set("items.failed", refused(failed_items) as i64);
        if let Err(error) = answer.as_ref()
            && !is_no_failure(error)
        {
            span.fail(error);
        }
        answer
    }
}

#[cfg(test)]
mod tests;
