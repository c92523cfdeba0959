//! Rules between components and pipelines: every reference leads somewhere, every signal is taken, connectors connect,
//! and no data runs in a circle.

use std::collections::{BTreeMap, BTreeSet};

use weir_component::{ComponentId, ComponentKind, Factory, Signal};

use crate::{
    components::Sections,
    path::Path,
    pipelines::{Plan, Reference, Wanted},
    read::{KINDS, Reader},
    report::Diagnostic,
    suggest,
};

/// Checks everything that needs more than one component.
pub(crate) fn check(reader: &mut Reader<'_>, plan: &Plan, sections: &Sections) {
    use ComponentKind::{Connector, Exporter, Extension, Processor, Receiver};
    ambiguous_connectors(reader, sections);
    for pipeline in &plan.pipelines {
        for (references, kinds) in [
            (&pipeline.receivers, &[Receiver, Connector][..]),
            (&pipeline.processors, &[Processor][..]),
            (&pipeline.exporters, &[Exporter, Connector][..]),
        ] {
            for reference in references {
                resolve(
                    reader,
                    sections,
                    reference,
                    kinds,
                    &format!("the pipeline `{}`", pipeline.id),
                );
                takes_signal(reader, sections, reference, kinds[0], pipeline);
            }
        }
    }
    for reference in &plan.extensions {
        resolve(reader, sections, reference, &[Extension], "the service");
    }
    if plan.complete {
        for reference in &sections.named_extensions {
            runs(reader, plan, sections, reference);
        }
    }
    let connectors: Vec<Connection<'_>> = sections
        .ids(Connector)
        .filter_map(|id| Connection::of(id, plan, sections))
        .collect();
    for connection in &connectors {
        let ambiguous = [Receiver, Exporter]
            .into_iter()
            .any(|kind| sections.defines(kind, connection.id));
        if !ambiguous {
            connection.check(reader, sections);
        }
    }
    if let Some(diagnostic) = cycle(plan, &connectors) {
        reader.report.push(diagnostic);
    }
}

/// A connector id must not also be a receiver's or an exporter's: pipelines could not tell which is meant.
fn ambiguous_connectors(reader: &mut Reader<'_>, sections: &Sections) {
    for id in sections.ids(ComponentKind::Connector) {
        for other in [ComponentKind::Receiver, ComponentKind::Exporter] {
            let (Some(place), Some(taken)) = (
                sections.place(ComponentKind::Connector, id),
                sections.place(other, id),
            ) else {
                continue;
            };
            let diagnostic =
                Diagnostic::error(format!("the connector `{id}` has the id of the {other} `{id}`"))
                    .path(Path::keys(["connectors", &id.to_string()]))
                    .place(place.clone())
                    .related(taken.clone(), format!("the {other}"))
                    .hint(format!("call the connector `{id}/connector`"));
            reader.report.push(diagnostic);
        }
    }
}

fn resolve(reader: &mut Reader<'_>, sections: &Sections, to: &Reference, kinds: &[ComponentKind], who: &str) {
    let id = &to.id;
    if kinds
        .iter()
        .any(|kind| sections.defines(*kind, id) || sections.unreadable.contains(kind))
    {
        return;
    }
    let defined: Vec<String> = kinds
        .iter()
        .flat_map(|kind| sections.ids(*kind))
        .map(ToString::to_string)
        .collect();
    let hint = match KINDS.into_iter().find(|kind| sections.defines(*kind, id)) {
        Some(other) => Some(format!("`{id}` is defined under `{}`", other.section())),
        None => suggest::nearest(&id.to_string(), defined.iter().map(String::as_str))
            .map(|nearest| format!("did you mean `{nearest}`?"))
            .or_else(|| Some(format!("define it under `{}`", kinds[0].section()))),
    };
    let message = format!("{who} refers to the {} `{id}`, which is not defined", kinds[0]);
    let message = reader.document.root.redact(&to.path, &message);
    let diagnostic = Diagnostic::error(message)
        .path(to.path.clone())
        .place(to.place.clone());
    reader.report.push(diagnostic.maybe_hint(hint));
}

