//! OTLP/protobuf from any bytes: the check at the door and what relies on it, against prost.

#![no_main]

use std::error::Error as _;
use std::fmt::Write;
use std::num::NonZeroUsize;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use weir_pdata::view::{
    AnyValue, Attributes, Exemplars, ExponentialHistogramPoint, HistogramPoint, Metric, MetricsVisitor,
    NumberPoint, Resource, Scope, SummaryPoint, Visit,
};
use weir_pdata::{Batch, Decoded, Signal};

fuzz_target!(|bytes: &[u8]| {
    for signal in Signal::ALL {
        agree(signal, &Bytes::copy_from_slice(bytes));
    }
});

/// The check, prost and the views say the same of the same bytes.
fn agree(signal: Signal, bytes: &Bytes) {
    let decoded = Decoded::from_bytes(signal, bytes.clone());
    let batch = match Batch::from_wire(signal, bytes.clone()) {
        Ok(batch) => batch,
        Err(error) => {
            assert!(error.offset <= bytes.len());
            // Stricter than prost on purpose: prost lets the last kind of data win and skips groups, which OTLP never had.
            let stricter = ["more than one value", "wire type"]
                .iter()
                .any(|what| error.reason.contains(what));
            assert!(
                decoded.is_err() || stricter,
                "prost accepts what the check refuses: {error}"
            );
            return;
        }
    };
    let seen = transcript(&batch);
    split(&batch);
    match decoded {
        Ok(decoded) => {
            assert_eq!(batch.items(), decoded.items());
            assert_eq!(seen, transcript(&Batch::from_decoded(decoded)));
        }
        Err(error) => {
            let cause = error.source().expect("prost's error").to_string();
            assert!(
                cause.contains("UTF-8"),
                "prost refuses what the check accepts: {cause}"
            );
        }
    }
}

/// Parts are sound, within the limit, and hold every item once.
fn split(batch: &Batch) {
    for max in [1, 2, 7].map(|max| NonZeroUsize::new(max).expect("not zero")) {
        let parts = batch.clone().split_items(max);
        assert!(parts.iter().all(|part| part.items() <= max.get()));
        assert_eq!(parts.iter().map(Batch::items).sum::<usize>(), batch.items());
        for (part, bytes) in parts
            .iter()
            .flat_map(|part| part.to_wire().into_iter().map(move |bytes| (part, bytes)))
        {
            Batch::from_wire(part.signal(), bytes).expect("a part is sound");
        }
    }
    let parts = batch
        .clone()
        .split_bytes(NonZeroUsize::new(64).expect("not zero"));
    assert_eq!(parts.iter().map(Batch::items).sum::<usize>(), batch.items());
}

/// Writes down all that a visitor is shown, to the bottom.
fn transcript(batch: &Batch) -> String {
    let mut transcript = Transcript(String::new());
    batch.visit_metrics(&mut transcript);
    transcript.0
}

struct Transcript(String);

impl Transcript {
    fn note(&mut self, what: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{what}").expect("memory");
    }

    fn attributes(&mut self, attributes: &Attributes<'_>) {
        for attribute in attributes.iter() {
            self.note(format_args!("{:?} =", attribute.key().as_bytes()));
            self.value(attribute.value());
        }
    }

    fn value(&mut self, value: AnyValue<'_>) {
        match value {
            AnyValue::String(text) => self.note(format_args!("{:?}", text.as_bytes())),
            AnyValue::Array(list) => {
                self.note(format_args!("["));
                list.iter().for_each(|element| self.value(element));
            }
            AnyValue::Map(list) => {
                self.note(format_args!("{{"));
                list.iter().for_each(|element| {
                    self.note(format_args!("{:?} =", element.key().as_bytes()));
                    self.value(element.value());
                });
            }
            plain => self.note(format_args!("{plain:?}")),
        }
    }

    fn exemplars(&mut self, exemplars: &Exemplars<'_>) {
        exemplars.for_each(|exemplar| {
            self.note(format_args!(
                "exemplar {} {:?} {:?} {:?}",
                exemplar.time_ns, exemplar.value, exemplar.span_id, exemplar.trace_id
            ));
            self.attributes(&exemplar.filtered_attributes);
        });
    }
}

impl MetricsVisitor for Transcript {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.note(format_args!("resource {:?}", resource.schema_url));
        self.attributes(&resource.attributes);
    }

    fn scope(&mut self, scope: &Scope<'_>) {
        self.note(format_args!(
            "scope {:?} {:?} {:?}",
            scope.name, scope.version, scope.schema_url
        ));
        self.attributes(&scope.attributes);
    }

    fn metric(&mut self, metric: &Metric<'_>) -> Visit {
        self.note(format_args!(
            "metric {:?} {:?} {:?} {:?} {}",
            metric.name, metric.description, metric.unit, metric.kind, metric.points
        ));
        self.attributes(&metric.metadata);
        Visit::Points
    }

    fn number(&mut self, point: &NumberPoint<'_>) {
        let (start, time) = (point.start_ns, point.time_ns);
        self.note(format_args!(
            "number {start} {time} {:?} {}",
            point.value, point.flags
        ));
        self.attributes(&point.attributes);
        self.exemplars(&point.exemplars);
    }

    fn histogram(&mut self, point: &HistogramPoint<'_>) {
        let (start, time) = (point.start_ns, point.time_ns);
        let counts: Vec<u64> = point.bucket_counts.iter().collect();
        let bounds: Vec<f64> = point.bounds.iter().collect();
        self.note(format_args!(
            "histogram {start} {time} {} {:?} {counts:?} {bounds:?}",
            point.count, point.sum
        ));
        self.note(format_args!("{:?} {:?} {}", point.min, point.max, point.flags));
        self.attributes(&point.attributes);
        self.exemplars(&point.exemplars);
    }

    fn exponential_histogram(&mut self, point: &ExponentialHistogramPoint<'_>) {
        let (start, time) = (point.start_ns, point.time_ns);
        self.note(format_args!(
            "exponential {start} {time} {} {:?} {}",
            point.count, point.sum, point.scale
        ));
        self.note(format_args!(
            "{} {:?} {:?}",
            point.zero_count, point.zero_threshold, point.positive
        ));
        self.note(format_args!(
            "{:?} {:?} {:?} {}",
            point.negative, point.min, point.max, point.flags
        ));
        self.attributes(&point.attributes);
        self.exemplars(&point.exemplars);
    }

    fn summary(&mut self, point: &SummaryPoint<'_>) {
        let (start, time) = (point.start_ns, point.time_ns);
        self.note(format_args!(
            "summary {start} {time} {} {:?}",
            point.count, point.sum
        ));
        self.note(format_args!("{:?} {}", point.quantiles, point.flags));
        self.attributes(&point.attributes);
    }
}
