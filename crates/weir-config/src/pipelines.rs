//! `service::pipelines` and `service::extensions`: what is wanted to run.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Deserializer, de};
use weir_component::{ComponentId, ComponentKind, PipelineId};

use crate::{
    config::PipelineConfig,
    decode::{self, decode},
    node::{Kind, Node},
    path::Path,
    read::Reader,
    report::{Diagnostic, Place},
    suggest,
};

/// A component that a pipeline or the service names, and where.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    pub(crate) id: ComponentId,
    pub(crate) place: Place,
    pub(crate) path: Path,
}

/// A pipeline as written, without repeated references.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) id: PipelineId,
    pub(crate) receivers: Vec<Reference>,
    pub(crate) processors: Vec<Reference>,
    pub(crate) exporters: Vec<Reference>,
}

/// Everything that is wanted.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) pipelines: Vec<Wanted>,
    pub(crate) extensions: Vec<Reference>,
    /// False if a part could not be read; then nothing can be called unused.
    pub(crate) complete: bool,
}

impl Plan {
    /// Ids that play a part in the pipelines: receivers, processors or exporters (connectors are in two of them).
    pub(crate) fn used(&self, kind: ComponentKind) -> BTreeSet<&ComponentId> {
        let ids = |of: fn(&Wanted) -> &Vec<Reference>| {
            self.pipelines
                .iter()
                .flat_map(of)
                .map(|reference| &reference.id)
                .collect::<BTreeSet<_>>()
        };
        match kind {
            ComponentKind::Receiver => ids(|pipeline| &pipeline.receivers),
            ComponentKind::Processor => ids(|pipeline| &pipeline.processors),
            ComponentKind::Exporter => ids(|pipeline| &pipeline.exporters),
            ComponentKind::Connector => {
                &ids(|pipeline| &pipeline.receivers) | &ids(|pipeline| &pipeline.exporters)
            }
            ComponentKind::Extension => self.extensions.iter().map(|reference| &reference.id).collect(),
        }
    }

    pub(crate) fn extension_ids(&self) -> Vec<ComponentId> {
        ids(&self.extensions)
    }

    pub(crate) fn pipeline_configs(&self) -> BTreeMap<PipelineId, PipelineConfig> {
        let config = |pipeline: &Wanted| PipelineConfig {
            receivers: ids(&pipeline.receivers),
            processors: ids(&pipeline.processors),
            exporters: ids(&pipeline.exporters),
        };
        self.pipelines
            .iter()
            .map(|pipeline| (pipeline.id.clone(), config(pipeline)))
            .collect()
    }
}

fn ids(references: &[Reference]) -> Vec<ComponentId> {
    references.iter().map(|reference| reference.id.clone()).collect()
}

/// An id in a list. It is asked for as a value of any type, so that a bare text does not serve as a list of ids.
struct Id(ComponentId);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl de::Visitor<'_> for IdVisitor {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a component id such as `otlp` or `otlp/name`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
                text.parse().map(Id).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Lists {
    receivers: Vec<Id>,
    processors: Vec<Id>,
    exporters: Vec<Id>,
}

/// Reads what is wanted. Mistakes go to the report.
pub(crate) fn read(reader: &mut Reader<'_>, service: Option<&Node>) -> Plan {
    let mut plan = Plan {
        complete: true,
        ..Plan::default()
    };
    extensions(
        reader,
        service.and_then(|service| service.entry("extensions")),
        &mut plan,
    );
    let path = Path::keys(["service", "pipelines"]);
    let section = service.and_then(|service| service.entry("pipelines"));
    let empty = BTreeMap::new();
    let pipelines = match section.map(|section| &section.kind) {
        Some(Kind::Map(map)) => map,
        Some(Kind::Null) | None => &empty,
        Some(other) => {
            let message = format!("expected a mapping of pipelines, found {}", other.describe());
            plan.complete = false;
            return {
                reader.error_at(section, path, message);
                plan
            };
        }
    };
    if pipelines.is_empty() && !reader.document.gates.allow_no_pipelines {
        plan.complete = false;
        if ["service", "pipelines"]
            .iter()
            .any(|key| reader.misspelt.contains(key))
        {
            return plan;
        }
        let hint = "a pipeline: `service: {pipelines: {metrics: {receivers: [otlp], exporters: [debug]}}}`";
        let mut diagnostic = Diagnostic::error("there are no pipelines")
            .path(path.clone())
            .hint(hint);
        let node = section.or(service).unwrap_or(&reader.document.root);
        diagnostic = diagnostic.place(match node.key {
            Some(_) => node.key_place().clone(),
            None => Place::whole(node.at.source),
        });
        reader.report.push(diagnostic);
    }
    let mut seen: BTreeMap<PipelineId, &Node> = BTreeMap::new();
    for (key, node) in pipelines {
        let at = path.key(key);
        let Some(id) = pipeline_id(reader, key, node, &at) else {
            plan.complete = false;
            continue;
        };
        if let Some(first) = seen.insert(id.clone(), node) {
            let message = format!("the pipeline `{id}` is given twice");
            let diagnostic = Diagnostic::twice(message, first.key_place(), node.key_place()).path(at.clone());
            reader.report.push(diagnostic);
            continue;
        }
        match pipeline(reader, id, node, &at) {
            Some(wanted) => plan.pipelines.push(wanted),
            None => plan.complete = false,
        }
    }
    plan
}

