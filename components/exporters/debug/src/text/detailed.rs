//! Every field of every record.

use std::fmt::{Display, Write as _};

use weir_component::Signal;
use weir_pdata::Decoded;
use weir_proto::otlp::common::v1::{InstrumentationScope, KeyValue};
use weir_proto::otlp::logs::v1::{LogRecord, SeverityNumber};
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric,
    NumberDataPoint, SummaryDataPoint, exemplar, number_data_point,
};
use weir_proto::otlp::resource::v1::Resource;
use weir_proto::otlp::trace::v1::Span;
use weir_proto::otlp::trace::v1::span::SpanKind;
use weir_proto::otlp::trace::v1::status::StatusCode;

use super::group;
use super::value::{hex, time, typed};

/// Prints every field.
pub(crate) fn detailed(decoded: &Decoded) -> String {
    let mut out = Printer::default();
    let signal = decoded.signal();
    match decoded {
        Decoded::Metrics(request) => {
            for (index, resource) in request.resource_metrics.iter().enumerate() {
                out.resource(signal, index, &resource.schema_url, resource.resource.as_ref());
                for (index, scope) in resource.scope_metrics.iter().enumerate() {
                    out.scope(signal, index, &scope.schema_url, scope.scope.as_ref());
                    scope
                        .metrics
                        .iter()
                        .enumerate()
                        .for_each(|(index, metric)| out.metric(index, metric));
                }
            }
        }
        Decoded::Traces(request) => {
            for (index, resource) in request.resource_spans.iter().enumerate() {
                out.resource(signal, index, &resource.schema_url, resource.resource.as_ref());
                for (index, scope) in resource.scope_spans.iter().enumerate() {
                    out.scope(signal, index, &scope.schema_url, scope.scope.as_ref());
                    scope
                        .spans
                        .iter()
                        .enumerate()
                        .for_each(|(index, span)| out.span(index, span));
                }
            }
        }
        Decoded::Logs(request) => {
            for (index, resource) in request.resource_logs.iter().enumerate() {
                out.resource(signal, index, &resource.schema_url, resource.resource.as_ref());
                for (index, scope) in resource.scope_logs.iter().enumerate() {
                    out.scope(signal, index, &scope.schema_url, scope.scope.as_ref());
                    scope
                        .log_records
                        .iter()
                        .enumerate()
                        .for_each(|(index, record)| out.log_record(index, record));
                }
            }
        }
    }
    out.text
}

#[derive(Default)]
struct Printer {
    text: String,
}

// === parts of all signals ===

impl Printer {
    fn line(&mut self, line: impl Display) {
        let _ = writeln!(self.text, "{line}");
    }

    /// A label padded to a column, then the value.
    fn field(&mut self, label: &str, value: impl Display) {
        self.line(format_args!("    {label:<15}: {value}"));
    }

    fn attributes(&mut self, title: &str, attributes: &[KeyValue]) {
        if attributes.is_empty() {
            return;
        }
        self.line(format_args!("{title}:"));
        for pair in attributes {
            self.line(format_args!(
                "     -> {}: {}",
                pair.key,
                typed(pair.value.as_ref())
            ));
        }
    }

    fn resource(&mut self, signal: Signal, index: usize, schema_url: &str, resource: Option<&Resource>) {
        self.line(format_args!("Resource{} #{index}", group(signal)));
        self.line(format_args!("Resource SchemaURL: {schema_url}"));
        if let Some(resource) = resource {
            self.attributes("Resource attributes", &resource.attributes);
        }
    }

    fn scope(
        &mut self,
        signal: Signal,
        index: usize,
        schema_url: &str,
        scope: Option<&InstrumentationScope>,
    ) {
        self.line(format_args!("Scope{} #{index}", group(signal)));
        self.line(format_args!("Scope{} SchemaURL: {schema_url}", group(signal)));
        if let Some(scope) = scope {
            self.line(format_args!(
                "InstrumentationScope {} {}",
                scope.name, scope.version
            ));
            self.attributes("InstrumentationScope attributes", &scope.attributes);
        }
    }
}

// === metrics ===

impl Printer {
    fn metric(&mut self, index: usize, metric: &Metric) {
        self.line(format_args!("Metric #{index}"));
        self.line("Descriptor:");
        self.line(format_args!("     -> Name: {}", metric.name));
        self.line(format_args!("     -> Description: {}", metric.description));
        self.line(format_args!("     -> Unit: {}", metric.unit));
        match &metric.data {
            None => self.line("     -> DataType: Empty"),
            Some(Data::Gauge(data)) => {
                self.line("     -> DataType: Gauge");
                data.data_points
                    .iter()
                    .enumerate()
                    .for_each(|(index, point)| self.number(index, point));
            }
            Some(Data::Sum(data)) => {
                self.line("     -> DataType: Sum");
                self.line(format_args!("     -> IsMonotonic: {}", data.is_monotonic));
                self.temporality(data.aggregation_temporality);
                data.data_points
                    .iter()
                    .enumerate()
                    .for_each(|(index, point)| self.number(index, point));
            }
            Some(Data::Histogram(data)) => {
                self.line("     -> DataType: Histogram");
                self.temporality(data.aggregation_temporality);
                data.data_points
                    .iter()
                    .enumerate()
                    .for_each(|(index, point)| self.histogram(index, point));
            }
            Some(Data::ExponentialHistogram(data)) => {
                self.line("     -> DataType: ExponentialHistogram");
                self.temporality(data.aggregation_temporality);
                data.data_points
                    .iter()
                    .enumerate()
                    .for_each(|(index, point)| self.exponential(index, point));
            }
            Some(Data::Summary(data)) => {
                self.line("     -> DataType: Summary");
                data.data_points
                    .iter()
                    .enumerate()
                    .for_each(|(index, point)| self.summary(index, point));
            }
        }
    }

