//! `receivers`, `processors`, `exporters`, `connectors`, `extensions`: finds each component's factory and has it decode
//! its options.

use std::collections::BTreeMap;

use weir_component::{ComponentId, ComponentKind, Factory, Found};

use crate::{
    config::ComponentConfig,
    known,
    node::{Kind, Node},
    options::options,
    path::Path,
    pipelines::{Plan, Reference},
    read::{KINDS, Reader},
    removed,
    report::{Diagnostic, Place},
    suggest,
};

/// What the sections hold.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    pub(crate) receivers: BTreeMap<ComponentId, ComponentConfig>,
    pub(crate) processors: BTreeMap<ComponentId, ComponentConfig>,
    pub(crate) exporters: BTreeMap<ComponentId, ComponentConfig>,
    pub(crate) connectors: BTreeMap<ComponentId, ComponentConfig>,
    pub(crate) extensions: BTreeMap<ComponentId, ComponentConfig>,
    /// Warnings about components that nothing uses. Beside an error they would only repeat what follows from it.
    pub(crate) unused: Vec<Diagnostic>,
    /// Kinds whose section is no mapping; what they would define is not known.
    pub(crate) unreadable: Vec<ComponentKind>,
    /// Extensions that components which are used name in their options.
    pub(crate) named_extensions: Vec<Reference>,
    /// Every id that is written down, also of components with mistakes, with its key's place and its factory if known.
    defined: BTreeMap<(ComponentKind, ComponentId), (Place, Option<Factory>)>,
}

impl Sections {
    fn section(&mut self, kind: ComponentKind) -> &mut BTreeMap<ComponentId, ComponentConfig> {
        match kind {
            ComponentKind::Receiver => &mut self.receivers,
            ComponentKind::Processor => &mut self.processors,
            ComponentKind::Exporter => &mut self.exporters,
            ComponentKind::Connector => &mut self.connectors,
            ComponentKind::Extension => &mut self.extensions,
        }
    }

    /// Returns whether an id is written under a section, whatever else is wrong with it.
    pub(crate) fn defines(&self, kind: ComponentKind, id: &ComponentId) -> bool {
        self.defined.contains_key(&(kind, id.clone()))
    }

    pub(crate) fn place(&self, kind: ComponentKind, id: &ComponentId) -> Option<&Place> {
        self.defined.get(&(kind, id.clone())).map(|(place, _)| place)
    }

    pub(crate) fn factory(&self, kind: ComponentKind, id: &ComponentId) -> Option<&Factory> {
        self.defined.get(&(kind, id.clone()))?.1.as_ref()
    }

    pub(crate) fn ids(&self, kind: ComponentKind) -> impl Iterator<Item = &ComponentId> {
        self.defined
            .keys()
            .filter(move |(of, _)| *of == kind)
            .map(|(_, id)| id)
    }
}

/// Reads all five sections. Mistakes go to the report.
pub(crate) fn read(reader: &mut Reader<'_>, plan: &Plan) -> Sections {
    let mut sections = Sections::default();
    let document = reader.document;
    for kind in KINDS {
        let path = Path::keys([kind.section()]);
        let section = document.root.entry(kind.section());
        match section.map(|section| &section.kind) {
            Some(Kind::Map(map)) => {
                for (key, node) in map {
                    component(reader, plan, &mut sections, kind, key, node);
                }
            }
            None if reader.misspelt.contains(kind.section()) => sections.unreadable.push(kind),
            Some(Kind::Null) | None => {}
            Some(other) => {
                sections.unreadable.push(kind);
                if !reader.unset_under(&path).contains(&Path::root()) {
                    let message = format!(
                        "expected a mapping of {}, found {}",
                        kind.section(),
                        other.describe()
                    );
                    reader.error_at(section, path, message);
                }
            }
        }
    }
    sections
}

