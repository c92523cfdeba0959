//! Rewriting: nothing changes what was not changed, and edits do what the same edits do to decoded messages.

mod assembly;
mod model;

use bytes::Bytes;
use proptest::prelude::*;

use self::model::{Plan, edit_decoded};
use super::*;
use crate::sample::{Dice, entropy, request};
use crate::view::{AnyValue, Attribute, Number, Temporality};
use crate::wire::{scramble_request, sub};
use crate::{Batch, Decoded, MemoryBudget, Payload, Signal, WireChunk};

/// Keeps everything and looks at everything.
struct Nothing;

impl Editor for Nothing {}

fn only_bytes(batch: &Batch) -> Bytes {
    let mut chunks = batch.to_wire();
    assert_eq!(chunks.len(), 1);
    chunks.remove(0)
}

proptest! {
    #[test]
    fn an_editor_that_changes_nothing_keeps_the_very_bytes(request in request(), how in entropy()) {
        let bytes = scramble_request(&request, &mut Dice(&how));
        let mut batch = Batch::from_wire(request.signal(), bytes.clone()).unwrap();
        let rewritten = batch.rewrite(&mut Nothing).unwrap();
        prop_assert_eq!(rewritten.before, rewritten.after);
        prop_assert_eq!(only_bytes(&batch).as_ptr(), bytes.as_ptr(), "not copied");
        prop_assert_eq!(only_bytes(&batch), bytes);
    }

    #[test]
    fn edits_do_what_the_same_edits_do_to_decoded_messages(
        request in request(),
        how in entropy(),
        choices in entropy(),
    ) {
        let signal = request.signal();
        let bytes = scramble_request(&request, &mut Dice(&how));
        let mut expected = Decoded::from_bytes(signal, bytes.clone()).unwrap();
        edit_decoded(&mut expected, &mut Plan::new(&choices));
        let mut batch = Batch::from_wire(signal, bytes).unwrap();
        let rewritten = batch.rewrite(&mut Plan::new(&choices)).unwrap();
        let found = batch.to_decoded().unwrap();
        prop_assert_eq!(format!("{found:#?}"), format!("{expected:#?}"));
        prop_assert_eq!((rewritten.after, batch.items()), (expected.items(), expected.items()));
        for chunk in batch.to_wire() {
            let checked = WireChunk::check(signal, chunk).unwrap();
            prop_assert_eq!(checked.items(), expected.items());
        }
    }

    #[test]
    fn decoded_batches_are_rewritten_alike(request in request(), choices in entropy()) {
        let mut decoded = Batch::from_decoded(request.clone());
        let mut wire = Batch::from_wire(request.signal(), request.to_bytes()).unwrap();
        let both = [&mut decoded, &mut wire].map(|batch| batch.rewrite(&mut Plan::new(&choices)).unwrap());
        prop_assert_eq!(both[0], both[1]);
        prop_assert_eq!(format!("{:?}", decoded.to_decoded()), format!("{:?}", wire.to_decoded()));
    }
}

#[test]
fn a_decoded_batch_without_changes_stays_decoded() {
    let mut batch = Batch::from_decoded(Decoded::empty(Signal::Metrics));
    batch.rewrite(&mut Nothing).unwrap();
    assert!(matches!(batch.payload(), Payload::Decoded(_)));
}

// === fields that nobody knows ===

/// Field 1000 with a byte that tells where it stood.
fn unknown(mark: u8) -> Vec<u8> {
    [sub(1_000, &[mark]), vec![0xf8, 0x3e, mark]].concat()
}

/// Changes something on every level.
struct Everywhere;

impl Editor for Everywhere {
    fn resource(&mut self, _: &Resource<'_>, edit: &mut ResourceEdit<'_>) -> Answer {
        edit.attributes.upsert("new", true);
        Answer::Enter
    }

    fn scope(&mut self, _: &Scope<'_>, edit: &mut ScopeEdit<'_>) -> Answer {
        edit.set_name("new");
        Answer::Enter
    }

