//! One log record, as it is read.

use super::wire::Scratch;
use super::{AnyValue, Attributes, Text};
use crate::wire::cursor::{Field, fields};

/// A log record.
#[derive(Debug, Clone, Copy)]
pub struct LogRecord<'a> {
    /// When it happened, Unix time in nanoseconds; 0 is not known.
    pub time_ns: u64,
    /// When it was seen, Unix time in nanoseconds.
    pub observed_ns: u64,
    /// `SeverityNumber` of the specification, 1 (trace) to 24 (fatal); 0 is not said.
    pub severity_number: i32,
    /// Severity in the words of the source.
    pub severity_text: Text<'a>,
    /// The body; [`AnyValue::Empty`] if there is none.
    pub body: AnyValue<'a>,
    /// Attributes of the record.
    pub attributes: Attributes<'a>,
    /// W3C trace flags in the lowest 8 bits.
    pub flags: u32,
    /// Trace that it belongs to, 16 bytes, or empty.
    pub trace_id: &'a [u8],
    /// Span that it belongs to, 8 bytes, or empty.
    pub span_id: &'a [u8],
    /// Name that says which event the record is, or empty.
    pub event_name: Text<'a>,
}

/// Reads a log record.
pub(crate) fn log_record<'p, 'a: 'p>(message: &'a [u8], scratch: &'p mut Scratch<'a>) -> LogRecord<'p> {
    scratch.attributes.clear();
    let mut walk = fields(message);
    let mut at = message;
    let (mut trace_id, mut span_id): (&[u8], &[u8]) = (&[], &[]);
    let (mut severity_text, mut event_name) = (Text::default(), Text::default());
    let (mut time_ns, mut observed_ns, mut severity_number, mut flags) = (0, 0, 0, 0);
    let mut body = AnyValue::Empty;
    while let Some(field) = walk.next() {
        match field {
            (6, Field::Bytes(bytes)) => scratch.attributes.take::<6>(bytes, at, &mut walk),
            (1, Field::Fixed64(bits)) => time_ns = bits,
            (2, Field::Varint(number)) => severity_number = number as i32,
            (3, Field::Bytes(bytes)) => severity_text = Text(bytes),
            (5, Field::Bytes(bytes)) => body = AnyValue::from_wire(bytes),
            (8, Field::Fixed32(bits)) => flags = bits,
            (9, Field::Bytes(bytes)) => trace_id = bytes,
            (10, Field::Bytes(bytes)) => span_id = bytes,
            (11, Field::Fixed64(bits)) => observed_ns = bits,
            (12, Field::Bytes(bytes)) => event_name = Text(bytes),
            _ => {}
        }
        at = walk.rest();
    }
    LogRecord {
        time_ns,
        observed_ns,
        severity_number,
        severity_text,
        body,
        attributes: scratch.attributes.view(),
        flags,
        trace_id,
        span_id,
        event_name,
    }
}
