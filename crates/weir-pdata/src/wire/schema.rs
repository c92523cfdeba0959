//! The shape of the OTLP messages, as tables: which field has which wire type, and where the items are.
//!
//! Source: opentelemetry-proto 1.10, `opentelemetry/proto/{metrics,trace,logs,common,resource}/v1`.

use super::cursor::{Field, raw_fields};
use crate::Signal;

/// A message type: what its fields look like on the wire.
#[derive(Debug)]
pub(super) struct Message {
    /// Name in the `.proto` file, for error texts.
    pub(super) name: &'static str,
    /// Kind of each known field, at the index of its number.
    pub(super) fields: &'static [Kind],
    /// True if one such message is one item (data point, span, log record).
    pub(super) item: bool,
    /// True for a `NumberDataPoint`: by far the most frequent item, so the check has a short way for it.
    pub(super) number_point: bool,
    /// Fields of which at most one may be present, once: bit n stands for field n. These are the members of oneofs that the
    /// views read as one slice; protobuf would merge repetitions, which no encoder writes.
    pub(super) one_of: u32,
    /// The short way for each tag of one byte.
    steps: [Step; 128],
}

/// How the check passes a field that needs no other look than at its length. Whatever is not as expected takes the long way, which also
/// tells what is wrong.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// The long way.
    None,
    Number,
    Fixed64,
    Bytes,
    Attribute,
}

/// What a field looks like on the wire.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Not known: any wire type, skipped.
    Unknown,
    /// int32, int64, uint32, uint64, sint32, bool, enum.
    Varint,
    /// fixed64, sfixed64, double.
    Fixed64,
    /// fixed32.
    Fixed32,
    /// string or bytes.
    Bytes,
    /// Repeated fixed64 or double, packed or not.
    Fixed64s,
    /// Repeated varint, packed or not.
    Varints,
    /// A message that holds no items.
    Message(&'static Message),
    /// A `KeyValue`: by far the most frequent message, so the check has a short way for it.
    Attribute,
    /// A message that holds or is an item.
    Child(&'static Message),
}

use Kind::{Attribute, Bytes, Child, Fixed32, Fixed64, Fixed64s, Message as Sub, Unknown, Varint, Varints};

impl Message {
    const fn new(name: &'static str, fields: &'static [Kind]) -> Self {
        Self {
            name,
            fields,
            item: false,
            number_point: false,
            one_of: 0,
            steps: steps(fields, 0),
        }
    }

    const fn item(name: &'static str, fields: &'static [Kind]) -> Self {
        let mut message = Self::new(name, fields);
        message.item = true;
        message
    }

    const fn number_point(mut self) -> Self {
        self.number_point = true;
        self
    }

    const fn one_of(mut self, numbers: &[u32]) -> Self {
        let mut index = 0;
        while index < numbers.len() {
            self.one_of |= 1 << numbers[index];
            index += 1;
        }
        self.steps = steps(self.fields, self.one_of);
        self
    }

    /// Returns the short way for a field that begins with this byte.
    #[inline]
    pub(super) fn step(&self, tag: u8) -> Step {
        self.steps.get(usize::from(tag)).copied().unwrap_or(Step::None)
    }

    /// Returns the kind of field `number`.
    #[inline]
    pub(super) fn kind(&self, number: u32) -> Kind {
        self.fields.get(number as usize).copied().unwrap_or(Unknown)
    }

    /// Counts the items of a checked message.
    pub(super) fn items(&'static self, content: &[u8]) -> usize {
        if self.item {
            return 1;
        }
        raw_fields(content)
            .map(|(number, field, _)| match (self.kind(number), field) {
                (Kind::Child(sub), Field::Bytes(content)) => sub.items(content),
                _ => 0,
            })
            .sum()
    }
}

/// Returns the short ways: for fields below 16 that are not in `one_of`.
const fn steps(fields: &[Kind], one_of: u32) -> [Step; 128] {
    let (mut steps, mut number) = ([Step::None; 128], 0);
    while number < fields.len() && number < 16 {
        let (step, wire_type) = match fields[number] {
            _ if one_of & 1 << number != 0 => (Step::None, 0),
            Varint => (Step::Number, 0),
            Fixed64 => (Step::Fixed64, 1),
            Bytes => (Step::Bytes, 2),
            Attribute => (Step::Attribute, 2),
            _ => (Step::None, 0),
        };
        steps[number << 3 | wire_type] = step;
        number += 1;
    }
    steps
}

/// Counts the items of a checked message that stands `depth` levels below the request: 1 is the level of resources, 2 of scopes,
/// 3 of metrics, spans and log records.
pub(crate) fn count_items(signal: Signal, depth: usize, content: &[u8]) -> usize {
    let mut message = request(signal);
    for number in [1, 2, 2].into_iter().take(depth) {
        let Kind::Child(sub) = message.kind(number) else {
            break;
        };
        message = sub;
    }
    message.items(content)
}

/// Returns the export request message of a signal.
pub(super) const fn request(signal: Signal) -> &'static Message {
    match signal {
        Signal::Metrics => &METRICS_REQUEST,
        Signal::Traces => &TRACE_REQUEST,
        Signal::Logs => &LOGS_REQUEST,
    }
}

