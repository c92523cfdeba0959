//! What the tests share: building OTLP, decoding requests and checking that they obey the wire rules.

pub(crate) mod decode;
pub(crate) mod otlp;

use bytes::Bytes;
use prost::Message;
use weir_pdata::{Batch, Decoded, Signal};
use weir_prom::{EncodedRequest, Output, Protocol, Settings, Translator};
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;

pub(crate) use decode::{Series, decode};

pub(crate) const BOTH: [Protocol; 2] = [Protocol::V1, Protocol::V2];

pub(crate) fn wire(request: &ExportMetricsServiceRequest) -> Batch {
    Batch::from_wire(Signal::Metrics, Bytes::from(request.encode_to_vec())).unwrap()
}

pub(crate) fn decoded(request: &ExportMetricsServiceRequest) -> Batch {
    Batch::from_decoded(Decoded::Metrics(request.clone()))
}

/// Translates one batch with a new translator.
pub(crate) fn translate(settings: &Settings, protocol: Protocol, batch: &Batch) -> Output {
    let mut out = Output::default();
    Translator::new(settings.clone(), protocol)
        .unwrap()
        .translate(batch, &mut out);
    out
}

/// Translates one request and decodes all series, which must be the same from wire bytes and messages.
pub(crate) fn series_of(
    settings: &Settings,
    protocol: Protocol,
    request: &ExportMetricsServiceRequest,
) -> Vec<Series> {
    let out = translate(settings, protocol, &wire(request));
    let from_messages = translate(settings, protocol, &decoded(request));
    assert_eq!(messages(&out), messages(&from_messages));
    assert_eq!(out.drops, from_messages.drops);
    out.requests.iter().flat_map(decode).collect()
}

/// All of the requests but how they are compressed: what repeats is known better of wire bytes.
pub(crate) fn messages(out: &Output) -> Vec<(usize, Vec<u8>, [u64; 6])> {
    let message = |request: &EncodedRequest| {
        let message = request.message().expect("a snappy block");
        let counts = request.counts;
        let totals = [
            request.points,
            request.series,
            request.metadata,
            counts.samples,
            counts.histograms,
            counts.exemplars,
        ];
        (request.lane, message, totals)
    };
    out.requests.iter().map(message).collect()
}

/// The series without `target_info`.
pub(crate) fn point_series(
    settings: &Settings,
    protocol: Protocol,
    request: &ExportMetricsServiceRequest,
) -> Vec<Series> {
    let mut series = series_of(settings, protocol, request);
    series.retain(|series| !series.name().ends_with("target_info"));
    series
}
