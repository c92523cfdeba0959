//! Writes down all that a [`MetricsVisitor`] is shown, so that tests can compare two readings.

use std::fmt::Write;

use crate::Batch;
use crate::view::{
    AnyValue, Attribute, Attributes, Buckets, Exemplars, ExponentialHistogramPoint, HistogramPoint, Metric,
    MetricsVisitor, NumberPoint, Resource, Scope, SummaryPoint, Visit,
};

/// Returns what a visitor of the batch is shown, to the bottom.
pub(crate) fn transcript(batch: &Batch) -> String {
    let mut transcript = Transcript::default();
    batch.visit_metrics(&mut transcript);
    transcript.0
}

#[derive(Default)]
struct Transcript(String);

impl Transcript {
    fn note(&mut self, what: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{what}").expect("a String takes everything");
    }

    fn attributes(&mut self, attributes: &Attributes<'_>) {
        assert_eq!(attributes.iter().count(), attributes.len());
        attributes.iter().for_each(|attribute| self.attribute(attribute));
    }

    fn attribute(&mut self, attribute: Attribute<'_>) {
        self.note(format_args!("{:?} =", attribute.key()));
        self.value(attribute.value());
    }

    fn value(&mut self, value: AnyValue<'_>) {
        match value {
            AnyValue::Array(list) => {
                self.note(format_args!("["));
                list.iter().for_each(|element| self.value(element));
                self.note(format_args!("]"));
            }
            AnyValue::Map(list) => {
                self.note(format_args!("{{"));
                list.iter().for_each(|element| self.attribute(element));
                self.note(format_args!("}}"));
            }
            plain => self.note(format_args!("{plain:?}")),
        }
    }

    fn exemplars(&mut self, exemplars: &Exemplars<'_>) {
        self.note(format_args!("{} exemplars", exemplars.len()));
        exemplars.for_each(|exemplar| {
            let ids = (exemplar.span_id, exemplar.trace_id);
            self.note(format_args!("{} {:?} {ids:?}", exemplar.time_ns, exemplar.value));
            self.attributes(&exemplar.filtered_attributes);
        });
    }

    fn buckets(&mut self, buckets: &Buckets<'_>) {
        self.note(format_args!("from {} {:?}", buckets.offset, buckets.counts));
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
            "metric {:?} {:?} {:?}",
            metric.name, metric.description, metric.unit
        ));
        self.note(format_args!("{:?} of {} points", metric.kind, metric.points));
        self.attributes(&metric.metadata);
        Visit::Points
    }

    fn number(&mut self, point: &NumberPoint<'_>) {
        self.note(format_args!(
            "number {} {} {:?} {}",
            point.start_ns, point.time_ns, point.value, point.flags
        ));
        self.attributes(&point.attributes);
        self.exemplars(&point.exemplars);
    }

    fn histogram(&mut self, point: &HistogramPoint<'_>) {
        let (counts, bounds): (Vec<u64>, Vec<f64>) = (
            point.bucket_counts.iter().collect(),
            point.bounds.iter().collect(),
        );
        assert_eq!(
            (counts.len(), bounds.len()),
            (point.bucket_counts.len(), point.bounds.len())
        );
        self.note(format_args!(
            "histogram {} {} {} {:?}",
            point.start_ns, point.time_ns, point.count, point.sum
        ));
        self.note(format_args!(
            "{counts:?} {bounds:?} {:?} {:?} {}",
            point.min, point.max, point.flags
        ));
        self.attributes(&point.attributes);
        self.exemplars(&point.exemplars);
    }

    fn exponential_histogram(&mut self, point: &ExponentialHistogramPoint<'_>) {
        self.note(format_args!(
            "exponential {} {} {} {:?}",
            point.start_ns, point.time_ns, point.count, point.sum
        ));
        self.note(format_args!(
            "{} {} {:?}",
            point.scale, point.zero_count, point.zero_threshold
        ));
        self.note(format_args!("{:?} {:?} {}", point.min, point.max, point.flags));
        self.buckets(&point.positive);
        self.buckets(&point.negative);
        self.attributes(&point.attributes);
        self.exemplars(&point.exemplars);
    }

    fn summary(&mut self, point: &SummaryPoint<'_>) {
        self.note(format_args!(
            "summary {} {} {} {:?}",
            point.start_ns, point.time_ns, point.count, point.sum
        ));
        self.note(format_args!("{:?} {}", point.quantiles, point.flags));
        self.attributes(&point.attributes);
    }
}
