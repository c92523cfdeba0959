//! How Weir's own telemetry prints: in the form in which it is written, so that printed configuration can be read.

use std::{collections::BTreeMap, time::Duration};

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{LogOutput, LogSampling};

/// A section without keys.
pub(super) const NOTHING: BTreeMap<&str, ()> = BTreeMap::new();

/// One key around a value.
pub(super) fn one<S: Serializer>(
    serializer: S,
    key: &str,
    value: &(impl Serialize + ?Sized),
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(key, value)?;
    map.end()
}

/// A duration in milliseconds, as the declarative configuration of OpenTelemetry has it.
pub(super) fn millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

pub(super) fn sampling<S: Serializer>(
    sampling: &Option<LogSampling>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match sampling {
        Some(sampling) => sampling.serialize(serializer),
        None => one(serializer, "enabled", &false),
    }
}

impl Serialize for LogOutput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Stdout => serializer.serialize_str("stdout"),
            Self::Stderr => serializer.serialize_str("stderr"),
            Self::File(path) => serializer.collect_str(&path.display()),
        }
    }
}
