//! What an editor may change, level by level.

use prost::Message as _;
use weir_proto::otlp::metrics::v1 as otlp;

use super::assembly::Envelope;
use super::attributes::AttributesEdit;
use super::fields::{FieldEdits, put_fixed64, put_varint_field};
use super::walk::Own;
use crate::view::{MetricKind, Number, Temporality};
use crate::wire::cursor::{put_bytes, put_header, put_message, put_varint};
use crate::{DecodeError, Decoded};

/// Changes to a resource.
#[derive(Debug)]
pub struct ResourceEdit<'a> {
    /// Its attributes.
    pub attributes: AttributesEdit<'a>,
    /// The `Resource*` message.
    pub(super) content: &'a [u8],
}

impl ResourceEdit<'_> {
    /// Copies the resource without its scopes, as it was sent.
    pub fn to_envelope(&self) -> Envelope {
        Envelope::of_group(self.content)
    }
}

/// Changes to a scope.
#[derive(Debug)]
pub struct ScopeEdit<'a> {
    /// Its attributes.
    pub attributes: AttributesEdit<'a>,
    pub(super) fields: &'a mut FieldEdits,
    /// The `Scope*` message.
    pub(super) content: &'a [u8],
}

impl ScopeEdit<'_> {
    /// Copies the scope without what is in it, as it was sent.
    pub fn to_envelope(&self) -> Envelope {
        Envelope::of_group(self.content)
    }

    /// Sets the name.
    pub fn set_name(&mut self, name: &str) {
        self.fields.text(1, name);
    }

    /// Sets the version.
    pub fn set_version(&mut self, version: &str) {
        self.fields.text(2, version);
    }
}

/// Changes to a metric; its points are changed one by one.
#[derive(Debug)]
pub struct MetricEdit<'a> {
    pub(super) content: &'a [u8],
    pub(super) kind: MetricKind,
    pub(super) fields: &'a mut FieldEdits,
    /// Of the message with the points.
    pub(super) data: &'a mut FieldEdits,
    pub(super) replacement: &'a mut Option<Replacement>,
}

/// Metrics that stand instead of one.
#[derive(Debug, Default)]
pub(super) struct Replacement {
    /// Fields of the scope message.
    pub(super) bytes: Vec<u8>,
    pub(super) items: usize,
}

impl MetricEdit<'_> {
    /// Sets the name.
    pub fn set_name(&mut self, name: &str) {
        self.fields.text(1, name);
    }

    /// Sets the description.
    pub fn set_description(&mut self, description: &str) {
        self.fields.text(2, description);
    }

    /// Sets the unit.
    pub fn set_unit(&mut self, unit: &str) {
        self.fields.text(3, unit);
    }

    /// Sets what the values of the points cover. Gauges and summaries have no such thing and stay as they are.
    pub fn set_temporality(&mut self, temporality: Temporality) {
        let number = match temporality {
            Temporality::Unspecified => 0,
            Temporality::Delta => 1,
            Temporality::Cumulative => 2,
        };
        if matches!(
            self.kind,
            MetricKind::Sum { .. } | MetricKind::Histogram { .. } | MetricKind::ExponentialHistogram { .. }
        ) {
            self.data.varint(2, number);
        }
    }

    /// Says of a sum whether it never falls. Other metrics stay as they are.
    pub fn set_monotonic(&mut self, monotonic: bool) {
        if matches!(self.kind, MetricKind::Sum { .. }) {
            self.data.varint(3, u64::from(monotonic));
        }
    }

    /// Copies the metric without its points, as it was sent.
    pub fn to_envelope(&self) -> Envelope {
        Envelope::of_metric(self.content)
    }

    /// Decodes the metric with all its points, for those who must see it whole.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if a string in it is not UTF-8.
    pub fn decode(&self) -> Result<otlp::Metric, DecodeError> {
        Ok(otlp::Metric::decode(self.content)?)
    }

    /// Puts these metrics, or none, in the place of this one. Its points are then not shown, and other changes to it do not count.
    pub fn replace_with(&mut self, metrics: &[otlp::Metric]) {
        let mut replacement = Replacement::default();
        for metric in metrics {
            put_header(&mut replacement.bytes, 2, metric.encoded_len());
            metric.encode_raw(&mut replacement.bytes);
            replacement.items += Decoded::points(metric);
        }
        *self.replacement = Some(replacement);
    }
}