    fn metric(&mut self, _: &Metric<'_>, edit: &mut MetricEdit<'_>) -> Answer {
        edit.set_unit("new");
        edit.set_temporality(Temporality::Cumulative);
        Answer::Enter
    }

    fn number(&mut self, _: &NumberPoint<'_>, edit: &mut NumberEdit<'_>) -> Answer {
        edit.set_value(Number::Int(1));
        edit.point.set_start_ns(2);
        Answer::Keep
    }
}

#[test]
fn unknown_fields_survive_on_every_level() {
    let exemplar = sub(5, &unknown(8));
    let point = [unknown(7), exemplar, unknown(7)].concat();
    let data = [unknown(6), sub(1, &point), unknown(6)].concat();
    let metric = [unknown(5), sub(1, b"name"), sub(7, &data), unknown(5)].concat();
    let scope = [sub(1, &unknown(4)), unknown(3), sub(2, &metric)].concat();
    let resource = [sub(2, &scope), sub(1, &unknown(2)), unknown(1)].concat();
    let request = [unknown(0), sub(1, &resource), unknown(0)].concat();
    let mut batch = Batch::from_wire(Signal::Metrics, request.clone().into()).unwrap();
    batch.rewrite(&mut Everywhere).unwrap();
    let found = only_bytes(&batch);
    for mark in 0..9 {
        let count = |bytes: &[u8]| {
            bytes
                .windows(unknown(mark).len())
                .filter(|w| **w == unknown(mark))
                .count()
        };
        assert_eq!(count(&found), count(&request), "level {mark}");
        assert!(count(&request) > 0);
    }
    WireChunk::check(Signal::Metrics, found).unwrap();
}

// === bounds ===

/// Adds a large text to every span.
struct Inflate(String);

impl Editor for Inflate {
    fn span(&mut self, _: &Span<'_>, edit: &mut SpanEdit<'_>) -> Answer {
        edit.attributes.upsert("large", self.0.as_str());
        Answer::Keep
    }
}

/// A request of this many empty spans.
fn spans(count: usize) -> Bytes {
    sub(1, &sub(2, &sub(2, &[]).repeat(count))).into()
}

#[test]
fn edits_that_add_too_much_are_refused() {
    let mut batch = Batch::from_wire(Signal::Traces, spans(1_000)).unwrap();
    let before = only_bytes(&batch);
    let error = batch.rewrite(&mut Inflate("x".repeat(1 << 20))).unwrap_err();
    assert!(matches!(error, RewriteError::TooLarge { .. }), "{error}");
    assert_eq!(only_bytes(&batch), before, "the batch is as it was");
}

#[test]
fn what_edits_add_is_charged_to_the_budget() {
    let budget = MemoryBudget::new(10_000);
    let mut batch = Batch::from_wire(Signal::Traces, spans(10)).unwrap();
    let before = batch.bytes();
    batch = batch.with_permit(budget.try_acquire(before as u64).unwrap());
    batch.rewrite(&mut Inflate("x".repeat(100))).unwrap();
    assert!(batch.bytes() > before + 1_000);
    assert_eq!(budget.used(), batch.bytes() as u64);
}

/// Copies resource attributes to every point.
#[derive(Default)]
struct Spread(Vec<Vec<u8>>);

impl Editor for Spread {
    fn resource(&mut self, resource: &Resource<'_>, _: &mut ResourceEdit<'_>) -> Answer {
        let mut scratch = Vec::new();
        self.0 = resource
            .attributes
            .iter()
            .map(|attribute| attribute.raw(&mut scratch).to_vec())
            .collect();
        Answer::Enter
    }

    fn point(&mut self, _: &Attributes<'_>, edit: &mut PointEdit<'_>) -> Answer {
        for attribute in &self.0 {
            edit.attributes.push(Attribute::Wire(attribute));
        }
        Answer::Keep
    }
}

