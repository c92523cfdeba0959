//! Own telemetry in OTLP's messages.

pub(super) mod logs;
pub(super) mod metrics;
pub(super) mod spans;

use std::time::{SystemTime, UNIX_EPOCH};

use weir_proto::otlp::common::v1::InstrumentationScope;

use super::resource::OwnResource;

/// Returns a time in nanoseconds since 1970.
fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Returns a scope; all have the version of the binary.
fn scope(name: &str, resource: &OwnResource) -> InstrumentationScope {
    InstrumentationScope {
        name: name.to_owned(),
        version: resource.version.clone(),
        ..InstrumentationScope::default()
    }
}