    fn temporality(&mut self, number: i32) {
        let name = match AggregationTemporality::try_from(number) {
            Ok(AggregationTemporality::Delta) => "Delta",
            Ok(AggregationTemporality::Cumulative) => "Cumulative",
            Ok(AggregationTemporality::Unspecified) | Err(_) => "Unspecified",
        };
        self.line(format_args!("     -> AggregationTemporality: {name}"));
    }

    fn point(&mut self, title: &str, index: usize, attributes: &[KeyValue], start: u64, end: u64) {
        self.line(format_args!("{title} #{index}"));
        self.attributes("Data point attributes", attributes);
        self.line(format_args!("StartTimestamp: {}", time(start)));
        self.line(format_args!("Timestamp: {}", time(end)));
    }

    fn number(&mut self, index: usize, point: &NumberDataPoint) {
        let (start, end) = (point.start_time_unix_nano, point.time_unix_nano);
        self.point("NumberDataPoints", index, &point.attributes, start, end);
        match &point.value {
            None => self.line("Value: "),
            Some(number_data_point::Value::AsInt(value)) => self.line(format_args!("Value: {value}")),
            Some(number_data_point::Value::AsDouble(value)) => self.line(format_args!("Value: {value:.6}")),
        }
        self.exemplars(&point.exemplars);
    }

    fn histogram(&mut self, index: usize, point: &HistogramDataPoint) {
        let (start, end) = (point.start_time_unix_nano, point.time_unix_nano);
        self.point("HistogramDataPoints", index, &point.attributes, start, end);
        self.statistics(point.count, point.sum, point.min, point.max);
        for (index, bound) in point.explicit_bounds.iter().enumerate() {
            self.line(format_args!("ExplicitBounds #{index}: {bound:.6}"));
        }
        for (index, count) in point.bucket_counts.iter().enumerate() {
            self.line(format_args!("Buckets #{index}, Count: {count}"));
        }
        self.exemplars(&point.exemplars);
    }

    fn exponential(&mut self, index: usize, point: &ExponentialHistogramDataPoint) {
        let (start, end) = (point.start_time_unix_nano, point.time_unix_nano);
        self.point(
            "ExponentialHistogramDataPoints",
            index,
            &point.attributes,
            start,
            end,
        );
        self.statistics(point.count, point.sum, point.min, point.max);
        // Bucket i covers (base^(offset+i), base^(offset+i+1)].
        let base = (2f64).powf((-f64::from(point.scale)).exp2());
        let bounds = |buckets: &Buckets, index: usize| {
            let lower = f64::from(buckets.offset) + index as f64;
            (base.powf(lower), base.powf(lower + 1.0))
        };
        if let Some(buckets) = &point.negative {
            for (index, count) in buckets
                .bucket_counts
                .iter()
                .enumerate()
                .rev()
                .filter(|(_, count)| **count > 0)
            {
                let (lower, upper) = bounds(buckets, index);
                self.line(format_args!(
                    "Bucket [{:.6}, {:.6}), Count: {count}",
                    -upper, -lower
                ));
            }
        }
        if point.zero_count > 0 {
            self.line(format_args!("Bucket [0, 0], Count: {}", point.zero_count));
        }
        if let Some(buckets) = &point.positive {
            for (index, count) in buckets
                .bucket_counts
                .iter()
                .enumerate()
                .filter(|(_, count)| **count > 0)
            {
                let (lower, upper) = bounds(buckets, index);
                self.line(format_args!("Bucket ({lower:.6}, {upper:.6}], Count: {count}"));
            }
        }
        self.exemplars(&point.exemplars);
    }

    fn summary(&mut self, index: usize, point: &SummaryDataPoint) {
        let (start, end) = (point.start_time_unix_nano, point.time_unix_nano);
        self.point("SummaryDataPoints", index, &point.attributes, start, end);
        self.line(format_args!("Count: {}", point.count));
        self.line(format_args!("Sum: {:.6}", point.sum));
        for (index, pair) in point.quantile_values.iter().enumerate() {
            self.line(format_args!(
                "QuantileValue #{index}: Quantile {:.6}, Value {:.6}",
                pair.quantile, pair.value
            ));
        }
    }