fn component(
    reader: &mut Reader<'_>,
    plan: &Plan,
    sections: &mut Sections,
    kind: ComponentKind,
    key: &str,
    node: &Node,
) {
    let at = Path::keys([kind.section(), key]);
    let id: ComponentId = match key.parse() {
        Ok(id) => id,
        Err(error) => {
            let error: weir_component::InvalidId = error;
            let diagnostic = Diagnostic::error(error.to_string())
                .path(at)
                .place(node.key_place().clone());
            return reader.report.push(diagnostic);
        }
    };
    let factory = factory(reader, kind, &id, node, &at);
    let entry = (node.key_place().clone(), factory);
    if let Some((first, _)) = sections.defined.insert((kind, id.clone()), entry) {
        let message = format!("the {kind} `{id}` is given twice");
        let diagnostic = Diagnostic::twice(message, &first, node.key_place()).path(at);
        return reader.report.push(diagnostic);
    }
    let used = !plan.complete || plan.used(kind).contains(&id);
    if !used {
        sections.unused.push(unused(kind, &id, node, &at));
        reader.is_unused(at.clone());
    }
    let unset = reader.unset_under(&at);
    if !used && !unset.is_empty() {
        return;
    }
    if let Some(factory) = factory
        && let Some((config, named)) = options(reader, factory, kind, node, &at, &unset)
    {
        sections
            .named_extensions
            .extend(named.into_iter().filter(|_| used));
        sections
            .section(kind)
            .insert(id.clone(), ComponentConfig { id, factory, config });
    }
}

fn unused(kind: ComponentKind, id: &ComponentId, node: &Node, at: &Path) -> Diagnostic {
    let message = match kind {
        ComponentKind::Extension => format!("the extension `{id}` is not listed in `service::extensions`"),
        _ => format!("the {kind} `{id}` is in no pipeline"),
    };
    Diagnostic::warning(message)
        .path(at.clone())
        .place(node.key_place().clone())
        .hint("it is checked and then left alone; remove it, or put it to use")
}

/// Finds the factory of a type, or says why there is none.
fn factory(
    reader: &mut Reader<'_>,
    kind: ComponentKind,
    id: &ComponentId,
    node: &Node,
    at: &Path,
) -> Option<Factory> {
    let type_name = id.type_name();
    let (message, hint) = match reader.catalog.find(kind, type_name) {
        Some(Found::Name(factory)) => return Some(*factory),
        Some(Found::Alias(factory)) => {
            let name = factory.meta().name;
            let warning =
                Diagnostic::warning(format!("`{type_name}` is the old name of the {kind} `{name}`"))
                    .path(at.clone())
                    .place(node.key_place().clone())
                    .hint(format!("write `{name}`, here and in the pipelines"));
            reader.report.push(warning);
            return Some(*factory);
        }
        None => missing_factory(reader, kind, type_name),
    };
    let diagnostic = Diagnostic::error(message)
        .path(at.clone())
        .place(node.key_place().clone());
    reader.report.push(diagnostic.maybe_hint(hint));
    None
}

fn missing_factory(reader: &Reader<'_>, kind: ComponentKind, type_name: &str) -> (String, Option<String>) {
    let built = |kind| reader.catalog.of_kind(kind).map(|factory| factory.meta().name);
    if let Some((what, instead)) = removed::component(kind, type_name) {
        return (what, Some(instead));
    }
    if let Some(name) = known::find(kind, type_name) {
        let message = format!("the {kind} `{name}` is not part of this build yet");
        let hint = "remove it here and where it is named; the command `components` lists what this build has";
        return (message, Some(hint.to_owned()));
    }
    let elsewhere = KINDS.into_iter().filter(|other| *other != kind).find(|other| {
        reader.catalog.find(*other, type_name).is_some() || known::find(*other, type_name).is_some()
    });
    if let Some(other) = elsewhere {
        let message = format!(
            "`{type_name}` is {}, not {}",
            with_article(other),
            with_article(kind)
        );
        return (message, Some(format!("move it to `{}`", other.section())));
    }
    let all: Vec<&str> = built(kind).chain(known::names(kind)).collect();
    let hint = match suggest::nearest(type_name, all) {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None => suggest::hint(
            type_name,
            built(kind),
            &format!("the {} of this build", kind.section()),
        ),
    };
    (format!("unknown {kind} type `{type_name}`"), hint)
}

fn with_article(kind: ComponentKind) -> String {
    let article = if kind.as_str().starts_with('e') { "an" } else { "a" };
    format!("{article} {kind}")
}
