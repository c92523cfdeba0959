//! OTLP/JSON: both directions between JSON text and the OTLP messages.
//!
//! Owns the JSON form of every message that an OTLP/HTTP client and server exchange for metrics, traces and logs:
//! the [proto3 JSON mapping][protojson] with the changes of the [OTLP specification, "JSON Protobuf
//! Encoding"][otlp]. Knows nothing of HTTP, content types or compression, and judges no meaning: a histogram with
//! too few buckets is read as it stands.
//!
//! Reading is strict where leniency would lose data and lenient where the meaning is plain:
//!
//! | In JSON | Read | Written |
//! |---|---|---|
//! | field names | `lowerCamelCase` or the `snake_case` of the message definition (which OTLP's own text rules out and the Collector accepts); twice the same field is an error | `lowerCamelCase` |
//! | unknown fields | ignored, whatever their value | |
//! | `null` | an absent field; an error as an element of an array | never |
//! | trace and span ids | hex in either case, of full length or empty | lower-case hex |
//! | bytes | base64, standard or URL-safe, padded or not | standard, padded |
//! | integers | numbers or strings, also as `1e3` or `1.0`; exact, hence never rounded, and never out of range | 64 bit as strings, 32 bit as numbers |
//! | floating point | numbers or strings, `"NaN"`, `"Infinity"`, `"-Infinity"`; an overflow is an error | numbers, or those three strings |
//! | enums | integers, known or not, or the names of the definition (as the Collector) | integers |
//! | a second member of a oneof | an error, unless it is `null` | |
//! | absent, zero and empty fields | their default | omitted, except members of a oneof, `optional` fields and messages that are present |
//!
//! Messages nest to a depth of 100 below the outermost, the same limit as in protobuf, so what is readable in one
//! encoding is readable in the other. It comes to about 45 arrays in each other in an attribute. Memory is bounded
//! by the input, though by a large factor: an empty object of three bytes may become a message of some 300 bytes,
//! much as in protobuf. Callers bound the size of the input.
//!
//! [protojson]: https://protobuf.dev/programming-guides/json/
//! [otlp]: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding

mod common;
mod logs;
mod metrics;
mod read;
mod scalar;
#[cfg(test)]
mod tests;
mod trace;
mod write;

use weir_proto::otlp::collector::{
    logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse},
    metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse},
    trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
};

/// The answer to a request that was accepted in full, the same for all signals and as the Collector words it.
pub const FULL_SUCCESS: &[u8] = br#"{"partialSuccess":{}}"#;

/// A message that travels as a JSON document of its own: the requests and responses of the three signals.
///
/// The trait is sealed: its parent holds the table of the message's fields.
pub trait Document: read::Message {}

impl Document for ExportMetricsServiceRequest {}
impl Document for ExportMetricsServiceResponse {}
impl Document for ExportTraceServiceRequest {}
impl Document for ExportTraceServiceResponse {}
impl Document for ExportLogsServiceRequest {}
impl Document for ExportLogsServiceResponse {}

/// Reads a message from the UTF-8 text of one JSON object.
///
/// # Errors
///
/// [`JsonError`] if the text is not JSON or breaks a rule of the [module](self). The fault lies with the sender:
/// the same text will never be accepted.
///
/// # Examples
///
/// ```
/// use weir_pdata::json;
/// use weir_proto::otlp::collector::trace::v1::ExportTraceServiceRequest;
///
/// let text = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":2,"endTimeUnixNano":"-1"}]}]}]}"#;
/// let error = json::decode::<ExportTraceServiceRequest>(text).unwrap_err();
/// assert_eq!(error.path(), "resourceSpans[0].scopeSpans[0].spans[0].endTimeUnixNano");
/// ```
pub fn decode<T: Document>(json: &[u8]) -> Result<T, JsonError> {
    read::document(json)
}

/// Returns the message as one line of JSON without spaces or a trailing newline.
///
/// Nothing is judged: an id of a wrong length, which protobuf lets through, is written as it is and refused by the
/// reader.
pub fn encode<T: Document>(message: &T) -> Vec<u8> {
    let mut out = Vec::new();
    write::message(&mut out, message);
    out
}

/// Text that is not the JSON form of the expected message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message} (line {line}, column {column})", Prefix(path))]
pub struct JsonError {
    line: usize,
    column: usize,
    path: String,
    message: String,
}

impl JsonError {
    /// Returns the line on which reading stopped, from 1. It is the end of the offending value.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the byte within the line at which reading stopped, from 1, or 0 before the first.
    pub fn column(&self) -> usize {
        self.column
    }

    /// Returns the field that was being read, such as `resourceSpans[0].schemaUrl`, in the spelling of the input;
    /// empty if it is the document itself.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns what is wrong, without the place. At most 200 bytes, which may quote the input.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// Shows a path and a colon, or nothing for the document itself.
struct Prefix<'a>(&'a str);

impl std::fmt::Display for Prefix<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            write!(f, "{}: ", self.0)
        }
    }
}