/// A request with one point, whose resource has an attribute that nests `depth` lists.
fn nested_resource(depth: usize) -> Bytes {
    let value = (0..depth).fold(Vec::new(), |inner, _| sub(5, &sub(1, &inner)));
    let attribute = sub(1, &[sub(1, b"deep"), sub(2, &value)].concat());
    let metric = sub(2, &sub(5, &sub(1, &[])));
    sub(1, &[sub(1, &attribute), sub(2, &metric)].concat()).into()
}

#[test]
fn a_value_that_nests_too_deep_for_its_new_place_is_refused() {
    let mut fits = Batch::from_wire(Signal::Metrics, nested_resource(40)).unwrap();
    fits.rewrite(&mut Spread::default()).unwrap();
    assert!(fits.to_decoded().is_ok());
    // As deep as a resource may have it, so too deep for a point.
    let deepest = (40..60)
        .rev()
        .find_map(|depth| Batch::from_wire(Signal::Metrics, nested_resource(depth)).ok());
    let mut deepest = deepest.unwrap();
    let error = deepest.rewrite(&mut Spread::default()).unwrap_err();
    assert!(matches!(error, RewriteError::Illegal(_)), "{error}");
}

// === lists of attributes ===

/// Runs one change on the attributes of a span and returns the list before, after, and the answer.
struct OnList<F>(F, Vec<String>);

impl<F: FnMut(&mut AttributesEdit<'_>) -> bool> Editor for OnList<F> {
    fn span(&mut self, _: &Span<'_>, edit: &mut SpanEdit<'_>) -> Answer {
        let answer = (self.0)(&mut edit.attributes);
        self.1 = edit.attributes.iter().map(show).collect();
        self.1.push(answer.to_string());
        Answer::Keep
    }
}

fn show(attribute: Attribute<'_>) -> String {
    let value = match attribute.value() {
        AnyValue::String(text) => text.to_str().unwrap().to_owned(),
        AnyValue::Int(value) => value.to_string(),
        other => format!("{other:?}"),
    };
    format!("{}={value}", attribute.key().to_str().unwrap())
}