// === common, resource ===

static ANY_VALUE: Message = Message::new(
    "AnyValue",
    &[
        Unknown,
        Bytes,
        Varint,
        Varint,
        Fixed64,
        Sub(&ARRAY_VALUE),
        Sub(&KEY_VALUE_LIST),
        Bytes,
        Varint,
    ],
)
.one_of(&[1, 2, 3, 4, 5, 6, 7, 8]);
static ARRAY_VALUE: Message = Message::new("ArrayValue", &[Unknown, Sub(&ANY_VALUE)]);
static KEY_VALUE_LIST: Message = Message::new("KeyValueList", &[Unknown, Attribute]);
pub(super) static KEY_VALUE: Message =
    Message::new("KeyValue", &[Unknown, Bytes, Sub(&ANY_VALUE), Varint]).one_of(&[2]);
static SCOPE: Message = Message::new(
    "InstrumentationScope",
    &[Unknown, Bytes, Bytes, Attribute, Varint],
);
static ENTITY_REF: Message = Message::new("EntityRef", &[Unknown, Bytes, Bytes, Bytes, Bytes]);
static RESOURCE: Message = Message::new("Resource", &[Unknown, Attribute, Varint, Sub(&ENTITY_REF)]);

// === metrics ===

static METRICS_REQUEST: Message = Message::new(
    "ExportMetricsServiceRequest",
    &[Unknown, Child(&RESOURCE_METRICS)],
);
static RESOURCE_METRICS: Message = Message::new(
    "ResourceMetrics",
    &[Unknown, Sub(&RESOURCE), Child(&SCOPE_METRICS), Bytes],
);
static SCOPE_METRICS: Message = Message::new("ScopeMetrics", &[Unknown, Sub(&SCOPE), Child(&METRIC), Bytes]);
static METRIC: Message = Message::new(
    "Metric",
    &[
        Unknown,
        Bytes,
        Bytes,
        Bytes,
        Unknown,
        Child(&GAUGE),
        Unknown,
        Child(&SUM),
        Unknown,
        Child(&HISTOGRAM),
        Child(&EXPONENTIAL_HISTOGRAM),
        Child(&SUMMARY),
        Attribute,
    ],
)
.one_of(&[5, 7, 9, 10, 11]);
static GAUGE: Message = Message::new("Gauge", &[Unknown, Child(&NUMBER_POINT)]);
static SUM: Message = Message::new("Sum", &[Unknown, Child(&NUMBER_POINT), Varint, Varint]);
static HISTOGRAM: Message = Message::new("Histogram", &[Unknown, Child(&HISTOGRAM_POINT), Varint]);
static EXPONENTIAL_HISTOGRAM: Message = Message::new(
    "ExponentialHistogram",
    &[Unknown, Child(&EXPONENTIAL_HISTOGRAM_POINT), Varint],
);
static SUMMARY: Message = Message::new("Summary", &[Unknown, Child(&SUMMARY_POINT)]);
static NUMBER_POINT: Message = Message::item(
    "NumberDataPoint",
    &[
        Unknown,
        Unknown,
        Fixed64,
        Fixed64,
        Fixed64,
        Sub(&EXEMPLAR),
        Fixed64,
        Attribute,
        Varint,
    ],
)
.number_point();
static HISTOGRAM_POINT: Message = Message::item(
    "HistogramDataPoint",
    &[
        Unknown,
        Unknown,
        Fixed64,
        Fixed64,
        Fixed64,
        Fixed64,
        Fixed64s,
        Fixed64s,
        Sub(&EXEMPLAR),
        Attribute,
        Varint,
        Fixed64,
        Fixed64,
    ],
);
static EXPONENTIAL_HISTOGRAM_POINT: Message = Message::item(
    "ExponentialHistogramDataPoint",
    &[
        Unknown,
        Attribute,
        Fixed64,
        Fixed64,
        Fixed64,
        Fixed64,
        Varint,
        Fixed64,
        Sub(&BUCKETS),
        Sub(&BUCKETS),
        Varint,
        Sub(&EXEMPLAR),
        Fixed64,
        Fixed64,
        Fixed64,
    ],
);
static BUCKETS: Message = Message::new("Buckets", &[Unknown, Varint, Varints]);
static SUMMARY_POINT: Message = Message::item(
    "SummaryDataPoint",
    &[
        Unknown,
        Unknown,
        Fixed64,
        Fixed64,
        Fixed64,
        Fixed64,
        Sub(&QUANTILE),
        Attribute,
        Varint,
    ],
);
static QUANTILE: Message = Message::new("ValueAtQuantile", &[Unknown, Fixed64, Fixed64]);
static EXEMPLAR: Message = Message::new(
    "Exemplar",
    &[
        Unknown, Unknown, Fixed64, Fixed64, Bytes, Bytes, Fixed64, Attribute,
    ],
);

