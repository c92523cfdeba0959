//! `components`: what the binary offers, in the Collector's form.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Serialize;
use weir_component::{BuildInfo, Catalog, ComponentKind, Factory};

#[derive(Serialize)]
struct Listing {
    buildinfo: Build,
    receivers: Vec<Entry>,
    processors: Vec<Entry>,
    exporters: Vec<Entry>,
    connectors: Vec<Entry>,
    extensions: Vec<Entry>,
    providers: Vec<Provider>,
}

#[derive(Serialize)]
struct Build {
    command: String,
    description: String,
    version: String,
}

#[derive(Serialize)]
struct Entry {
    name: &'static str,
    /// Per signal, per pair of signals such as `logs-to-metrics`, or `extension`.
    stability: BTreeMap<String, &'static str>,
}

#[derive(Serialize)]
struct Provider {
    scheme: &'static str,
}

/// Returns the list as YAML, sorted by name; older spellings of types are left out.
pub(crate) fn list(catalog: &Catalog, build_info: &BuildInfo) -> anyhow::Result<String> {
    let of_kind = |kind| {
        let mut entries: Vec<Entry> = catalog.of_kind(kind).map(entry).collect();
        entries.sort_by_key(|entry| entry.name);
        entries
    };
    let listing = Listing {
        buildinfo: Build {
            command: build_info.command.clone(),
            description: build_info.description.clone(),
            version: build_info.version.clone(),
        },
        receivers: of_kind(ComponentKind::Receiver),
        processors: of_kind(ComponentKind::Processor),
        exporters: of_kind(ComponentKind::Exporter),
        connectors: of_kind(ComponentKind::Connector),
        extensions: of_kind(ComponentKind::Extension),
        providers: ["env", "file", "http", "https", "yaml"]
            .map(|scheme| Provider { scheme })
            .into(),
    };
    serde_yaml::to_string(&listing).context("cannot write YAML")
}

fn entry(factory: &Factory) -> Entry {
    let meta = factory.meta();
    let uses: Vec<String> = match factory {
        Factory::Extension(_) => vec!["extension".to_owned()],
        Factory::Connector(connector) => connector
            .pairs
            .iter()
            .map(|(from, to)| format!("{}-to-{}", from.as_str(), to.as_str()))
            .collect(),
        _ => meta
            .signals
            .iter()
            .map(|signal| signal.as_str().to_owned())
            .collect(),
    };
    Entry {
        name: meta.name,
        stability: uses.into_iter().map(|of| (of, meta.stability.as_str())).collect(),
    }
}
