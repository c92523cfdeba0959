//! Regrouping: what is merged, what stays, and that all of it is there afterwards.

mod model;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use self::model::{expected, groups, keys_of, mirrored, rows};
use super::Regrouped;
use crate::rewrite::RewriteError;
use crate::sample::{Dice, entropy, request};
use crate::wire::{scramble_request, sub};
use crate::{Batch, Decoded, MemoryBudget, Payload, Signal, WireChunk};

fn keys(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

/// A batch of several requests.
fn batch(signal: Signal, requests: &[Bytes]) -> Batch {
    let mut all = requests
        .iter()
        .map(|bytes| Batch::from_wire(signal, bytes.clone()).unwrap());
    let mut first = all.next().unwrap();
    all.for_each(|other| first.append(other).unwrap());
    first
}

fn only_bytes(batch: &Batch) -> Bytes {
    let mut chunks = batch.to_wire();
    assert_eq!(chunks.len(), 1);
    chunks.remove(0)
}

/// Asserts that a batch is a legal request with as many items as it says.
fn assert_legal(batch: &Batch) {
    let checked = batch
        .to_wire()
        .into_iter()
        .map(|bytes| WireChunk::check(batch.signal(), bytes).unwrap().items());
    assert_eq!(checked.sum::<usize>(), batch.items());
}

proptest! {
    #[test]
    fn records_are_grouped_as_decoded_ones_are(
        one in request(),
        choices in vec(any::<Index>(), 0..4),
    ) {
        let signal = one.signal();
        // Everything comes twice, the second time with all attributes in another order.
        let requests = [one.to_bytes(), mirrored(&one).to_bytes()];
        let mut batch = batch(signal, &requests);
        let met = keys_of(&one);
        let keys: Vec<String> = match met.len() {
            0 => Vec::new(),
            _ => choices.iter().map(|choice| choice.get(&met).clone()).collect(),
        };
        let before = batch.to_decoded().unwrap();
        let (after, moved) = expected(&before, &keys);
        let regrouped = batch.regroup(&keys).unwrap();
        assert_legal(&batch);
        let found = batch.to_decoded().unwrap();
        prop_assert_eq!(rows(&found), after.clone());
        // As compact as can be.
        prop_assert_eq!(groups(&found), model::distinct(&after));
        prop_assert_eq!(regrouped, Regrouped { moved, resources: groups(&found)[0] });
        // There is nothing left to do.
        let bytes = batch.to_wire();
        prop_assert_eq!(batch.regroup(&keys).unwrap().moved, 0);
        prop_assert_eq!(batch.to_wire(), bytes);
    }

    #[test]
    fn nothing_gets_lost_however_it_is_encoded(
        one in request(),
        how in entropy(),
        choices in vec(any::<Index>(), 0..4),
    ) {
        let signal = one.signal();
        let mut dice = Dice(&how);
        let requests = [scramble_request(&one, &mut dice), one.to_bytes(), scramble_request(&one, &mut dice)];
        let mut batch = batch(signal, &requests);
        let met = keys_of(&one);
        let keys: Vec<String> = match met.len() {
            0 => Vec::new(),
            _ => choices.iter().map(|choice| choice.get(&met).clone()).collect(),
        };
        let (mut after, _) = expected(&batch.to_decoded().unwrap(), &keys);
        batch.regroup(&keys).unwrap();
        assert_legal(&batch);
        let mut found = rows(&batch.to_decoded().unwrap());
        after.sort();
        found.sort();
        prop_assert_eq!(found, after);
    }

    #[test]
    fn decoded_batches_are_regrouped_alike(one in request()) {
        let keys: Vec<String> = keys_of(&one).into_iter().take(2).collect();
        let mut wire = batch(one.signal(), &[one.to_bytes()]);
        let mut decoded = Batch::from_decoded(one);
        prop_assert_eq!(wire.regroup(&keys).unwrap(), decoded.regroup(&keys).unwrap());
        prop_assert_eq!(rows(&wire.to_decoded().unwrap()), rows(&decoded.to_decoded().unwrap()));
    }
}

// === bytes by hand ===

/// An attribute in field `number` of its message.
fn attribute(number: u32, key: &str, value: &str) -> Vec<u8> {
    let value = sub(2, &sub(1, value.as_bytes()));
    sub(number, &[sub(1, key.as_bytes()), value].concat())
}

/// A log record with a body of one letter.
fn record(body: &str, attributes: &[(&str, &str)]) -> Vec<u8> {
    let attributes: Vec<u8> = attributes
        .iter()
        .flat_map(|(key, value)| attribute(6, key, value))
        .collect();
    sub(2, &[sub(5, &sub(1, body.as_bytes())), attributes].concat())
}

/// A resource with one scope of a name, and records in it.
fn resource(attributes: &[(&str, &str)], scope: &str, records: &[Vec<u8>]) -> Vec<u8> {
    let attributes: Vec<u8> = attributes
        .iter()
        .flat_map(|(key, value)| attribute(1, key, value))
        .collect();
    let scope = [sub(1, &sub(1, scope.as_bytes())), records.concat()].concat();
    sub(1, &[sub(1, &attributes), sub(2, &scope)].concat())
}

fn logs(resources: &[Vec<u8>]) -> Batch {
    batch(Signal::Logs, &[resources.concat().into()])
}

#[test]
fn records_move_to_a_resource_with_their_attributes() {
    let mut batch = logs(&[resource(
        &[("host", "?"), ("os", "linux")],
        "s",
        &[
            record("1", &[("host", "a"), ("n", "1")]),
            record("2", &[]),
            record("3", &[("zone", "z"), ("host", "b")]),
            record("4", &[("host", "a")]),
        ],
    )]);
    let regrouped = batch.regroup(&keys(&["zone", "host"])).unwrap();
    assert_eq!(
        regrouped,
        Regrouped {
            moved: 3,
            resources: 3
        }
    );
    let expected = logs(&[
        resource(
            &[("os", "linux"), ("host", "a")],
            "s",
            &[record("1", &[("n", "1")]), record("4", &[])],
        ),
        resource(&[("host", "?"), ("os", "linux")], "s", &[record("2", &[])]),
        resource(
            &[("os", "linux"), ("zone", "z"), ("host", "b")],
            "s",
            &[record("3", &[])],
        ),
    ]);
    assert_eq!(only_bytes(&batch), only_bytes(&expected));
}

#[test]
fn a_record_may_say_what_its_resource_says() {
    let mut batch = logs(&[resource(
        &[("host", "a"), ("os", "linux")],
        "s",
        &[record("1", &[]), record("2", &[("host", "a")])],
    )]);
    assert_eq!(batch.regroup(&keys(&["host"])).unwrap().resources, 1);
    let expected = logs(&[resource(
        &[("host", "a"), ("os", "linux")],
        "s",
        &[record("1", &[]), record("2", &[])],
    )]);
    assert_eq!(only_bytes(&batch), only_bytes(&expected));
}

#[test]
fn the_first_value_of_a_key_counts() {
    let mut batch = logs(&[resource(
        &[("host", "x"), ("host", "y")],
        "s",
        &[record("1", &[("host", "a"), ("n", "1"), ("host", "b")])],
    )]);
    batch.regroup(&keys(&["host"])).unwrap();
    let expected = logs(&[resource(&[("host", "a")], "s", &[record("1", &[("n", "1")])])]);
    assert_eq!(only_bytes(&batch), only_bytes(&expected));
}

#[test]
fn equal_resources_and_scopes_are_merged_without_keys() {
    let (a, b) = ([("x", "1"), ("y", "2")], [("y", "2"), ("x", "1")]);
    let mut batch = logs(&[
        resource(&a, "s", &[record("1", &[])]),
        resource(&a, "t", &[record("2", &[])]),
        resource(&[("x", "1")], "s", &[record("3", &[])]),
        resource(&b, "s", &[record("4", &[])]),
    ]);
    let regrouped = batch.regroup(&[]).unwrap();
    assert_eq!(
        regrouped,
        Regrouped {
            moved: 0,
            resources: 2
        }
    );
    let Decoded::Logs(request) = batch.to_decoded().unwrap() else {
        panic!("logs");
    };
    let records = |resource: usize, scope: usize| -> usize {
        request.resource_logs[resource].scope_logs[scope]
            .log_records
            .len()
    };
    assert_eq!((records(0, 0), records(0, 1), records(1, 0)), (2, 1, 1));
}

#[test]
fn schema_urls_and_unknown_fields_keep_apart_and_stay() {
    let with = |url: &str| {
        let mut content = sub(1, &attribute(1, "x", "1"));
        content.extend(sub(2, &record("1", &[])));
        content.extend(sub(3, url.as_bytes()));
        content.extend(sub(1000, b"new"));
        sub(1, &content)
    };
    let mut batch = logs(&[with("a"), with("b"), with("a"), sub(1000, b"request")]);
    assert_eq!(batch.regroup(&[]).unwrap().resources, 2);
    assert_eq!(batch.items(), 3);
    let bytes = only_bytes(&batch);
    for (what, times) in [(&b"new"[..], 2), (b"request", 1)] {
        let met = bytes.windows(what.len()).filter(|window| *window == what).count();
        assert_eq!(met, times);
    }
}

#[test]
fn what_needs_no_change_is_not_copied() {
    let all = [
        resource(
            &[("x", "1")],
            "s",
            &[record("1", &[]), record("2", &[("n", "1")])],
        ),
        resource(&[("x", "2")], "s", &[record("3", &[])]),
    ];
    let mut batch = logs(&all);
    let bytes = only_bytes(&batch);
    let regrouped = batch.regroup(&keys(&["host"])).unwrap();
    assert_eq!(
        regrouped,
        Regrouped {
            moved: 0,
            resources: 2
        }
    );
    assert_eq!(only_bytes(&batch).as_ptr(), bytes.as_ptr());
    let decoded = batch.to_decoded().unwrap();
    let mut batch = Batch::from_decoded(decoded);
    batch.regroup(&keys(&["host"])).unwrap();
    assert!(matches!(batch.payload(), Payload::Decoded(_)));
}

#[test]
fn what_holds_no_records_is_left_out() {
    let mut batch = logs(&[
        resource(&[("x", "1")], "s", &[]),
        resource(&[("x", "2")], "s", &[record("1", &[])]),
    ]);
    assert_eq!(batch.regroup(&[]).unwrap().resources, 1);
    let expected = logs(&[resource(&[("x", "2")], "s", &[record("1", &[])])]);
    assert_eq!(only_bytes(&batch), only_bytes(&expected));
    let mut empty = logs(&[resource(&[("x", "1")], "s", &[])]);
    assert_eq!(empty.regroup(&[]).unwrap().resources, 0);
    assert_eq!((empty.items(), empty.bytes()), (0, 0));
}

/// One large resource and many records, each with a value of its own.
fn fan(size: usize, records: usize) -> Batch {
    let records: Vec<Vec<u8>> = (0..records)
        .map(|index| record("1", &[("host", &index.to_string())]))
        .collect();
    logs(&[resource(&[("large", &"x".repeat(size))], "s", &records)])
}

#[test]
fn repeated_resources_are_bounded_and_charged() {
    let mut batch = fan(1 << 20, 300);
    let before = only_bytes(&batch);
    let error = batch.regroup(&keys(&["host"])).unwrap_err();
    assert!(matches!(error, RewriteError::TooLarge { .. }), "{error}");
    assert_eq!(only_bytes(&batch), before, "as it was");

    let batch = fan(1 << 10, 20);
    let budget = MemoryBudget::new(1 << 20);
    let permit = budget.try_acquire(batch.bytes() as u64).unwrap();
    let mut batch = batch.with_permit(permit);
    batch.regroup(&keys(&["host"])).unwrap();
    assert_eq!(budget.used(), batch.bytes() as u64);
}