fn check(change: impl FnMut(&mut AttributesEdit<'_>) -> bool, expect: &[&str]) {
    let attribute = |key: &str, value: &str| {
        sub(
            9,
            &[sub(1, key.as_bytes()), sub(2, &sub(1, value.as_bytes()))].concat(),
        )
    };
    let span = [
        attribute("a", "1"),
        attribute("b", "2"),
        attribute("a", "3"),
        attribute("c", "4"),
    ]
    .concat();
    let mut batch = Batch::from_wire(Signal::Traces, sub(1, &sub(2, &sub(2, &span))).into()).unwrap();
    let mut editor = OnList(change, Vec::new());
    batch.rewrite(&mut editor).unwrap();
    assert_eq!(editor.1, expect);
    // What stands on the wire afterwards is what the edit said.
    let mut again = OnList(|_: &mut AttributesEdit<'_>| true, Vec::new());
    batch.rewrite(&mut again).unwrap();
    assert_eq!(again.1[..again.1.len() - 1], editor.1[..editor.1.len() - 1]);
}

#[test]
fn attributes_keep_their_order() {
    check(|_| true, &["a=1", "b=2", "a=3", "c=4", "true"]);
    check(|list| list.upsert("b", 7), &["a=1", "b=7", "a=3", "c=4", "true"]);
    check(|list| list.upsert("a", "x"), &["a=x", "b=2", "c=4", "true"]);
    check(
        |list| list.upsert("d", "x"),
        &["a=1", "b=2", "a=3", "c=4", "d=x", "false"],
    );
    check(
        |list| list.insert("b", "x"),
        &["a=1", "b=2", "a=3", "c=4", "false"],
    );
    check(
        |list| list.insert("d", "x"),
        &["a=1", "b=2", "a=3", "c=4", "d=x", "true"],
    );
    check(
        |list| list.update("d", "x"),
        &["a=1", "b=2", "a=3", "c=4", "false"],
    );
    check(|list| list.remove("a"), &["b=2", "c=4", "true"]);
    check(|list| list.remove("d"), &["a=1", "b=2", "a=3", "c=4", "false"]);
    check(|list| list.rename("b", "a"), &["a=2", "c=4", "true"]);
    check(|list| list.rename("a", "z"), &["z=1", "b=2", "c=4", "true"]);
    check(
        |list| list.rename("d", "a"),
        &["a=1", "b=2", "a=3", "c=4", "false"],
    );
    check(
        |list| list.rename("b", "b"),
        &["a=1", "b=2", "a=3", "c=4", "true"],
    );
    check(
        |list| list.replace_values(|one| (one.key().as_bytes() == b"a").then(|| "x".to_owned())) == 2,
        &["a=x", "b=2", "a=x", "c=4", "true"],
    );
    check(|list| list.copy("c", "b"), &["a=1", "b=4", "a=3", "c=4", "true"]);
    check(
        |list| list.copy("c", "d"),
        &["a=1", "b=2", "a=3", "c=4", "d=4", "true"],
    );
    check(|list| list.copy("d", "a"), &["a=1", "b=2", "a=3", "c=4", "false"]);
    check(
        |list| {
            list.upsert("d", "5");
            list.rename("d", "e");
            list.copy("e", "f");
            list.clear();
            list.push(Attribute::Wire(&[0x0a, 1, b'x', 0x12, 2, 0x18, 9]));
            list.is_empty()
        },
        &["x=9", "false"],
    );
}

// === points that change their metric ===

/// Gives points the metric name that their time says.
struct ByTime(&'static [&'static str]);

impl Editor for ByTime {
    fn metric(&mut self, _: &Metric<'_>, edit: &mut MetricEdit<'_>) -> Answer {
        edit.set_unit("By");
        Answer::Enter
    }

    fn number(&mut self, point: &NumberPoint<'_>, edit: &mut NumberEdit<'_>) -> Answer {
        edit.point.set_metric_name(self.0[point.time_ns as usize]);
        Answer::Keep
    }
}

#[test]
fn points_move_to_metrics_of_their_names() {
    let point = |time: u8| sub(1, &[&[3 << 3 | 1, time][..], &[0; 7]].concat());
    let data = [point(0), point(1), vec![2 << 3, 1], point(2), point(3)].concat();
    let metric = [sub(2, b"help"), sub(1, b"a"), sub(7, &data)].concat();
    let request: Bytes = sub(1, &sub(2, &sub(2, &metric))).into();
    let names = |names: &'static [&'static str]| {
        let mut batch = Batch::from_wire(Signal::Metrics, request.clone()).unwrap();
        let rewritten = batch.rewrite(&mut ByTime(names)).unwrap();
        assert_eq!((rewritten.before, rewritten.after), (4, 4));
        assert_eq!(
            WireChunk::check(Signal::Metrics, only_bytes(&batch))
                .unwrap()
                .items(),
            4
        );
        let Decoded::Metrics(request) = batch.to_decoded().unwrap() else {
            panic!("metrics");
        };
        let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
        metrics
            .iter()
            .map(|metric| {
                assert_eq!(
                    (metric.description.as_str(), metric.unit.as_str()),
                    ("help", "By")
                );
                let Some(weir_proto::otlp::metrics::v1::metric::Data::Sum(sum)) = &metric.data else {
                    panic!("a sum");
                };
                assert_eq!(sum.aggregation_temporality, 1);
                let times: String = sum
                    .data_points
                    .iter()
                    .map(|p| p.time_unix_nano.to_string())
                    .collect();
                format!("{}:{times}", metric.name)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&["a", "a", "a", "a"]), ["a:0123"]);
    assert_eq!(names(&["a", "c", "b", "c"]), ["a:0", "c:13", "b:2"]);
    assert_eq!(names(&["b", "c", "b", "b"]), ["b:023", "c:1"]);
}
