//! Batches: both forms, merging, splitting, permits.

use std::num::NonZeroUsize;

use proptest::prelude::*;
use weir_proto::otlp::collector::logs::v1::ExportLogsServiceRequest;
use weir_proto::otlp::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use weir_proto::otlp::metrics::v1::ResourceMetrics;
use weir_proto::otlp::metrics::v1::metric::Data;

use super::*;
use crate::sample::{request, request_of};
use crate::{ContextParts, MemoryBudget, Trace};

/// A checked wire batch of a request.
fn wire(request: &Decoded) -> Batch {
    Batch::from_wire(request.signal(), request.to_bytes()).unwrap()
}

/// Every item with all that it belongs to, one line each, in order.
fn items(batch: &Batch) -> Vec<String> {
    match batch.to_decoded().unwrap() {
        Decoded::Metrics(request) => request
            .resource_metrics
            .into_iter()
            .flat_map(metric_lines)
            .collect(),
        Decoded::Traces(request) => lines(request.resource_spans, |resource| {
            lines(std::mem::take(&mut resource.scope_spans), |scope| {
                std::mem::take(&mut scope.spans)
                    .iter()
                    .map(|span| format!("{span:?}"))
                    .collect()
            })
        }),
        Decoded::Logs(request) => lines(request.resource_logs, |resource| {
            lines(std::mem::take(&mut resource.scope_logs), |scope| {
                std::mem::take(&mut scope.log_records)
                    .iter()
                    .map(|record| format!("{record:?}"))
                    .collect()
            })
        }),
    }
}

/// Takes the children's lines out of each parent and puts what is left of the parent in front of them.
fn lines<T: std::fmt::Debug>(parents: Vec<T>, children: impl Fn(&mut T) -> Vec<String>) -> Vec<String> {
    let line = |mut parent: T| {
        let children = children(&mut parent);
        children
            .into_iter()
            .map(move |child| format!("{parent:?} > {child}"))
    };
    parents.into_iter().flat_map(line).collect()
}

fn metric_lines(resource: ResourceMetrics) -> Vec<String> {
    lines(vec![resource], |resource| {
        lines(std::mem::take(&mut resource.scope_metrics), |scope| {
            lines(std::mem::take(&mut scope.metrics), |metric| {
                let show = |point: &dyn std::fmt::Debug| format!("{point:?}");
                match &mut metric.data {
                    Some(Data::Gauge(data)) => data.data_points.drain(..).map(|point| show(&point)).collect(),
                    Some(Data::Sum(data)) => data.data_points.drain(..).map(|point| show(&point)).collect(),
                    Some(Data::Histogram(data)) => {
                        data.data_points.drain(..).map(|point| show(&point)).collect()
                    }
                    Some(Data::ExponentialHistogram(data)) => {
                        data.data_points.drain(..).map(|point| show(&point)).collect()
                    }
                    Some(Data::Summary(data)) => {
                        data.data_points.drain(..).map(|point| show(&point)).collect()
                    }
                    None => Vec::new(),
                }
            })
        })
    })
}

/// Asserts that parts are sound and hold the items of the whole, in order, none twice.
fn assert_parts(whole: &Batch, parts: &[Batch]) {
    for part in parts {
        assert_eq!(part.context(), whole.context());
        for (bytes, chunk) in part.to_wire().into_iter().zip(chunks(part)) {
            let checked = WireChunk::check(part.signal(), bytes).expect("a part is sound");
            assert_eq!(checked.items(), chunk.items(), "counted while splitting");
        }
    }
    assert_eq!(parts.iter().flat_map(items).collect::<Vec<_>>(), items(whole));
}

fn chunks(batch: &Batch) -> &[WireChunk] {
    match batch.payload() {
        Payload::Wire(chunks) => chunks,
        Payload::Decoded(_) => &[],
    }
}

/// The bytes of a part that are no items: what splitting repeats.
fn overhead(part: &Batch) -> usize {
    let mut decoded = part.to_decoded().unwrap();
    match &mut decoded {
        Decoded::Metrics(request) => {
            for metric in request
                .resource_metrics
                .iter_mut()
                .flat_map(|r| &mut r.scope_metrics)
                .flat_map(|s| &mut s.metrics)
            {
                match &mut metric.data {
                    Some(Data::Gauge(data)) => data.data_points.clear(),
                    Some(Data::Sum(data)) => data.data_points.clear(),
                    Some(Data::Histogram(data)) => data.data_points.clear(),
                    Some(Data::ExponentialHistogram(data)) => data.data_points.clear(),
                    Some(Data::Summary(data)) => data.data_points.clear(),
                    None => {}
                }
            }
        }
        Decoded::Traces(request) => {
            request
                .resource_spans
                .iter_mut()
                .flat_map(|r| &mut r.scope_spans)
                .for_each(|s| s.spans.clear());
        }
        Decoded::Logs(request) => {
            request
                .resource_logs
                .iter_mut()
                .flat_map(|r| &mut r.scope_logs)
                .for_each(|s| s.log_records.clear());
        }
    }
    decoded.encoded_len()
}

