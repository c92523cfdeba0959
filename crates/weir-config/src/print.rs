//! The configuration as it is understood, for `print-config`.

mod commented;
mod origins;

use serde::Serialize;
use serde_yaml::{Mapping, Value};
use weir_component::{ComponentId, config::reveal};

use crate::config::{ComponentConfig, Config};
use crate::report::without_user_information;

pub use commented::commented;

/// Whether secrets are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// As `[REDACTED]`, and so is user information in URLs.
    Redacted,
    /// As they are.
    Unredacted,
}

impl Config {
    /// Returns the whole configuration, defaults filled in, as a YAML value. It serializes to YAML and to JSON.
    ///
    /// # Errors
    ///
    /// Those of a component's `Serialize`.
    pub fn to_value(&self, secrets: Secrets) -> Result<Value, serde_yaml::Error> {
        match secrets {
            Secrets::Redacted => self.value().map(without_credentials),
            Secrets::Unredacted => reveal(|| self.value()),
        }
    }

    fn value(&self) -> Result<Value, serde_yaml::Error> {
        let mut root = Mapping::new();
        for (section, components) in [
            ("receivers", &self.receivers),
            ("processors", &self.processors),
            ("exporters", &self.exporters),
            ("connectors", &self.connectors),
            ("extensions", &self.extensions),
        ] {
            if components.is_empty() {
                continue;
            }
            let entries = components
                .iter()
                .map(|(id, component)| Ok((text(id), options(component)?)));
            root.insert(
                section.into(),
                Value::Mapping(entries.collect::<Result<_, serde_yaml::Error>>()?),
            );
        }
        root.insert("service".into(), self.service_value()?);
        Ok(Value::Mapping(root))
    }

    fn service_value(&self) -> Result<Value, serde_yaml::Error> {
        let pipelines = self.service.pipelines.iter().map(|(id, pipeline)| {
            let lists = [
                ("receivers", &pipeline.receivers),
                ("processors", &pipeline.processors),
                ("exporters", &pipeline.exporters),
            ];
            let lists: Mapping = lists
                .into_iter()
                .map(|(key, ids)| (key.into(), list(ids)))
                .collect();
            (text(id), Value::Mapping(lists))
        });
        let mut service = Mapping::new();
        service.insert("extensions".into(), list(&self.service.extensions));
        service.insert("pipelines".into(), Value::Mapping(pipelines.collect()));
        service.insert("telemetry".into(), serde_yaml::to_value(&self.service.telemetry)?);
        Ok(Value::Mapping(service))
    }
}

/// Takes user information out of all URLs: their keys are plain texts for components, as in the Collector.
fn without_credentials(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(without_user_information(&text).unwrap_or(text)),
        Value::Sequence(items) => items.into_iter().map(without_credentials).collect(),
        Value::Mapping(map) => {
            let entries = map.into_iter();
            Value::Mapping(
                entries
                    .map(|(key, value)| (key, without_credentials(value)))
                    .collect(),
            )
        }
        other => other,
    }
}

fn options(component: &ComponentConfig) -> Result<Value, serde_yaml::Error> {
    component
        .config
        .as_serialize()
        .serialize(serde_yaml::value::Serializer)
}

fn list(ids: &[ComponentId]) -> Value {
    Value::Sequence(ids.iter().map(text).collect())
}

fn text(id: impl ToString) -> Value {
    Value::String(id.to_string())
}
