//! Own telemetry that is pushed: the grammar only, for Weir does not do it yet.

use serde::{Deserialize, de::IgnoredAny};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Periodic {
    interval: Option<u64>,
    timeout: Option<u64>,
    exporter: Option<PushExporter>,
    producers: Option<Vec<IgnoredAny>>,
    cardinality_limits: Option<IgnoredAny>,
}

/// Where own telemetry is pushed to.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PushExporter {
    otlp: Option<PushOtlp>,
    console: Option<IgnoredAny>,
    zipkin: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PushOtlp {
    protocol: Option<PushProtocol>,
    endpoint: Option<String>,
    insecure: Option<bool>,
    certificate: Option<String>,
    client_certificate: Option<String>,
    client_key: Option<String>,
    compression: Option<String>,
    timeout: Option<u64>,
    headers: Option<IgnoredAny>,
    headers_list: Option<String>,
    temporality_preference: Option<String>,
    default_histogram_aggregation: Option<String>,
}

#[derive(Deserialize)]
pub(super) enum PushProtocol {
    #[serde(rename = "grpc", alias = "grpc/protobuf")]
    Grpc,
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Processor {
    batch: Option<PushBatch>,
    simple: Option<PushSimple>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PushBatch {
    schedule_delay: Option<u64>,
    export_timeout: Option<u64>,
    max_queue_size: Option<u64>,
    max_export_batch_size: Option<u64>,
    exporter: Option<PushExporter>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PushSimple {
    exporter: Option<PushExporter>,
}
