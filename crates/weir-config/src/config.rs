//! A configuration that has been decoded and checked.

use std::collections::BTreeMap;

use weir_component::{ComponentId, ComponentKind, Factory, ParsedConfig, PipelineId};

use crate::{mistake::Origin, telemetry::Telemetry};

/// A checked configuration: every reference leads to a component, every component suits its pipelines.
#[derive(Debug, Clone)]
pub struct Config {
    /// Receivers by id, also those that no pipeline uses.
    pub receivers: BTreeMap<ComponentId, ComponentConfig>,
    /// Processors by id, also those that no pipeline uses.
    pub processors: BTreeMap<ComponentId, ComponentConfig>,
    /// Exporters by id, also those that no pipeline uses.
    pub exporters: BTreeMap<ComponentId, ComponentConfig>,
    /// Connectors by id, also those that no pipeline uses.
    pub connectors: BTreeMap<ComponentId, ComponentConfig>,
    /// Extensions by id, also those that the service does not start.
    pub extensions: BTreeMap<ComponentId, ComponentConfig>,
    /// What runs.
    pub service: Service,
    /// Where it was read from.
    pub(crate) origin: Origin,
}

impl Config {
    /// Returns the components that run: those that a pipeline names, and the extensions of the service. Each comes once, by kind.
    pub fn running(&self) -> impl Iterator<Item = (ComponentKind, &ComponentConfig)> {
        [
            (ComponentKind::Receiver, &self.receivers),
            (ComponentKind::Processor, &self.processors),
            (ComponentKind::Exporter, &self.exporters),
            (ComponentKind::Connector, &self.connectors),
            (ComponentKind::Extension, &self.extensions),
        ]
        .into_iter()
        .flat_map(|(kind, section)| section.values().map(move |component| (kind, component)))
        .filter(|(kind, component)| self.runs(*kind, &component.id))
    }

    fn runs(&self, kind: ComponentKind, id: &ComponentId) -> bool {
        let in_pipeline = |pipeline: &PipelineConfig| match kind {
            ComponentKind::Receiver => pipeline.receivers.contains(id),
            ComponentKind::Processor => pipeline.processors.contains(id),
            ComponentKind::Exporter => pipeline.exporters.contains(id),
            ComponentKind::Connector => pipeline.receivers.contains(id) || pipeline.exporters.contains(id),
            ComponentKind::Extension => false,
        };
        match kind {
            ComponentKind::Extension => self.service.extensions.contains(id),
            _ => self.service.pipelines.values().any(in_pipeline),
        }
    }
}

/// A component as configured.
#[derive(Debug, Clone)]
pub struct ComponentConfig {
    /// The id as the user wrote it, so the type may be an alias.
    pub id: ComponentId,
    /// Makes the component.
    pub factory: Factory,
    /// The options, decoded by the factory and found valid.
    pub config: ParsedConfig,
}

/// What runs: pipelines, extensions and Weir's own telemetry.
#[derive(Debug, Clone)]
pub struct Service {
    /// Extensions to start, in this order.
    pub extensions: Vec<ComponentId>,
    /// At least one pipeline.
    pub pipelines: BTreeMap<PipelineId, PipelineConfig>,
    /// Logs and metrics about Weir itself.
    pub telemetry: Telemetry,
}

/// One way of data from receivers to exporters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PipelineConfig {
    /// Receivers and connectors, at least one, each once.
    pub receivers: Vec<ComponentId>,
    /// Processors in the order of the data, each once.
    pub processors: Vec<ComponentId>,
    /// Exporters and connectors, at least one, each once.
    pub exporters: Vec<ComponentId>,
}
