//! The messages that answer a request.

use bytes::Bytes;
use prost::Message;
use weir_component::{ConsumeError, Signal};
use weir_pdata::json;
use weir_proto::otlp::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use weir_proto::otlp::collector::metrics::v1::{ExportMetricsPartialSuccess, ExportMetricsServiceResponse};
use weir_proto::otlp::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse};

/// How a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Protobuf,
    Json,
}

/// Returns the answer to a request that was taken.
pub(crate) fn full_success(format: Format) -> Bytes {
    match format {
        Format::Protobuf => Bytes::new(),
        Format::Json => Bytes::from_static(json::FULL_SUCCESS),
    }
}

/// Returns the answer to a request that was taken in part.
///
/// Spec: OTLP, "Partial Success": with a number of 0 the message is a warning.
pub(crate) fn partial_success(signal: Signal, error: &ConsumeError, format: Format) -> Bytes {
    let rejected = i64::try_from(error.refused_items(u64::MAX)).unwrap_or(i64::MAX);
    let error_message = error.to_string();
    match signal {
        Signal::Metrics => write(
            &ExportMetricsServiceResponse {
                partial_success: Some(ExportMetricsPartialSuccess {
                    rejected_data_points: rejected,
                    error_message,
                }),
            },
            format,
        ),
        Signal::Traces => write(
            &ExportTraceServiceResponse {
                partial_success: Some(ExportTracePartialSuccess {
                    rejected_spans: rejected,
                    error_message,
                }),
            },
            format,
        ),
        Signal::Logs => write(
            &ExportLogsServiceResponse {
                partial_success: Some(ExportLogsPartialSuccess {
                    rejected_log_records: rejected,
                    error_message,
                }),
            },
            format,
        ),
    }
}

fn write<T: Message + json::Document>(message: &T, format: Format) -> Bytes {
    match format {
        Format::Protobuf => message.encode_to_vec().into(),
        Format::Json => json::encode(message).into(),
    }
}
