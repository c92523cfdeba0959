//! What spans say about deliveries.

use std::sync::Mutex;
use std::time::Duration;

use opentelemetry::trace::{Status, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanProcessor};
use weir_component::ComponentKind;
use weir_pdata::{Context, Trace};
use weir_telemetry::spans::Propagation;
use weir_testkit::{Sink, batches};

use super::*;

/// Keeps spans that have ended.
#[derive(Debug, Clone, Default)]
struct Ended(Arc<Mutex<Vec<SpanData>>>);

impl SpanProcessor for Ended {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &opentelemetry::Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().unwrap().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn within_trace(number: u8) -> Batch {
    let trace = Trace {
        traceparent: Some(format!("00-{number:032x}-{number:016x}-01")),
        ..Trace::default()
    };
    batches::gauge("g", 1).with_context(Context::default().with_trace(trace))
}

#[tokio::test]
async fn a_delivery_goes_on_with_the_trace_of_its_batch_or_links_those_of_all() {
    let ended = Ended::default();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(ended.clone())
        .build();
    let id = "otlp".parse().unwrap();
    let context = BuildContext {
        tracer: Tracer::new(provider.tracer("test"), Propagation::default()),
        ..BuildContext::standalone(id, ComponentKind::Exporter, Some(Signal::Metrics))
    };
    let sink = Sink::new();
    let deliver = traced(&context, sink.consumer());
    deliver.consume(within_trace(1)).await.unwrap();
    let mut merged = within_trace(2);
    merged.append(within_trace(3)).unwrap();
    sink.answer_next([Err(ConsumeError::unavailable("down"))]);
    deliver.consume(merged).await.unwrap_err();

    let spans = ended.0.lock().unwrap();
    let [one, both] = &spans[..] else {
        panic!("{spans:?}")
    };
    assert_eq!(one.name, "exporter/otlp/metrics");
    assert_eq!(one.span_context.trace_id().to_string(), format!("{:032x}", 1));
    assert!(one.links.is_empty() && one.status == Status::Unset);
    let linked: Vec<_> = both
        .links
        .iter()
        .map(|link| link.span_context.trace_id())
        .collect();
    assert_eq!(
        linked.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [2, 3].map(|id| format!("{id:032x}"))
    );
    assert!(!linked.contains(&both.span_context.trace_id()));
    assert_eq!(both.status, Status::error("down"));
    let failed = both
        .attributes
        .iter()
        .find(|attribute| attribute.key.as_str() == "items.failed");
    assert_eq!(failed.unwrap().value, 2.into());
    // What is sent is within the span.
    let sent = sink.batches();
    let trace = sent[0].context().trace().unwrap();
    let position = format!(
        "00-{}-{}-01",
        one.span_context.trace_id(),
        one.span_context.span_id()
    );
    assert_eq!(trace.traceparent.as_ref(), Some(&position));
}