// === traces ===

static TRACE_REQUEST: Message = Message::new("ExportTraceServiceRequest", &[Unknown, Child(&RESOURCE_SPANS)]);
static RESOURCE_SPANS: Message = Message::new(
    "ResourceSpans",
    &[Unknown, Sub(&RESOURCE), Child(&SCOPE_SPANS), Bytes],
);
static SCOPE_SPANS: Message = Message::new("ScopeSpans", &[Unknown, Sub(&SCOPE), Child(&SPAN), Bytes]);
static SPAN: Message = Message::item(
    "Span",
    &[
        Unknown,
        Bytes,
        Bytes,
        Bytes,
        Bytes,
        Bytes,
        Varint,
        Fixed64,
        Fixed64,
        Attribute,
        Varint,
        Sub(&EVENT),
        Varint,
        Sub(&LINK),
        Varint,
        Sub(&STATUS),
        Fixed32,
    ],
);
static EVENT: Message = Message::new("Event", &[Unknown, Fixed64, Bytes, Attribute, Varint]);
static LINK: Message = Message::new(
    "Link",
    &[Unknown, Bytes, Bytes, Bytes, Attribute, Varint, Fixed32],
);
static STATUS: Message = Message::new("Status", &[Unknown, Unknown, Bytes, Varint]);

// === logs ===

static LOGS_REQUEST: Message = Message::new("ExportLogsServiceRequest", &[Unknown, Child(&RESOURCE_LOGS)]);
static RESOURCE_LOGS: Message = Message::new(
    "ResourceLogs",
    &[Unknown, Sub(&RESOURCE), Child(&SCOPE_LOGS), Bytes],
);
static SCOPE_LOGS: Message = Message::new("ScopeLogs", &[Unknown, Sub(&SCOPE), Child(&LOG_RECORD), Bytes]);
static LOG_RECORD: Message = Message::item(
    "LogRecord",
    &[
        Unknown,
        Fixed64,
        Varint,
        Bytes,
        Unknown,
        Sub(&ANY_VALUE),
        Attribute,
        Varint,
        Fixed32,
        Bytes,
        Bytes,
        Fixed64,
        Bytes,
    ],
)
.one_of(&[5]);
