//! Own spans as a request.

use opentelemetry_sdk::trace::SpanData;
use weir_proto::otlp::collector::trace::v1::ExportTraceServiceRequest;
use weir_proto::otlp::trace::v1::{ResourceSpans, ScopeSpans};
use weir_telemetry::OWN_SCOPE;

use super::super::resource::OwnResource;
use super::scope;

/// Returns the request that tells spans, which are all of one scope.
pub(in super::super) fn request(spans: Vec<SpanData>, resource: &OwnResource) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource.to_proto()),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope(OWN_SCOPE, resource)),
                spans: spans.into_iter().map(Into::into).collect(),
                schema_url: String::new(),
            }],
            schema_url: resource.schema_url.clone(),
        }],
    }
}