/// Changes to a point of any kind.
#[derive(Debug)]
pub struct PointEdit<'a> {
    /// Its attributes.
    pub attributes: AttributesEdit<'a>,
    pub(super) fields: &'a mut FieldEdits,
    pub(super) metric_name: &'a mut Option<Vec<u8>>,
    content: &'a [u8],
}

impl<'a> PointEdit<'a> {
    pub(super) fn new(
        content: &'a [u8],
        source: &'a [&'a [u8]],
        own: &'a mut Own,
        metric_name: &'a mut Option<Vec<u8>>,
    ) -> Self {
        let Own { list, fields, .. } = own;
        Self {
            attributes: AttributesEdit::new(source, list),
            fields,
            metric_name,
            content,
        }
    }
}

impl PointEdit<'_> {
    /// Returns the point as it was sent: the content of its message.
    pub const fn as_wire(&self) -> &[u8] {
        self.content
    }

    /// Sets the start of what the value covers, Unix time in nanoseconds; 0 is unset.
    pub fn set_start_ns(&mut self, start_ns: u64) {
        self.fields.fixed64(2, start_ns);
    }

    /// Sets the time of the value, Unix time in nanoseconds.
    pub fn set_time_ns(&mut self, time_ns: u64) {
        self.fields.fixed64(3, time_ns);
    }

    /// Moves the point to a metric of this name that is like its own otherwise and follows it. Points of one metric that get the
    /// same name stay together, in order. The name that the metric was sent with means that the point stays.
    pub fn set_metric_name(&mut self, name: &str) {
        *self.metric_name = Some(name.as_bytes().to_vec());
    }
}

/// Changes to a point of a gauge or sum.
#[derive(Debug)]
pub struct NumberEdit<'a> {
    /// What points of all kinds have.
    pub point: PointEdit<'a>,
}

impl NumberEdit<'_> {
    /// Sets the value.
    pub fn set_value(&mut self, value: Number) {
        let (number, bits) = match value {
            Number::Double(value) => (4, value.to_bits()),
            Number::Int(value) => (6, value.cast_unsigned()),
        };
        self.point
            .fields
            .set(1 << 4 | 1 << 6, |out| put_fixed64(out, number, bits));
    }

    /// Sets the flags; see [`NO_RECORDED_VALUE`](crate::view::NO_RECORDED_VALUE).
    pub fn set_flags(&mut self, flags: u32) {
        self.point.fields.varint(8, u64::from(flags));
    }
}

/// Changes to a point of an explicit-bucket histogram.
#[derive(Debug)]
pub struct HistogramEdit<'a> {
    /// What points of all kinds have.
    pub point: PointEdit<'a>,
}

impl HistogramEdit<'_> {
    /// Sets the number of measurements.
    pub fn set_count(&mut self, count: u64) {
        self.point.fields.fixed64(4, count);
    }

    /// Sets the sum of the measurements, or takes it away.
    pub fn set_sum(&mut self, sum: Option<f64>) {
        self.point.fields.double(5, sum);
    }

    /// Sets the measurements per bucket.
    pub fn set_bucket_counts(&mut self, counts: &[u64]) {
        let counts = counts.iter().map(|count| count.to_le_bytes());
        self.point.fields.set(1 << 6, |out| put_packed64(out, 6, counts));
    }

    /// Sets the upper bounds of the buckets.
    pub fn set_bounds(&mut self, bounds: &[f64]) {
        let bounds = bounds.iter().map(|bound| bound.to_le_bytes());
        self.point.fields.set(1 << 7, |out| put_packed64(out, 7, bounds));
    }

    /// Sets the smallest measurement, or takes it away.
    pub fn set_min(&mut self, min: Option<f64>) {
        self.point.fields.double(11, min);
    }

    /// Sets the largest measurement, or takes it away.
    pub fn set_max(&mut self, max: Option<f64>) {
        self.point.fields.double(12, max);
    }

    /// Sets the flags; see [`NO_RECORDED_VALUE`](crate::view::NO_RECORDED_VALUE).
    pub fn set_flags(&mut self, flags: u32) {
        self.point.fields.varint(10, u64::from(flags));
    }
}

/// Changes to a point of an exponential histogram.
#[derive(Debug)]
pub struct ExponentialHistogramEdit<'a> {
    /// What points of all kinds have.
    pub point: PointEdit<'a>,
}