    fn statistics(&mut self, count: u64, sum: Option<f64>, min: Option<f64>, max: Option<f64>) {
        self.line(format_args!("Count: {count}"));
        for (label, value) in [("Sum", sum), ("Min", min), ("Max", max)] {
            if let Some(value) = value {
                self.line(format_args!("{label}: {value:.6}"));
            }
        }
    }

    fn exemplars(&mut self, exemplars: &[Exemplar]) {
        if exemplars.is_empty() {
            return;
        }
        self.line("Exemplars:");
        for (index, exemplar) in exemplars.iter().enumerate() {
            self.line(format_args!("Exemplar #{index}"));
            self.line(format_args!("     -> Trace ID: {}", hex(&exemplar.trace_id)));
            self.line(format_args!("     -> Span ID: {}", hex(&exemplar.span_id)));
            self.line(format_args!(
                "     -> Timestamp: {}",
                time(exemplar.time_unix_nano)
            ));
            match &exemplar.value {
                None => self.line("     -> Value: "),
                Some(exemplar::Value::AsInt(value)) => self.line(format_args!("     -> Value: {value}")),
                Some(exemplar::Value::AsDouble(value)) => {
                    self.line(format_args!("     -> Value: {value:.6}"))
                }
            }
            self.attributes("     -> FilteredAttributes", &exemplar.filtered_attributes);
        }
    }
}

// === traces ===

impl Printer {
    fn span(&mut self, index: usize, span: &Span) {
        self.line(format_args!("Span #{index}"));
        self.field("Trace ID", hex(&span.trace_id));
        self.field("Parent ID", hex(&span.parent_span_id));
        self.field("ID", hex(&span.span_id));
        self.field("Name", &span.name);
        let kind = SpanKind::try_from(span.kind).unwrap_or_default();
        self.field("Kind", kind.as_str_name().trim_start_matches("SPAN_KIND_"));
        if !span.trace_state.is_empty() {
            self.field("TraceState", &span.trace_state);
        }
        self.field("Start time", time(span.start_time_unix_nano));
        self.field("End time", time(span.end_time_unix_nano));
        let status = span.status.clone().unwrap_or_default();
        let code = StatusCode::try_from(status.code).unwrap_or_default();
        self.field(
            "Status code",
            code.as_str_name().trim_start_matches("STATUS_CODE_"),
        );
        self.field("Status message", &status.message);
        self.dropped("Attributes", span.dropped_attributes_count);
        self.dropped("Events", span.dropped_events_count);
        self.dropped("Links", span.dropped_links_count);
        self.attributes("Attributes", &span.attributes);
        for (index, event) in span.events.iter().enumerate() {
            if index == 0 {
                self.line("Events:");
            }
            self.line(format_args!("SpanEvent #{index}"));
            self.line(format_args!("     -> Name: {}", event.name));
            self.line(format_args!("     -> Timestamp: {}", time(event.time_unix_nano)));
            self.line(format_args!(
                "     -> DroppedAttributesCount: {}",
                event.dropped_attributes_count
            ));
            self.attributes("     -> Attributes", &event.attributes);
        }
        for (index, link) in span.links.iter().enumerate() {
            if index == 0 {
                self.line("Links:");
            }
            self.line(format_args!("SpanLink #{index}"));
            self.line(format_args!("     -> Trace ID: {}", hex(&link.trace_id)));
            self.line(format_args!("     -> ID: {}", hex(&link.span_id)));
            self.line(format_args!("     -> TraceState: {}", link.trace_state));
            self.line(format_args!(
                "     -> DroppedAttributesCount: {}",
                link.dropped_attributes_count
            ));
            self.attributes("     -> Attributes", &link.attributes);
        }
    }

    fn dropped(&mut self, what: &str, count: u32) {
        if count > 0 {
            self.field(&format!("Dropped{what}Count"), count);
        }
    }
}

// === logs ===

impl Printer {
    fn log_record(&mut self, index: usize, record: &LogRecord) {
        self.line(format_args!("LogRecord #{index}"));
        self.line(format_args!(
            "ObservedTimestamp: {}",
            time(record.observed_time_unix_nano)
        ));
        self.line(format_args!("Timestamp: {}", time(record.time_unix_nano)));
        self.line(format_args!("SeverityText: {}", record.severity_text));
        let severity = SeverityNumber::try_from(record.severity_number).unwrap_or_default();
        let name = severity.as_str_name().trim_start_matches("SEVERITY_NUMBER_");
        self.line(format_args!("SeverityNumber: {name}({})", record.severity_number));
        if !record.event_name.is_empty() {
            self.line(format_args!("EventName: {}", record.event_name));
        }
        self.line(format_args!("Body: {}", typed(record.body.as_ref())));
        self.attributes("Attributes", &record.attributes);
        if record.dropped_attributes_count > 0 {
            self.line(format_args!(
                "DroppedAttributesCount: {}",
                record.dropped_attributes_count
            ));
        }
        self.line(format_args!("Trace ID: {}", hex(&record.trace_id)));
        self.line(format_args!("Span ID: {}", hex(&record.span_id)));
        self.line(format_args!("Flags: {}", record.flags));
    }
}
