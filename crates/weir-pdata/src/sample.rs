//! Arbitrary messages of every signal, built out of a string of bytes.
//!
//! The bytes are used up from the front and read as zero past the end, so any string makes a message, a shorter
//! one makes a smaller message, and a property test shrinks well.

use proptest::collection::vec;
use proptest::prelude::*;
use weir_proto::otlp::collector::logs::v1::ExportLogsServiceRequest;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::collector::trace::v1::ExportTraceServiceRequest;
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use weir_proto::otlp::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::summary_data_point::ValueAtQuantile;
use weir_proto::otlp::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar,
    number_data_point,
};
use weir_proto::otlp::resource::v1::Resource;
use weir_proto::otlp::trace::v1::span::{Event, Link};
use weir_proto::otlp::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use crate::{Decoded, Signal};

/// Bytes that make a message: mostly small numbers, so that lists stay short but rarely empty.
pub(crate) fn entropy() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![3 => 0..16_u8, 1 => any::<u8>()], 0..2000)
}

/// Arbitrary requests of any signal, as they are after one trip over the wire (which forgets the sign of an unset zero).
pub(crate) fn request() -> impl Strategy<Value = Decoded> {
    prop::sample::select(&Signal::ALL).prop_flat_map(request_of)
}

/// The same of one signal.
pub(crate) fn request_of(signal: Signal) -> impl Strategy<Value = Decoded> {
    entropy().prop_map(move |bytes| {
        let bytes = Dice(&bytes).request(signal).to_bytes();
        Decoded::from_bytes(signal, bytes).expect("encoded above")
    })
}

/// A source of choices.
pub(crate) struct Dice<'a>(pub(crate) &'a [u8]);