fn pipeline_id(reader: &mut Reader<'_>, key: &str, node: &Node, at: &Path) -> Option<PipelineId> {
    let signal = key.split('/').next().unwrap_or(key).trim();
    let (message, hint) = match key.parse() {
        Ok(id) => return Some(id),
        Err(_) if signal == "profiles" => ("pipelines of profiles are not supported".to_owned(), None),
        Err(error) => {
            let error: weir_component::InvalidId = error;
            let hint = suggest::nearest(signal, ["metrics", "traces", "logs"]);
            (
                error.to_string(),
                hint.map(|signal| format!("did you mean `{signal}`?")),
            )
        }
    };
    let diagnostic = Diagnostic::error(message)
        .place(node.key_place().clone())
        .path(at.clone());
    reader.report.push(diagnostic.maybe_hint(hint));
    None
}

fn pipeline(reader: &mut Reader<'_>, id: PipelineId, node: &Node, at: &Path) -> Option<Wanted> {
    let lists = match decode(node, &reader.unset_under(at), |source| Lists::deserialize(source)) {
        Ok(lists) => lists,
        Err(problems) => {
            reader
                .report
                .extend(problems.iter().map(|problem| decode::diagnose(node, at, problem)));
            return None;
        }
    };
    let missing = match (lists.receivers.is_empty(), lists.exporters.is_empty()) {
        (true, true) => Some("neither receivers nor exporters"),
        (true, false) => Some("no receivers"),
        (false, true) => Some("no exporters"),
        (false, false) => None,
    };
    if let Some(missing) = missing {
        let diagnostic = Diagnostic::error(format!("the pipeline `{id}` has {missing}"))
            .place(node.key_place().clone())
            .path(at.clone())
            .hint("a pipeline leads from at least one receiver to at least one exporter");
        reader.report.push(diagnostic);
    }
    Some(Wanted {
        receivers: references(reader, node, at, "receivers", lists.receivers),
        processors: references(reader, node, at, "processors", lists.processors),
        exporters: references(reader, node, at, "exporters", lists.exporters),
        id,
    })
}

fn extensions(reader: &mut Reader<'_>, section: Option<&Node>, plan: &mut Plan) {
    let Some(section) = section else { return };
    let path = Path::keys(["service", "extensions"]);
    match decode(section, &reader.unset_under(&path), |source| {
        Vec::<Id>::deserialize(source)
    }) {
        Ok(list) => {
            let parent = reader.document.root.entry("service").unwrap_or(section);
            plan.extensions = references(reader, parent, &Path::keys(["service"]), "extensions", list);
        }
        Err(problems) => {
            plan.complete = false;
            reader.report.extend(
                problems
                    .iter()
                    .map(|problem| decode::diagnose(section, &path, problem)),
            );
        }
    }
}

/// Gives each id of a list its place and leaves out repeated ones. A processor twice is an error, for it would run once.
fn references(
    reader: &mut Reader<'_>,
    parent: &Node,
    base: &Path,
    list: &str,
    ids: Vec<Id>,
) -> Vec<Reference> {
    let mut found: Vec<Reference> = Vec::new();
    for (index, Id(id)) in ids.into_iter().enumerate() {
        let step = Path::root().key(list).index(index);
        let place = parent.nearest(&step).value_place().clone();
        let path = base.join(&step);
        let Some(first) = found.iter().find(|reference| reference.id == id) else {
            found.push(Reference { id, place, path });
            continue;
        };
        let message = format!("`{id}` is listed twice");
        let diagnostic = match list {
            "processors" => {
                Diagnostic::error(message).hint("give the second one an id of its own, as in `batch/2`")
            }
            _ => Diagnostic::warning(message).hint("remove one of the two; it runs once"),
        };
        reader.report.push(
            diagnostic
                .related(first.place.clone(), "first listed here")
                .place(place)
                .path(path),
        );
    }
    found
}
