//! From headers to spans and back.

use opentelemetry::trace::TracerProvider as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanProcessor};

use super::*;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn tracer(propagation: Propagation) -> (Tracer, SdkTracerProvider) {
    let provider = SdkTracerProvider::builder().build();
    (Tracer::new(provider.tracer("test"), propagation), provider)
}

/// Keeps spans that have ended.
#[derive(Debug, Clone, Default)]
struct Ended(Arc<Mutex<Vec<SpanData>>>);

impl SpanProcessor for Ended {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

const BOTH: Propagation = Propagation {
    trace_context: true,
    b3: true,
};

fn headers(pairs: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<&'static str> {
    |name| {
        pairs
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    }
}

#[test]
fn a_tracer_that_is_off_makes_nothing() {
    let tracer = Tracer::default();
    let span = tracer.span(SpanKind::Server, Parent::default(), || -> String {
        unreachable!("not asked")
    });
    assert!(!tracer.is_on() && !span.is_recording() && span.position().is_none());
    assert_eq!(tracer.extract(headers(&[("traceparent", PARENT)])), None);
    span.inject(&tracer, |name, _| panic!("{name}"));
}

#[test]
fn spans_go_on_with_the_trace_of_their_parent() {
    let (tracer, _provider) = tracer(BOTH);
    let told = tracer
        .extract(headers(&[("traceparent", PARENT), ("tracestate", "a=b")]))
        .expect("a parent");
    let parent = Parent {
        position: Some((&told.traceparent, &told.tracestate)),
        is_remote: true,
        links: &[],
    };
    let span = tracer.span(SpanKind::Server, parent, || "work");
    let position = span.position().expect("a position");
    assert_eq!(position.traceparent[..36], PARENT[..36]);
    assert_ne!(position.traceparent[36..52], PARENT[36..52]);
    assert_eq!(position.tracestate, "a=b");
    let mut sent = Vec::new();
    span.inject(&tracer, |name, value| sent.push((name, value)));
    let [(_, traceparent), (_, state), (_, b3)] = &sent[..] else {
        panic!("{sent:?}")
    };
    assert_eq!((traceparent, state.as_str()), (&position.traceparent, "a=b"));
    assert_eq!(*b3, format!("{}-1", &traceparent[3..52]));
}

#[test]
fn the_forms_of_a_parent_are_read() {
    let (tracer, _provider) = tracer(BOTH);
    let single = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90";
    for (pairs, expect) in [
        (
            vec![("b3", single)],
            Some("00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-01"),
        ),
        (
            vec![
                ("x-b3-traceid", "64fe8b2a57d3eff7"),
                ("x-b3-spanid", "e457b5a2e4d86bd1"),
                ("x-b3-sampled", "0"),
            ],
            Some("00-000000000000000064fe8b2a57d3eff7-e457b5a2e4d86bd1-00"),
        ),
        (vec![("traceparent", PARENT), ("b3", single)], Some(PARENT)),
        (
            vec![(
                "traceparent",
                "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            )],
            Some(PARENT),
        ),
        (
            vec![(
                "traceparent",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            )],
            None,
        ),
        (
            vec![(
                "traceparent",
                "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            )],
            None,
        ),
        (
            vec![(
                "traceparent",
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            )],
            None,
        ),
        (
            vec![(
                "traceparent",
                "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            )],
            None,
        ),
        (vec![("traceparent", "00-0af7-b7ad-01")], None),
        (vec![("b3", "0")], None),
        (vec![], None),
    ] {
        let found = tracer.extract(|name| {
            pairs
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| *value)
        });
        assert_eq!(
            found.map(|found| found.traceparent).as_deref(),
            expect,
            "{pairs:?}"
        );
    }
}

#[test]
fn only_the_forms_that_are_wanted_are_read_and_written() {
    let (tracer, _provider) = tracer(Propagation {
        trace_context: false,
        b3: true,
    });
    assert_eq!(tracer.extract(headers(&[("traceparent", PARENT)])), None);
    let span = tracer.span(SpanKind::Client, Parent::default(), || "work");
    let mut names = Vec::new();
    span.inject(&tracer, |name, _| names.push(name));
    assert_eq!(names, ["b3"]);
}

#[test]
fn what_led_to_a_span_is_linked() {
    let ended = Ended::default();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(ended.clone())
        .build();
    let tracer = Tracer::new(provider.tracer("test"), BOTH);
    let links = [PARENT.to_owned(), "damaged".to_owned()];
    let parent = Parent {
        links: &links,
        ..Parent::default()
    };
    let mut span = tracer.span(SpanKind::Internal, parent, || "merged");
    span.set("items.sent", 3);
    span.fail(&"no");
    drop(span);
    let ended = ended.0.lock().expect("lock");
    assert_eq!(ended[0].links.len(), 1);
    assert_eq!(ended[0].status, Status::error("no"));
    assert_eq!(ended[0].attributes, [KeyValue::new("items.sent", 3)]);
}
