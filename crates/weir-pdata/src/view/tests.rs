//! One reading of both forms.

use bytes::Bytes;
use proptest::prelude::*;
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::common::v1::{AnyValue as OtlpValue, KeyValue};

use super::*;
use crate::sample::{Dice, entropy};
use crate::transcript::transcript;
use crate::wire::cursor::put_header;
use crate::{Batch, Decoded, Signal};

/// Returns `content` as field `number`.
fn sub(number: u32, content: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    put_header(&mut field, number, content.len());
    field.extend_from_slice(content);
    field
}

proptest! {
    #[test]
    fn wire_and_decoded_read_alike(bytes in entropy()) {
        let bytes = Decoded::Metrics(Dice(&bytes).metrics()).to_bytes();
        let decoded = Batch::from_decoded(Decoded::from_bytes(Signal::Metrics, bytes.clone()).unwrap());
        let wire = Batch::from_wire(Signal::Metrics, bytes).unwrap();
        prop_assert_eq!(transcript(&wire), transcript(&decoded));
    }

    #[test]
    fn raw_attributes_decode_to_the_attribute(bytes in entropy()) {
        let batch = Batch::from_decoded(Decoded::Metrics(Dice(&bytes).metrics()));
        let wire = Batch::from_wire(Signal::Metrics, batch.to_wire().remove(0)).unwrap();
        let (mut decoded_raw, mut wire_raw) = (RawAttributes::default(), RawAttributes::default());
        batch.visit_metrics(&mut decoded_raw);
        wire.visit_metrics(&mut wire_raw);
        prop_assert_eq!(decoded_raw.0, wire_raw.0);
    }
}

#[test]
fn a_list_in_one_piece_has_raw_bytes() {
    let attribute = |text: &str| sub(7, &[sub(1, b"k"), sub(2, &sub(1, text.as_bytes()))].concat());
    let time = [&[3 << 3 | 1][..], &[7; 8]].concat();
    let (short, long) = (attribute("short"), attribute(&"long".repeat(50)));
    let run = [&short[..], &long, &short, &short].concat();
    let cases = [
        ([&time[..], &run].concat(), Some(run.clone()), 4),
        ([&run[..], &time].concat(), Some(run.clone()), 4),
        ([&short[..], &time, &run].concat(), None, 5),
        (time.clone(), Some(Vec::new()), 0),
    ];
    for (point, raw, count) in cases {
        let request = sub(1, &sub(2, &sub(2, &sub(5, &sub(1, &point)))));
        let mut seen = PointLists::default();
        Batch::from_wire(Signal::Metrics, request.into())
            .unwrap()
            .visit_metrics(&mut seen);
        assert_eq!(seen.0, [(count, raw)]);
    }
}

/// Collects length and raw bytes of the attributes of number points.
#[derive(Default)]
struct PointLists(Vec<(usize, Option<Vec<u8>>)>);

impl MetricsVisitor for PointLists {
    fn resource(&mut self, _: &Resource<'_>) {}

    fn scope(&mut self, _: &Scope<'_>) {}

    fn metric(&mut self, _: &Metric<'_>) -> Visit {
        Visit::Points
    }

    fn number(&mut self, point: &NumberPoint<'_>) {
        let raw = point.attributes.raw().map(<[u8]>::to_vec);
        self.0.push((point.attributes.len(), raw));
    }

    fn histogram(&mut self, _: &HistogramPoint<'_>) {}

    fn exponential_histogram(&mut self, _: &ExponentialHistogramPoint<'_>) {}

    fn summary(&mut self, _: &SummaryPoint<'_>) {}
}

/// Collects the raw attributes of resources.
#[derive(Default)]
struct RawAttributes(Vec<Vec<u8>>);

impl MetricsVisitor for RawAttributes {
    fn resource(&mut self, resource: &Resource<'_>) {
        let mut scratch = Vec::new();
        self.0.extend(
            resource
                .attributes
                .iter()
                .map(|attribute| attribute.raw(&mut scratch).to_vec()),
        );
    }

    fn scope(&mut self, _: &Scope<'_>) {}

    fn metric(&mut self, _: &Metric<'_>) -> Visit {
        Visit::Skip
    }

    fn number(&mut self, _: &NumberPoint<'_>) {
        panic!("points were not wanted");
    }

    fn histogram(&mut self, _: &HistogramPoint<'_>) {
        panic!("points were not wanted");
    }

    fn exponential_histogram(&mut self, _: &ExponentialHistogramPoint<'_>) {
        panic!("points were not wanted");
    }

    fn summary(&mut self, _: &SummaryPoint<'_>) {
        panic!("points were not wanted");
    }
}

#[test]
fn other_signals_show_no_metrics() {
    for signal in [Signal::Traces, Signal::Logs] {
        // Two fields of a resource without data are the same in all signals.
        let wire = Batch::from_wire(signal, Bytes::from_static(&[0x0a, 0])).unwrap();
        assert_eq!(transcript(&wire), "");
        assert_eq!(transcript(&Batch::from_decoded(Decoded::empty(signal))), "");
    }
}

#[test]
fn text_is_judged_when_it_is_asked_for() {
    // A resource whose schema URL is one byte that is not UTF-8.
    let bytes = Bytes::from_static(&[0x0a, 3, 0x1a, 1, 0xff]);
    let mut batch = Batch::from_wire(Signal::Metrics, bytes).unwrap();
    assert!(transcript(&batch).contains("255"));
    assert_eq!(Text(&[0xff]).to_str(), Err(InvalidUtf8));
    assert!(batch.decoded_mut().is_err());
    assert!(
        matches!(batch.payload(), crate::Payload::Wire(_)),
        "a failed change leaves the batch as it was"
    );
}

#[test]
fn unknown_temporality_is_unspecified() {
    let expected = [
        Temporality::Unspecified,
        Temporality::Delta,
        Temporality::Cumulative,
        Temporality::Unspecified,
    ];
    assert_eq!([0, 1, 2, 3].map(Temporality::from_number), expected);
    assert_eq!(Temporality::from_number(-1), Temporality::Unspecified);
}

#[test]
fn a_value_without_content_is_empty() {
    let absent = KeyValue {
        key: "k".to_owned(),
        ..KeyValue::default()
    };
    let empty = KeyValue {
        value: Some(OtlpValue { value: None }),
        ..absent.clone()
    };
    let index = KeyValue {
        value: Some(OtlpValue {
            value: Some(Value::StringValueStrindex(3)),
        }),
        ..absent.clone()
    };
    for message in [absent, empty, index] {
        let mut wire = Vec::new();
        Attribute::Decoded(&message).raw(&mut wire);
        for attribute in [Attribute::Decoded(&message), Attribute::Wire(&wire)] {
            assert!(matches!(attribute.value(), AnyValue::Empty), "{message:?}");
            assert_eq!(attribute.key().to_str(), Ok("k"));
        }
    }
}
