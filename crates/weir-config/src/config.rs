//! A configuration that has been decoded and checked.

use std::collections::BTreeMap;

use weir_component::{ComponentId, Factory, ParsedConfig, PipelineId};

use crate::telemetry::Telemetry;

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
