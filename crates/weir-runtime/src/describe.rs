//! What runs, in the words of the component API.

use std::collections::BTreeSet;

use weir_component::{
    ComponentId, ComponentKind, Components, Factory, NodeKey, PipelineId, PipelineInfo, ServiceInfo, Signal,
};
use weir_config::{Config, PipelineConfig, Secrets};

use crate::Settings;

/// Describes the graph of a configuration.
pub(crate) fn describe(config: &Config, settings: &Settings, components: &Components) -> ServiceInfo {
    let pipelines = &config.service.pipelines;
    ServiceInfo {
        build_info: settings.build_info.clone(),
        pipelines: pipelines
            .iter()
            .map(|(id, pipeline)| (id.clone(), steps(config, id, pipeline)))
            .collect(),
        extensions: config.service.extensions.clone(),
        config: as_json(config),
        feature_gates: settings.feature_gates.clone(),
        ledger: settings.ledger.clone(),
        components: components.clone(),
        ..ServiceInfo::default()
    }
}

/// Writes a configuration as JSON without its secrets, nor the user information of URLs.
fn as_json(config: &Config) -> String {
    let value = config.to_value(Secrets::Redacted).ok();
    value
        .and_then(|value| serde_json::to_string(&value).ok())
        .unwrap_or_else(|| "{}".to_owned())
}

fn steps(config: &Config, id: &PipelineId, pipeline: &PipelineConfig) -> PipelineInfo {
    let node = |kind, component: &ComponentId, signal, pipeline| NodeKey {
        kind,
        id: component.clone(),
        signal,
        pipeline,
    };
    let receivers = pipeline.receivers.iter().flat_map(|receiver| {
        if config.connectors.contains_key(receiver) {
            connected(config, receiver, id.signal())
        } else {
            vec![node(ComponentKind::Receiver, receiver, None, None)]
        }
    });
    let processors = pipeline.processors.iter().map(|processor| {
        node(
            ComponentKind::Processor,
            processor,
            Some(id.signal()),
            Some(id.clone()),
        )
    });
    let exporters = pipeline.exporters.iter().map(|exporter| {
        let kind = if config.connectors.contains_key(exporter) {
            ComponentKind::Connector
        } else {
            ComponentKind::Exporter
        };
        node(kind, exporter, Some(id.signal()), None)
    });
    PipelineInfo {
        receivers: receivers.collect(),
        processors: processors.collect(),
        exporters: exporters.collect(),
    }
}

/// Returns a connector that gives `given`, once for each signal that it takes from pipelines.
fn connected(config: &Config, connector: &ComponentId, given: Signal) -> Vec<NodeKey> {
    let Some(Factory::Connector(factory)) = config
        .connectors
        .get(connector)
        .map(|component| component.factory)
    else {
        return Vec::new();
    };
    let pipelines = config.service.pipelines.iter();
    let taken: BTreeSet<Signal> = pipelines
        .filter(|(_, pipeline)| pipeline.exporters.contains(connector))
        .map(|(id, _)| id.signal())
        .filter(|taken| factory.pairs.contains(&(*taken, given)))
        .collect();
    taken
        .into_iter()
        .map(|taken| NodeKey {
            kind: ComponentKind::Connector,
            id: connector.clone(),
            signal: Some(taken),
            pipeline: None,
        })
        .collect()
}