fn limit(max: usize) -> NonZeroUsize {
    NonZeroUsize::new(max).unwrap()
}

/// Two requests of one signal.
fn two_alike() -> impl Strategy<Value = (Signal, Decoded, Decoded)> {
    prop::sample::select(&Signal::ALL)
        .prop_flat_map(|signal| (Just(signal), request_of(signal), request_of(signal)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn both_forms_say_the_same(request in request()) {
        let (wire, decoded) = (wire(&request), Batch::from_decoded(request.clone()));
        prop_assert_eq!(wire.items(), decoded.items());
        prop_assert_eq!(wire.bytes(), decoded.bytes());
        prop_assert_eq!(wire.resources(), decoded.resources());
        prop_assert_eq!(wire.metrics(), decoded.metrics());
        prop_assert_eq!(wire.to_wire(), decoded.to_wire());
        prop_assert_eq!(format!("{:?}", wire.to_decoded().unwrap()), format!("{request:?}"));
        let mut changed = wire.clone();
        prop_assert_eq!(format!("{:?}", changed.decoded_mut().unwrap()), format!("{request:?}"));
        prop_assert_eq!(changed.to_wire(), wire.to_wire());
        prop_assert_eq!(changed.metrics_mut().unwrap().is_some(), request.signal() == Signal::Metrics);
    }

    #[test]
    fn merging_keeps_all_items_in_order((signal, first, second) in two_alike()) {
        let mut expected = items(&wire(&first));
        expected.extend(items(&wire(&second)));
        let forms = |request: &Decoded| [wire(request), Batch::from_decoded(request.clone())];
        for mut merged in forms(&first) {
            for other in forms(&second) {
                let mut merged = merged.clone();
                merged.append(other).unwrap();
                prop_assert_eq!(merged.items(), expected.len());
                prop_assert_eq!(&items(&merged), &expected);
                // Concatenated, the chunks are one request.
                let concatenated = Batch::from_wire(signal, merged.to_wire().concat().into()).unwrap();
                prop_assert_eq!(&items(&concatenated), &expected);
            }
            let signal = if signal == Signal::Logs { Signal::Traces } else { Signal::Logs };
            prop_assert!(merged.append(Batch::from_decoded(Decoded::empty(signal))).is_err());
        }
    }

    #[test]
    fn splitting_by_items_loses_nothing(requests in prop::collection::vec(request(), 1..4), max in 1..9usize) {
        for whole in merged(&requests) {
            let parts = whole.clone().split_items(limit(max));
            assert_parts(&whole, &parts);
            prop_assert!(parts.iter().all(|part| part.items() <= max));
            // Single requests are filled up to the limit.
            if chunks(&whole).len() <= 1 {
                prop_assert!(parts.len() <= whole.items().div_ceil(max).max(1));
            }
        }
    }

    #[test]
    fn splitting_by_bytes_loses_nothing(requests in prop::collection::vec(request(), 1..4), max in 1..3_000usize) {
        for whole in merged(&requests) {
            let parts = whole.clone().split_bytes(limit(max));
            assert_parts(&whole, &parts);
            for part in &parts {
                let excused = part.items() <= 1 || part.bytes() <= 2 * overhead(part) + 44;
                prop_assert!(part.bytes() <= max || excused, "{} of at most {max}", part.bytes());
            }
        }
    }
}

/// The requests of the first one's signal as one batch: of several chunks, and decoded.
fn merged(requests: &[Decoded]) -> [Batch; 2] {
    let alike = || {
        requests
            .iter()
            .filter(|request| request.signal() == requests[0].signal())
    };
    let mut whole = wire(&requests[0]);
    alike()
        .skip(1)
        .for_each(|request| whole.append(wire(request)).unwrap());
    let context = Context::new(ContextParts {
        tenant: Some("t".to_owned()),
        ..ContextParts::default()
    });
    let whole = whole.with_context(context);
    let mut decoded = whole.clone();
    decoded.decoded_mut().unwrap();
    [whole, decoded]
}

/// A request of `records` log records under a scope whose schema URL takes `header` bytes.
fn logs(header: usize, records: u64) -> Batch {
    let record = |time| LogRecord {
        time_unix_nano: time,
        severity_text: "INFO".to_owned(),
        ..LogRecord::default()
    };
    let scope = ScopeLogs {
        schema_url: "s".repeat(header),
        log_records: (1..=records).map(record).collect(),
        ..ScopeLogs::default()
    };
    let resource = ResourceLogs {
        scope_logs: vec![scope],
        ..ResourceLogs::default()
    };
    wire(&Decoded::Logs(ExportLogsServiceRequest {
        resource_logs: vec![resource],
    }))
}

#[test]
fn parts_are_filled_up_to_the_limit_in_bytes() {
    let whole = logs(100, 1_000);
    let parts = whole.clone().split_bytes(limit(1_000));
    assert_parts(&whole, &parts);
    assert!(parts.iter().all(|part| part.bytes() <= 1_000));
    let (_, filled) = parts.split_last().unwrap();
    assert!(
        filled.iter().all(|part| part.bytes() > 1_000 - 70),
        "{:?}",
        filled.iter().map(Batch::bytes).collect::<Vec<_>>()
    );
}

#[test]
fn large_headers_do_not_multiply() {
    let whole = logs(10_000, 10_000);
    for max in [1, 9_990, 10_050] {
        let parts = whole.clone().split_bytes(limit(max));
        assert_parts(&whole, &parts);
        let total: usize = parts.iter().map(Batch::bytes).sum();
        assert!(
            total < 3 * whole.bytes(),
            "{} bytes became {total}",
            whole.bytes()
        );
    }
}

#[test]
fn a_batch_within_the_limit_stays_whole() {
    let whole = logs(10, 5);
    let bytes = whole.bytes();
    assert_eq!(whole.clone().split_items(limit(5)).len(), 1);
    assert_eq!(whole.clone().split_bytes(limit(bytes)).len(), 1);
    assert_eq!(whole.split_bytes(limit(bytes - 1)).len(), 2);
    let empty = Batch::from_decoded(Decoded::empty(Signal::Traces));
    assert_eq!(empty.split_items(limit(1)).len(), 1);
}

#[test]
fn permits_live_as_long_as_the_last_part() {
    let budget = MemoryBudget::new(100);
    let charged = |bytes| logs(10, 4).with_permit(budget.try_acquire(bytes).unwrap());
    let mut merged = charged(30);
    assert!(merged.has_permit());
    merged.append(charged(20)).unwrap();
    assert_eq!(budget.used(), 50);
    let mut parts = merged.split_items(limit(3));
    assert_eq!(parts.iter().map(Batch::items).collect::<Vec<_>>(), [3, 1, 3, 1]);
    let last = parts.pop();
    drop(parts);
    assert_eq!(budget.used(), 50);
    drop(last);
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_refused_merge_returns_the_permits_of_both() {
    let budget = MemoryBudget::new(100);
    let mut batch = logs(10, 1).with_permit(budget.try_acquire(10).unwrap());
    let other =
        Batch::from_decoded(Decoded::empty(Signal::Traces)).with_permit(budget.try_acquire(5).unwrap());
    let mismatch = batch.append(other).unwrap_err();
    assert_eq!(mismatch.to_string(), "cannot append traces to logs");
    assert_eq!(budget.used(), 10, "the batch that was to grow is as it was");
}

#[test]
fn the_trace_stays_with_the_data_and_merged_batches_link_theirs() {
    let traced = |traceparent: &str| {
        let trace = Trace {
            traceparent: Some(traceparent.to_owned()),
            ..Trace::default()
        };
        logs(0, 1).with_context(Context::default().with_trace(trace))
    };
    // Another context does not say where the batch is in a trace.
    let mut whole = traced("a").with_context(Context::default());
    assert_eq!(whole.context().trace().unwrap().traceparent.as_deref(), Some("a"));
    assert_eq!(
        whole.context(),
        logs(0, 1).context(),
        "contexts are compared without"
    );
    whole.append(logs(0, 1)).unwrap();
    assert!(
        whole.context().trace().unwrap().links.is_empty(),
        "one had no trace"
    );
    whole.append(traced("b")).unwrap();
    let mut others = logs(0, 1);
    others.append(traced("c")).unwrap();
    whole.append(others).unwrap();
    let trace = whole.context().trace().unwrap();
    assert_eq!(
        (trace.traceparent.as_ref(), trace.links.as_slice()),
        (None, ["a", "b", "c"].map(str::to_owned).as_slice())
    );
    for _ in 0..2 * Trace::MAX_LINKS {
        whole.append(traced("d")).unwrap();
    }
    assert_eq!(whole.context().trace().unwrap().links.len(), Trace::MAX_LINKS);
}
