//! How Weir's own telemetry prints: in the form in which it is written, so that printed configuration can be read.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{AttributeValue, LogOutput, LogSampling, PrometheusReader, Resource};

/// One key around a value.
#[derive(Serialize)]
struct Pull<'a> {
    pull: Exporter<'a>,
}

#[derive(Serialize)]
struct Exporter<'a> {
    exporter: Prometheus<'a>,
}

#[derive(Serialize)]
struct Prometheus<'a> {
    prometheus: &'a PrometheusReader,
}

#[derive(Serialize)]
struct Attribute<'a> {
    name: &'a str,
    value: &'a AttributeValue,
}

pub(super) fn readers<S: Serializer>(
    reader: &Option<PrometheusReader>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let pull = |prometheus| Pull {
        pull: Exporter {
            exporter: Prometheus { prometheus },
        },
    };
    serializer.collect_seq(reader.iter().map(pull))
}

pub(super) fn sampling<S: Serializer>(
    sampling: &Option<LogSampling>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match sampling {
        Some(sampling) => sampling.serialize(serializer),
        None => {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry("enabled", &false)?;
            map.end()
        }
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

impl Serialize for Resource {
    /// As a list of attributes, or in the older form if one is removed: only that one can say so.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kept: Option<Vec<Attribute<'_>>> = self
            .attributes
            .iter()
            .map(|(name, value)| {
                Some(Attribute {
                    name,
                    value: value.as_ref()?,
                })
            })
            .collect();
        match kept {
            None => self.attributes.serialize(serializer),
            Some(kept) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("attributes", &kept)?;
                map.end()
            }
        }
    }
}