impl ExponentialHistogramEdit<'_> {
    /// Sets the number of measurements.
    pub fn set_count(&mut self, count: u64) {
        self.point.fields.fixed64(4, count);
    }

    /// Sets the sum of the measurements, or takes it away.
    pub fn set_sum(&mut self, sum: Option<f64>) {
        self.point.fields.double(5, sum);
    }

    /// Sets the resolution.
    pub fn set_scale(&mut self, scale: i32) {
        self.point.fields.varint(6, zigzag(scale));
    }

    /// Sets the measurements within the zero threshold.
    pub fn set_zero_count(&mut self, count: u64) {
        self.point.fields.fixed64(7, count);
    }

    /// Sets the width of the zero bucket.
    pub fn set_zero_threshold(&mut self, threshold: f64) {
        self.point.fields.fixed64(14, threshold.to_bits());
    }

    /// Sets the buckets of positive measurements, the first of which has index `offset`.
    pub fn set_positive(&mut self, offset: i32, counts: &[u64]) {
        self.point
            .fields
            .set(1 << 8, |out| put_buckets(out, 8, offset, counts));
    }

    /// Sets the buckets of negative measurements, the first of which has index `offset`.
    pub fn set_negative(&mut self, offset: i32, counts: &[u64]) {
        self.point
            .fields
            .set(1 << 9, |out| put_buckets(out, 9, offset, counts));
    }

    /// Sets the smallest measurement, or takes it away.
    pub fn set_min(&mut self, min: Option<f64>) {
        self.point.fields.double(12, min);
    }

    /// Sets the largest measurement, or takes it away.
    pub fn set_max(&mut self, max: Option<f64>) {
        self.point.fields.double(13, max);
    }

    /// Sets the flags; see [`NO_RECORDED_VALUE`](crate::view::NO_RECORDED_VALUE).
    pub fn set_flags(&mut self, flags: u32) {
        self.point.fields.varint(10, u64::from(flags));
    }
}

/// Changes to a point of a summary.
#[derive(Debug)]
pub struct SummaryEdit<'a> {
    /// What points of all kinds have.
    pub point: PointEdit<'a>,
}

impl SummaryEdit<'_> {
    /// Sets the number of measurements.
    pub fn set_count(&mut self, count: u64) {
        self.point.fields.fixed64(4, count);
    }

    /// Sets the sum of the measurements.
    pub fn set_sum(&mut self, sum: f64) {
        self.point.fields.fixed64(5, sum.to_bits());
    }
}

/// Changes to a span.
#[derive(Debug)]
pub struct SpanEdit<'a> {
    /// Its attributes; those of its events and links are not shown.
    pub attributes: AttributesEdit<'a>,
    pub(super) fields: &'a mut FieldEdits,
}

impl SpanEdit<'_> {
    /// Sets the name of the operation.
    pub fn set_name(&mut self, name: &str) {
        self.fields.text(5, name);
    }
}

/// Changes to a log record.
#[derive(Debug)]
pub struct LogEdit<'a> {
    /// Its attributes.
    pub attributes: AttributesEdit<'a>,
    pub(super) fields: &'a mut FieldEdits,
}

impl LogEdit<'_> {
    /// Sets the severity in words.
    pub fn set_severity_text(&mut self, text: &str) {
        self.fields.text(3, text);
    }

    /// Sets the `SeverityNumber` of the specification.
    pub fn set_severity_number(&mut self, number: i32) {
        // int32: negative numbers are extended to 64 bits.
        self.fields.varint(2, i64::from(number).cast_unsigned());
    }

    /// Makes a text the body.
    pub fn set_body(&mut self, text: &str) {
        self.fields.set(1 << 5, |out| {
            put_message(out, 5, text.len() + 4, |out| put_bytes(out, 1, text.as_bytes()));
        });
    }
}

/// Appends a packed field of 8-byte numbers.
fn put_packed64(out: &mut Vec<u8>, number: u32, values: impl ExactSizeIterator<Item = [u8; 8]>) {
    if values.len() > 0 {
        put_header(out, number, values.len() * 8);
        values.for_each(|value| out.extend_from_slice(&value));
    }
}

/// Appends a `Buckets` message.
fn put_buckets(out: &mut Vec<u8>, number: u32, offset: i32, counts: &[u64]) {
    put_message(out, number, counts.len() + 4, |out| {
        put_varint_field(out, 1, zigzag(offset));
        if !counts.is_empty() {
            put_message(out, 2, counts.len(), |out| {
                counts.iter().for_each(|count| put_varint(out, *count));
            });
        }
    });
}

/// Encodes a sint32.
fn zigzag(number: i32) -> u64 {
    u64::from((number << 1 ^ number >> 31).cast_unsigned())
}
