//! What own telemetry says about where it comes from.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::Selection;

/// The resource that own telemetry describes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resource {
    /// Attributes to add to the default ones (`service.name`, `service.version`, `service.instance.id`), or to set in
    /// their place. `None` removes a default one.
    pub attributes: BTreeMap<String, Option<AttributeValue>>,
    /// Schema of the attributes. Default: the version of the semantic conventions that Weir keeps to.
    pub schema_url: Option<String>,
    /// Attributes found out at the start, unless they are set.
    pub detection: Detection,
}

/// Which attributes are found out at the start.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Detection {
    /// Which of what the detectors find is taken. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Selection>,
    /// What is looked at.
    #[serde(serialize_with = "detectors")]
    pub detectors: Vec<Detector>,
}

/// What is looked at for attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detector {
    /// The container: `container.id`.
    Container,
    /// The machine: `host.name`, `host.id`, `host.arch`, `os.type`.
    Host,
    /// The process: `process.pid`, `process.executable.name`, `process.executable.path`, `process.owner`.
    Process,
    /// The service, by `OTEL_SERVICE_NAME`: `service.name`.
    Service,
}

impl Detector {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 4] = [
        ("container", Self::Container),
        ("host", Self::Host),
        ("process", Self::Process),
        ("service", Self::Service),
    ];
}

fn detectors<S: Serializer>(detectors: &[Detector], serializer: S) -> Result<S::Ok, S::Error> {
    let names = detectors
        .iter()
        .flat_map(|detector| Detector::ALL.iter().find(|(_, known)| known == detector));
    serializer.collect_seq(names.map(|(name, _)| BTreeMap::from([(*name, BTreeMap::<&str, ()>::new())])))
}

/// The value of an attribute or of a log field.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating point number.
    Double(f64),
    /// A text.
    Text(String),
    /// Several, all of one kind.
    List(Vec<AttributeValue>),
}

#[derive(Serialize)]
struct Attribute<'a> {
    name: &'a str,
    value: &'a AttributeValue,
}

impl Serialize for Resource {
    /// As a list of attributes, or in the older form if one is removed: only that one can say so.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kept: Option<Vec<Attribute<'_>>> = self
            .attributes
            .iter()
            .map(|(name, value)| {
                let value = value.as_ref()?;
                Some(Attribute { name, value })
            })
            .collect();
        let mut map = serializer.serialize_map(None)?;
        match kept {
            None => self
                .attributes
                .iter()
                .try_for_each(|(name, value)| map.serialize_entry(name, value))?,
            Some(kept) => map.serialize_entry("attributes", &kept)?,
        }
        if let Some(schema_url) = &self.schema_url {
            map.serialize_entry("schema_url", schema_url)?;
        }
        if !self.detection.detectors.is_empty() {
            map.serialize_entry("detection/development", &self.detection)?;
        }
        map.end()
    }
}