/// An extension that a component names must run.
fn runs(reader: &mut Reader<'_>, plan: &Plan, sections: &Sections, to: &Reference) {
    let id = &to.id;
    if plan.extensions.iter().any(|listed| listed.id == *id) {
        return;
    }
    let defined = sections.defines(ComponentKind::Extension, id);
    let hint = match defined {
        true => format!("add `{id}` to the list"),
        false => {
            let ids: Vec<String> = sections
                .ids(ComponentKind::Extension)
                .map(ToString::to_string)
                .collect();
            suggest::nearest(&id.to_string(), ids.iter().map(String::as_str)).map_or_else(
                || "define it under `extensions`, and list it there".to_owned(),
                |nearest| format!("did you mean `{nearest}`?"),
            )
        }
    };
    let message = format!("the extension `{id}` is needed here, but not listed in `service::extensions`");
    let message = reader.document.root.redact(&to.path, &message);
    let diagnostic = Diagnostic::error(message)
        .path(to.path.clone())
        .place(to.place.clone());
    reader.report.push(diagnostic.hint(hint));
}

fn takes_signal(
    reader: &mut Reader<'_>,
    sections: &Sections,
    to: &Reference,
    kind: ComponentKind,
    pipeline: &Wanted,
) {
    let signal = pipeline.id.signal();
    let Some(factory) = sections.factory(kind, &to.id) else {
        return;
    };
    if factory.meta().supports(signal) {
        return;
    }
    let verb = if kind == ComponentKind::Receiver {
        "give"
    } else {
        "take"
    };
    let signals: Vec<&str> = factory
        .meta()
        .signals
        .iter()
        .map(|signal| signal.as_str())
        .collect();
    let diagnostic = Diagnostic::error(format!("the {kind} `{}` does not {verb} {signal}", to.id))
        .path(to.path.clone())
        .place(to.place.clone())
        .hint(format!("it can be in pipelines of {}", signals.join(", ")));
    reader.report.push(diagnostic);
}

/// A connector and the pipelines on its two sides.
struct Connection<'a> {
    id: &'a ComponentId,
    pairs: &'static [(Signal, Signal)],
    /// Pipelines that export to it.
    from: Vec<(&'a Wanted, &'a Reference)>,
    /// Pipelines that receive from it.
    to: Vec<(&'a Wanted, &'a Reference)>,
}