impl Dice<'_> {
    pub(crate) fn request(&mut self, signal: Signal) -> Decoded {
        match signal {
            Signal::Metrics => Decoded::Metrics(self.metrics()),
            Signal::Traces => Decoded::Traces(self.traces()),
            Signal::Logs => Decoded::Logs(self.logs()),
        }
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    pub(crate) fn below(&mut self, sides: u8) -> u8 {
        self.byte() % sides
    }

    pub(crate) fn u64(&mut self) -> u64 {
        match self.below(4) {
            0 => 0,
            1 => u64::from(self.byte()),
            2 => u64::MAX - u64::from(self.byte()),
            _ => (0..8).fold(0, |sum, _| sum << 8 | u64::from(self.byte())),
        }
    }

    pub(crate) fn i64(&mut self) -> i64 {
        self.u64().cast_signed()
    }

    pub(crate) fn u32(&mut self) -> u32 {
        (self.u64() & u64::from(u32::MAX)) as u32
    }

    pub(crate) fn i32(&mut self) -> i32 {
        self.u32().cast_signed()
    }

    pub(crate) fn bool(&mut self) -> bool {
        self.below(2) == 1
    }

    pub(crate) fn f64(&mut self) -> f64 {
        let value = match self.below(6) {
            0 => 0.0,
            1 => -0.0,
            2 => f64::INFINITY,
            3 => f64::NEG_INFINITY,
            4 => f64::from(self.byte()) / 10.0,
            _ => f64::from_bits(self.u64()),
        };
        // JSON has one NaN.
        if value.is_nan() { f64::NAN } else { value }
    }

    fn text(&mut self) -> String {
        let alphabet = [
            'a', 'Z', '0', '_', '"', '\\', '/', '\0', '\n', '\u{1f}', '\u{7f}', 'é', '\u{2028}', '😀',
        ];
        (0..self.below(6))
            .map(|_| alphabet[usize::from(self.below(14))])
            .collect()
    }

    fn bytes(&mut self) -> Vec<u8> {
        (0..self.below(6)).map(|_| self.byte()).collect()
    }

    fn id<const N: usize>(&mut self) -> Vec<u8> {
        if self.bool() {
            (0..N).map(|_| self.byte()).collect()
        } else {
            Vec::new()
        }
    }

    pub(crate) fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.bool().then(|| make(self))
    }

    pub(crate) fn some<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(4)).map(|_| make(self)).collect()
    }

    // === Common ===

    pub(crate) fn value(&mut self, depth: u8) -> AnyValue {
        let value = match self.below(if depth == 0 { 7 } else { 9 }) {
            0 => None,
            1 => Some(Value::StringValue(self.text())),
            2 => Some(Value::BoolValue(self.bool())),
            3 => Some(Value::IntValue(self.i64())),
            4 => Some(Value::DoubleValue(self.f64())),
            5 => Some(Value::BytesValue(self.bytes())),
            6 => Some(Value::StringValueStrindex(self.i32())),
            7 => Some(Value::ArrayValue(ArrayValue {
                values: self.some(|d| d.value(depth - 1)),
            })),
            _ => Some(Value::KvlistValue(KeyValueList {
                values: self.some(|d| d.attribute(depth - 1)),
            })),
        };
        AnyValue { value }
    }

    fn attribute(&mut self, depth: u8) -> KeyValue {
        KeyValue {
            key: self.text(),
            value: self.maybe(|d| d.value(depth)),
            key_strindex: self.i32(),
        }
    }

    fn attributes(&mut self) -> Vec<KeyValue> {
        self.some(|d| d.attribute(3))
    }

    fn resource(&mut self) -> Resource {
        Resource {
            attributes: self.attributes(),
            dropped_attributes_count: self.u32(),
            entity_refs: self.some(|d| EntityRef {
                schema_url: d.text(),
                r#type: d.text(),
                id_keys: d.some(Dice::text),
                description_keys: d.some(Dice::text),
            }),
        }
    }

    fn scope(&mut self) -> InstrumentationScope {
        InstrumentationScope {
            name: self.text(),
            version: self.text(),
            attributes: self.attributes(),
            dropped_attributes_count: self.u32(),
        }
    }

    // === Metrics ===

    pub(crate) fn metrics(&mut self) -> ExportMetricsServiceRequest {
        ExportMetricsServiceRequest {
            resource_metrics: self.some(|d| ResourceMetrics {
                resource: d.maybe(Dice::resource),
                scope_metrics: d.some(|d| ScopeMetrics {
                    scope: d.maybe(Dice::scope),
                    metrics: d.some(Dice::metric),
                    schema_url: d.text(),
                }),
                schema_url: d.text(),
            }),
        }
    }

    fn metric(&mut self) -> Metric {
        let data = match self.below(6) {
            0 => None,
            1 => Some(Data::Gauge(Gauge {
                data_points: self.some(Dice::number),
            })),
            2 => Some(Data::Sum(Sum {
                data_points: self.some(Dice::number),
                aggregation_temporality: self.i32(),
                is_monotonic: self.bool(),
            })),
            3 => Some(Data::Histogram(Histogram {
                data_points: self.some(Dice::histogram),
                aggregation_temporality: self.i32(),
            })),
            4 => Some(Data::ExponentialHistogram(ExponentialHistogram {
                data_points: self.some(Dice::exponential),
                aggregation_temporality: self.i32(),
            })),
            _ => Some(Data::Summary(Summary {
                data_points: self.some(Dice::summary),
            })),
        };
        Metric {
            name: self.text(),
            description: self.text(),
            unit: self.text(),
            metadata: self.attributes(),
            data,
        }
    }

    fn number(&mut self) -> NumberDataPoint {
        NumberDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.u64(),
            time_unix_nano: self.u64(),
            exemplars: self.some(Dice::exemplar),
            flags: self.u32(),
            value: self.maybe(|d| match d.bool() {
                true => number_data_point::Value::AsInt(d.i64()),
                false => number_data_point::Value::AsDouble(d.f64()),
            }),
        }
    }

    fn histogram(&mut self) -> HistogramDataPoint {
        HistogramDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.u64(),
            time_unix_nano: self.u64(),
            count: self.u64(),
            sum: self.maybe(Dice::f64),
            bucket_counts: self.some(Dice::u64),
            explicit_bounds: self.some(Dice::f64),
            exemplars: self.some(Dice::exemplar),
            flags: self.u32(),
            min: self.maybe(Dice::f64),
            max: self.maybe(Dice::f64),
        }
    }

    fn exponential(&mut self) -> ExponentialHistogramDataPoint {
        let buckets = |d: &mut Self| Buckets {
            offset: d.i32(),
            bucket_counts: d.some(Dice::u64),
        };
        ExponentialHistogramDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.u64(),
            time_unix_nano: self.u64(),
            count: self.u64(),
            sum: self.maybe(Dice::f64),
            scale: self.i32(),
            zero_count: self.u64(),
            positive: self.maybe(buckets),
            negative: self.maybe(buckets),
            flags: self.u32(),
            exemplars: self.some(Dice::exemplar),
            min: self.maybe(Dice::f64),
            max: self.maybe(Dice::f64),
            zero_threshold: self.f64(),
        }
    }

    fn summary(&mut self) -> SummaryDataPoint {
        SummaryDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.u64(),
            time_unix_nano: self.u64(),
            count: self.u64(),
            sum: self.f64(),
            quantile_values: self.some(|d| ValueAtQuantile {
                quantile: d.f64(),
                value: d.f64(),
            }),
            flags: self.u32(),
        }
    }

    fn exemplar(&mut self) -> Exemplar {
        Exemplar {
            filtered_attributes: self.attributes(),
            time_unix_nano: self.u64(),
            span_id: self.id::<8>(),
            trace_id: self.id::<16>(),
            value: self.maybe(|d| match d.bool() {
                true => exemplar::Value::AsInt(d.i64()),
                false => exemplar::Value::AsDouble(d.f64()),
            }),
        }
    }

    // === Traces ===

    pub(crate) fn traces(&mut self) -> ExportTraceServiceRequest {
        ExportTraceServiceRequest {
            resource_spans: self.some(|d| ResourceSpans {
                resource: d.maybe(Dice::resource),
                scope_spans: d.some(|d| ScopeSpans {
                    scope: d.maybe(Dice::scope),
                    spans: d.some(Dice::span),
                    schema_url: d.text(),
                }),
                schema_url: d.text(),
            }),
        }
    }

    fn span(&mut self) -> Span {
        Span {
            trace_id: self.id::<16>(),
            span_id: self.id::<8>(),
            trace_state: self.text(),
            parent_span_id: self.id::<8>(),
            flags: self.u32(),
            name: self.text(),
            kind: self.i32(),
            start_time_unix_nano: self.u64(),
            end_time_unix_nano: self.u64(),
            attributes: self.attributes(),
            dropped_attributes_count: self.u32(),
            events: self.some(|d| Event {
                time_unix_nano: d.u64(),
                name: d.text(),
                attributes: d.attributes(),
                dropped_attributes_count: d.u32(),
            }),
            dropped_events_count: self.u32(),
            links: self.some(|d| Link {
                trace_id: d.id::<16>(),
                span_id: d.id::<8>(),
                trace_state: d.text(),
                attributes: d.attributes(),
                dropped_attributes_count: d.u32(),
                flags: d.u32(),
            }),
            dropped_links_count: self.u32(),
            status: self.maybe(|d| Status {
                message: d.text(),
                code: d.i32(),
            }),
        }
    }

    // === Logs ===

    pub(crate) fn logs(&mut self) -> ExportLogsServiceRequest {
        ExportLogsServiceRequest {
            resource_logs: self.some(|d| ResourceLogs {
                resource: d.maybe(Dice::resource),
                scope_logs: d.some(|d| ScopeLogs {
                    scope: d.maybe(Dice::scope),
                    log_records: d.some(Dice::log),
                    schema_url: d.text(),
                }),
                schema_url: d.text(),
            }),
        }
    }

    fn log(&mut self) -> LogRecord {
        LogRecord {
            time_unix_nano: self.u64(),
            observed_time_unix_nano: self.u64(),
            severity_number: self.i32(),
            severity_text: self.text(),
            body: self.maybe(|d| d.value(4)),
            attributes: self.attributes(),
            dropped_attributes_count: self.u32(),
            flags: self.u32(),
            trace_id: self.id::<16>(),
            span_id: self.id::<8>(),
            event_name: self.text(),
        }
    }
}
