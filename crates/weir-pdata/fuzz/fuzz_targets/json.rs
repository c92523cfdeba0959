//! OTLP/JSON from any text.

#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use prost::Message;
use weir_pdata::json::{self, Document};
use weir_pdata::{Signal, WireChunk};
use weir_proto::otlp::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use weir_proto::otlp::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use weir_proto::otlp::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};

fuzz_target!(|text: &[u8]| {
    request::<ExportMetricsServiceRequest>(Signal::Metrics, text);
    request::<ExportTraceServiceRequest>(Signal::Traces, text);
    request::<ExportLogsServiceRequest>(Signal::Logs, text);
    document::<ExportMetricsServiceResponse>(text);
    document::<ExportTraceServiceResponse>(text);
    document::<ExportLogsServiceResponse>(text);
});

/// What was read, is written and read back the same.
fn document<T: Document + Debug>(text: &[u8]) -> Option<T> {
    match json::decode::<T>(text) {
        Ok(message) => {
            let written = json::encode(&message);
            let again = json::decode::<T>(&written).expect("what was written can be read");
            // `Debug` shows NaN as itself and tells `-0.0` from `0.0`, `PartialEq` does neither.
            assert_eq!(format!("{again:?}"), format!("{message:?}"));
            Some(message)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

/// A request that was read, passes the check of its protobuf form.
fn request<T: Document + Debug + Message + Default>(signal: Signal, text: &[u8]) {
    if let Some(message) = document::<T>(text) {
        let bytes = message.encode_to_vec();
        WireChunk::check(signal, bytes.into()).expect("as deep and as sound as protobuf allows");
    }
}