impl<'a> Connection<'a> {
    fn of(id: &'a ComponentId, plan: &'a Plan, sections: &Sections) -> Option<Self> {
        let Factory::Connector(factory) = sections.factory(ComponentKind::Connector, id)? else {
            return None;
        };
        let side = |list: fn(&Wanted) -> &Vec<Reference>| {
            let named = move |pipeline: &'a Wanted| {
                list(pipeline)
                    .iter()
                    .find(|reference| reference.id == *id)
                    .map(|reference| (pipeline, reference))
            };
            plan.pipelines.iter().filter_map(named).collect::<Vec<_>>()
        };
        let (from, to) = (
            side(|pipeline| &pipeline.exporters),
            side(|pipeline| &pipeline.receivers),
        );
        Some(Self {
            id,
            pairs: factory.pairs,
            from,
            to,
        })
    }

    fn connects(&self, from: Signal, to: Signal) -> bool {
        self.pairs.contains(&(from, to))
    }

    fn check(&self, reader: &mut Reader<'_>, sections: &Sections) {
        let place = |diagnostic: Diagnostic| {
            let diagnostic = diagnostic.path(Path::keys(["connectors", &self.id.to_string()]));
            match sections.place(ComponentKind::Connector, self.id) {
                Some(place) => diagnostic.place(place.clone()),
                None => diagnostic,
            }
        };
        match (self.from.as_slice(), self.to.as_slice()) {
            ([], []) => return,
            ([(pipeline, _), ..], []) | ([], [(pipeline, _), ..]) => {
                let (has, lacks) = if self.to.is_empty() {
                    ("an exporter", "receiver")
                } else {
                    ("a receiver", "exporter")
                };
                let message = format!(
                    "the connector `{}` is {has} of the pipeline `{}`, but the {lacks} of none",
                    self.id, pipeline.id
                );
                let hint = "a connector is an exporter of one pipeline and a receiver of another";
                reader.report.push(place(Diagnostic::error(message).hint(hint)));
                return;
            }
            _ => {}
        }
        let pairs: Vec<String> = self
            .pairs
            .iter()
            .map(|(from, to)| format!("{from} to {to}"))
            .collect();
        let hint = format!("it connects {}", pairs.join(", "));
        let lonely_from = self.from.iter().filter(|(from, _)| {
            !self
                .to
                .iter()
                .any(|(to, _)| self.connects(from.id.signal(), to.id.signal()))
        });
        let lonely_to = self.to.iter().filter(|(to, _)| {
            !self
                .from
                .iter()
                .any(|(from, _)| self.connects(from.id.signal(), to.id.signal()))
        });
        for (pipeline, reference) in lonely_from.chain(lonely_to) {
            let message = format!(
                "the connector `{}` finds nothing to connect with the pipeline `{}`",
                self.id, pipeline.id
            );
            let diagnostic = Diagnostic::error(message)
                .path(reference.path.clone())
                .place(reference.place.clone());
            reader.report.push(diagnostic.hint(hint.clone()));
        }
    }
}

/// Looks for data running in a circle. Repeatedly takes away pipelines that lead nowhere; what is left has a circle, and
/// any walk along it finds it.
fn cycle(plan: &Plan, connectors: &[Connection<'_>]) -> Option<Diagnostic> {
    let mut next: BTreeMap<String, Vec<(&Connection<'_>, &Wanted, &Reference)>> = BTreeMap::new();
    for connection in connectors {
        for (from, reference) in &connection.from {
            for (to, _) in &connection.to {
                if connection.connects(from.id.signal(), to.id.signal()) {
                    next.entry(from.id.to_string())
                        .or_default()
                        .push((connection, to, reference));
                }
            }
        }
    }
    loop {
        let before = next.len();
        let alive: BTreeSet<String> = next.keys().cloned().collect();
        next.retain(|_, edges| {
            edges.retain(|(_, to, _)| alive.contains(&to.id.to_string()));
            !edges.is_empty()
        });
        if next.len() == before {
            break;
        }
    }
    let start = plan
        .pipelines
        .iter()
        .find(|pipeline| next.contains_key(&pipeline.id.to_string()))?;
    let mut walk: Vec<(&Wanted, &Connection<'_>, &Reference)> = Vec::new();
    let mut at = start;
    let first = loop {
        if let Some(seen) = walk.iter().position(|(pipeline, ..)| pipeline.id == at.id) {
            break seen;
        }
        let (connection, to, reference) = next.get(&at.id.to_string())?.first()?;
        walk.push((at, connection, reference));
        at = to;
    };
    let circle = &walk[first..];
    let (_, _, place) = circle.first()?;
    let mut text = String::new();
    for (nth, (from, connection, _)) in circle.iter().enumerate() {
        let to = circle[(nth + 1) % circle.len()].0;
        text += &format!(
            "connector `{}` ({} to {}) -> ",
            connection.id,
            from.id.signal(),
            to.id.signal()
        );
        for processor in &to.processors {
            text += &format!("processor `{}` in pipeline `{}` -> ", processor.id, to.id);
        }
    }
    let (from, connection, _) = circle.first()?;
    let to = circle[1 % circle.len()].0;
    text += &format!(
        "connector `{}` ({} to {})",
        connection.id,
        from.id.signal(),
        to.id.signal()
    );
    let diagnostic = Diagnostic::error(format!("cycle detected: {text}"));
    Some(diagnostic.path(place.path.clone()).place(place.place.clone()))
}
