//! What the response to an OTLP request says about items that were not taken.

use prost::Message;
use weir_proto::otlp::collector::logs::v1::ExportLogsServiceResponse;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceResponse;
use weir_proto::otlp::collector::trace::v1::ExportTraceServiceResponse;

use crate::json::{self, JsonError};
use crate::{DecodeError, Signal};

/// The `partial_success` field of an `Export*ServiceResponse`, empty if there is none.
///
/// Spec: OTLP 1.x, "Partial Success".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartialSuccess {
    /// Items that were refused and must not be sent again. Negative numbers, which mean nothing, are read as 0.
    pub rejected: u64,
    /// Why; with no refused items, a warning or a suggestion.
    pub message: String,
}

impl PartialSuccess {
    /// Reads a response in protobuf.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are no such response.
    pub fn from_wire(signal: Signal, response: &[u8]) -> Result<Self, DecodeError> {
        Ok(match signal {
            Signal::Metrics => ExportMetricsServiceResponse::decode(response)?.into(),
            Signal::Traces => ExportTraceServiceResponse::decode(response)?.into(),
            Signal::Logs => ExportLogsServiceResponse::decode(response)?.into(),
        })
    }

    /// Reads a response in JSON.
    ///
    /// # Errors
    ///
    /// [`JsonError`] if the text is no such response.
    pub fn from_json(signal: Signal, response: &[u8]) -> Result<Self, JsonError> {
        Ok(match signal {
            Signal::Metrics => json::decode::<ExportMetricsServiceResponse>(response)?.into(),
            Signal::Traces => json::decode::<ExportTraceServiceResponse>(response)?.into(),
            Signal::Logs => json::decode::<ExportLogsServiceResponse>(response)?.into(),
        })
    }

    fn new(rejected: i64, message: String) -> Self {
        Self {
            rejected: u64::try_from(rejected).unwrap_or(0),
            message,
        }
    }
}

impl From<ExportMetricsServiceResponse> for PartialSuccess {
    fn from(response: ExportMetricsServiceResponse) -> Self {
        let part = response.partial_success.unwrap_or_default();
        Self::new(part.rejected_data_points, part.error_message)
    }
}

impl From<ExportTraceServiceResponse> for PartialSuccess {
    fn from(response: ExportTraceServiceResponse) -> Self {
        let part = response.partial_success.unwrap_or_default();
        Self::new(part.rejected_spans, part.error_message)
    }
}

impl From<ExportLogsServiceResponse> for PartialSuccess {
    fn from(response: ExportLogsServiceResponse) -> Self {
        let part = response.partial_success.unwrap_or_default();
        Self::new(part.rejected_log_records, part.error_message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_signals_and_both_forms_are_read() {
        // Field 1 { 1: 3, 2: "no" }, the same in all three messages.
        let wire = [0x0a, 6, 0x08, 3, 0x12, 2, b'n', b'o'];
        let expected = PartialSuccess {
            rejected: 3,
            message: "no".to_owned(),
        };
        for (signal, field) in [
            (Signal::Metrics, "rejectedDataPoints"),
            (Signal::Traces, "rejectedSpans"),
            (Signal::Logs, "rejectedLogRecords"),
        ] {
            assert_eq!(PartialSuccess::from_wire(signal, &wire).unwrap(), expected);
            let json = format!(r#"{{"partialSuccess": {{"{field}": "3", "errorMessage": "no"}}}}"#);
            assert_eq!(
                PartialSuccess::from_json(signal, json.as_bytes()).unwrap(),
                expected
            );
            assert_eq!(
                PartialSuccess::from_wire(signal, &[]).unwrap(),
                PartialSuccess::default()
            );
            assert_eq!(
                PartialSuccess::from_json(signal, b"{}").unwrap(),
                PartialSuccess::default()
            );
            assert!(PartialSuccess::from_wire(signal, b"<html>").is_err());
            assert!(PartialSuccess::from_json(signal, b"<html>").is_err());
        }
        assert_eq!(PartialSuccess::new(-1, String::new()), PartialSuccess::default());
    }
}
