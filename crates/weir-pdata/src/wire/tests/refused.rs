//! What the check refuses, and where it says the fault is.

use bytes::Bytes;

use super::scramble::sub;
use crate::{Decoded, Signal, WireChunk, WireError};

/// Wraps a metric's fields up to a whole request.
fn metric(content: &[u8]) -> Bytes {
    sub(1, &sub(2, &sub(2, content))).into()
}

fn refused(request: Bytes) -> WireError {
    WireChunk::check(Signal::Metrics, request).expect_err("must be refused")
}

fn check(content: &[u8], message: &str, reason: &str) {
    let request = metric(content);
    let error = refused(request.clone());
    assert_eq!(error.message, message, "{error}");
    assert!(error.reason.contains(reason), "{error}");
    assert!(
        error.offset >= request.len() - content.len() && error.offset < request.len(),
        "{error}"
    );
}

#[test]
fn known_fields_of_the_wrong_wire_type() {
    // Metric.name as a varint, Metric.gauge as a fixed64, Sum.is_monotonic as bytes, NumberDataPoint.time_unix_nano as a varint.
    check(&[1 << 3, 7], "Metric", "wire type");
    check(&[&[5 << 3 | 1][..], &[0; 8]].concat(), "Metric", "wire type");
    check(&sub(7, &sub(3, b"x")), "Sum", "wire type");
    check(&sub(5, &sub(1, &[3 << 3, 7])), "NumberDataPoint", "wire type");
    // Histogram bounds whose length is no multiple of 8, exponential counts that end inside a varint.
    check(
        &sub(9, &sub(1, &sub(7, &[0; 9]))),
        "HistogramDataPoint",
        "wire type",
    );
    check(
        &sub(10, &sub(1, &sub(8, &sub(2, &[0x80])))),
        "Buckets",
        "ends inside",
    );
}

#[test]
fn groups_and_numbers_that_do_not_exist() {
    for wire_type in [3, 4, 6, 7] {
        check(&[1 << 3 | wire_type], "Metric", "wire type");
    }
    check(&[2], "Metric", "field number");
    // The largest number is 2^29 - 1.
    check(&[0xf8, 0xff, 0xff, 0xff, 0x1f, 0], "Metric", "field number");
    assert!(WireChunk::check(Signal::Metrics, metric(&[0xf8, 0xff, 0xff, 0xff, 0x0f, 0])).is_ok());
}

#[test]
fn varints_beyond_64_bits() {
    let number = |last: &[u8]| [&[100 << 3 & 0x7f | 0x80, 100 >> 4][..], &[0xff; 9], last].concat();
    assert!(WireChunk::check(Signal::Metrics, metric(&number(&[1]))).is_ok());
    check(&number(&[2]), "Metric", "longer than 64 bits");
    check(&number(&[0x80, 0]), "Metric", "longer than 64 bits");
    check(&number(&[]), "Metric", "ends inside");
    // A length that no memory holds.
    check(
        &[&[1 << 3 | 2][..], &[0xff; 9], &[1]].concat(),
        "Metric",
        "ends inside",
    );
}

#[test]
fn more_than_one_value() {
    check(&[sub(5, b""), sub(5, b"")].concat(), "Metric", "more than one");
    check(&[sub(5, b""), sub(11, b"")].concat(), "Metric", "more than one");
    let attribute = |content: &[u8]| sub(12, content);
    check(
        &attribute(&[sub(2, b""), sub(2, b"")].concat()),
        "KeyValue",
        "more than one",
    );
    check(
        &attribute(&sub(2, &[sub(1, b"a"), sub(1, b"b")].concat())),
        "AnyValue",
        "more than one",
    );
    check(
        &attribute(&sub(2, &[2 << 3, 1, 3 << 3, 1])),
        "AnyValue",
        "more than one",
    );
}

/// A log record whose body is a value in a list in a value … down to `depth` messages, with `inside` in the innermost.
fn nested(depth: usize, inside: &[u8]) -> Bytes {
    // The request's resource is message 1, scope 2, record 3, body 4; values and lists alternate below.
    let mut content = inside.to_vec();
    for level in (5..=depth).rev() {
        content = if level % 2 == 1 {
            sub(5, &content)
        } else {
            sub(1, &content)
        };
    }
    sub(1, &sub(2, &sub(2, &sub(5, &content)))).into()
}

#[test]
fn nesting_beyond_what_prost_reads() {
    let unknown = [0xc0, 0x3e, 0];
    for (depth, inside, sound) in [
        (99, &[][..], true),
        (100, &[], true),
        (101, &[], false),
        (5_000, &[], false),
    ]
    .into_iter()
    .chain([(99, &unknown[..], true), (100, &unknown, false)])
    {
        let request = nested(depth, inside);
        let checked = WireChunk::check(Signal::Logs, request.clone());
        assert_eq!(checked.is_ok(), sound, "{depth} {inside:?}");
        assert_eq!(
            Decoded::from_bytes(Signal::Logs, request).is_ok(),
            sound,
            "prost at {depth} {inside:?}"
        );
        if let Err(error) = checked {
            assert!(error.reason.contains("nested deeper than 100"), "{error}");
        }
    }
}

#[test]
fn a_fault_is_told_with_its_place() {
    let error = refused(metric(&[sub(1, b"name"), vec![5 << 3, 0]].concat()));
    assert_eq!(
        error.to_string(),
        "malformed Metric at byte 12: field 5 has the wrong wire type"
    );
}
