//! From a [`Document`] to a [`Config`]: the top-level sections and the order of the checks.

use std::{collections::BTreeSet, sync::Arc};

use weir_component::{Catalog, ComponentKind};

use crate::{
    components::{self, Sections},
    config::{Config, Service},
    document::Document,
    graph,
    mistake::Origin,
    node::{Kind, Node},
    path::Path,
    pipelines, removed,
    report::{Diagnostic, Report},
    suggest, telemetry, unset,
};

/// All kinds, in the order of the sections.
pub(crate) const KINDS: [ComponentKind; 5] = [
    ComponentKind::Receiver,
    ComponentKind::Processor,
    ComponentKind::Exporter,
    ComponentKind::Connector,
    ComponentKind::Extension,
];

/// Decodes and checks a configuration for a binary that offers `catalog`.
///
/// The report beside the configuration holds warnings only.
///
/// # Errors
///
/// A report of everything wrong, with the warnings.
pub fn read(document: &Document, catalog: &Catalog) -> Result<(Config, Report), Report> {
    let mut reader = Reader {
        document,
        catalog,
        report: Report::new(document.sources.clone()),
        unused: Vec::new(),
        misspelt: BTreeSet::new(),
    };
    reader.report.extend(document.warnings.iter().cloned());
    let config = reader.config();
    let mut report = reader.report;
    report.finish();
    match config {
        Some(config) if !report.has_errors() => Ok((config, report)),
        _ => Err(report),
    }
}

/// What the steps of reading share.
pub(crate) struct Reader<'a> {
    pub(crate) document: &'a Document,
    pub(crate) catalog: &'a Catalog,
    pub(crate) report: Report,
    /// Components that nothing uses.
    unused: Vec<Path>,
    /// Keys that are missing because they are misspelt or misplaced, which has been said.
    pub(crate) misspelt: BTreeSet<&'static str>,
}

impl<'a> Reader<'a> {
    fn config(&mut self) -> Option<Config> {
        let root = &self.document.root;
        if matches!(&root.kind, Kind::Map(map) if map.is_empty()) {
            let hint = "a configuration has `receivers`, `exporters` and `service::pipelines`";
            self.report
                .push(Diagnostic::error("the configuration is empty").hint(hint));
            return None;
        }
        let known: Vec<&'static str> = KINDS
            .iter()
            .map(|kind| kind.section())
            .chain(["service"])
            .collect();
        self.check_keys(root, &Path::root(), &known);
        let service_path = Path::keys(["service"]);
        let service = root.entry("service");
        match service.map(|service| &service.kind) {
            Some(Kind::Map(_)) => {
                if let Some(service) = service {
                    self.check_keys(service, &service_path, &["telemetry", "extensions", "pipelines"]);
                }
            }
            Some(Kind::Null) | None => {}
            Some(other) => {
                let message = format!("expected a mapping, found {}", other.describe());
                self.misspelt.insert("service");
                self.error_at(service, service_path.clone(), message);
            }
        }
        let wanted = pipelines::read(self, service);
        let sections = components::read(self, &wanted);
        graph::check(self, &wanted, &sections);
        let telemetry = telemetry::read(self, service.and_then(|service| service.entry("telemetry")));
        self.report_unset();
        if !self.report.has_errors() {
            self.report.extend(sections.unused.iter().cloned());
        }
        let Sections {
            receivers,
            processors,
            exporters,
            connectors,
            extensions,
            ..
        } = sections;
        let service = Service {
            extensions: wanted.extension_ids(),
            pipelines: wanted.pipeline_configs(),
            telemetry: telemetry?,
        };
        Some(Config {
            receivers,
            processors,
            exporters,
            connectors,
            extensions,
            service,
            origin: Origin {
                root: Arc::clone(&self.document.root),
                sources: self.document.sources.clone(),
            },
        })
    }

    /// Reports keys of a section that it does not have.
    fn check_keys(&mut self, section: &Node, path: &Path, known: &[&'static str]) {
        let Kind::Map(map) = &section.kind else { return };
        for (key, entry) in map.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
            let at = path.key(key);
            self.misspelt.extend(suggest::nearest(key, known.iter().copied()));
            if key == "pipelines" {
                self.misspelt.insert("pipelines");
            }
            let hint = removed::moved(&at, entry)
                .or_else(|| suggest::hint(key, known.iter().copied(), "the keys here are"));
            let diagnostic =
                Diagnostic::error(format!("unknown key `{key}`")).place(entry.key_place().clone());
            self.report.push(diagnostic.path(at).maybe_hint(hint));
        }
    }

    /// Reports an error at the value of a node, or without a place if there is none.
    pub(crate) fn error_at(&mut self, node: Option<&Node>, path: Path, message: impl Into<String>) {
        let message = message.into();
        let diagnostic = match node {
            Some(node) => {
                Diagnostic::error(node.redact(&Path::root(), &message)).place(node.value_place().clone())
            }
            None => Diagnostic::error(message),
        };
        self.report.push(diagnostic.path(path));
    }

    /// Paths under `base`, relative to it, whose variable is not set.
    pub(crate) fn unset_under(&self, base: &Path) -> Vec<Path> {
        self.document
            .unset
            .iter()
            .filter_map(|unset| unset.path.strip(base))
            .collect()
    }

    /// Notes that what lies under `base` is not used: variables that are not set there are no errors.
    pub(crate) fn is_unused(&mut self, base: Path) {
        self.unused.push(base);
    }

    fn report_unset(&mut self) {
        let unset = self.document.unset.iter().map(|unset| {
            let unused = self.unused.iter().any(|base| unset.path.strip(base).is_some());
            (unset, !unused)
        });
        let diagnostics = unset::diagnose(unset);
        self.report.extend(diagnostics);
    }
}
