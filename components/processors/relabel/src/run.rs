//! The rules on their way through one batch.

use weir_pdata::rewrite::{Answer, Editor, MetricEdit, PointEdit, ResourceEdit, ScopeEdit};
use weir_pdata::view::{Attributes, Metric, Resource, Scope, Text, ValueError};

use crate::outcome::{Change, Label, Outcome, Reason, push_labels};
use crate::processor::Relabel;

/// What the labels of a resource begin with.
pub(crate) const RESOURCE: &str = "__resource_";

/// What the labels of a scope begin with.
pub(crate) const SCOPE: &str = "__scope_";

/// One pass.
pub(crate) struct Run<'a> {
    relabel: &'a Relabel,
    parents: Parents,
    /// Where a metric is found in the memory of results: what its points share.
    shared: Vec<u8>,
    /// Stands for `shared` in the keys of results.
    id: u64,
    name: String,
    /// Key of a result.
    key: Vec<u8>,
    dropped: [u64; Reason::ALL.len()],
}

/// Resource and scope, as labels and as bytes that stand for them. Empty unless a rule may read them.
#[derive(Default)]
struct Parents {
    labels: Vec<Label>,
    /// Labels of the resource, which come first.
    of_resource: usize,
    resource_is_text: bool,
    scope_is_text: bool,
    resource: Vec<u8>,
    scope: Vec<u8>,
}

impl Parents {
    fn labels(&self) -> Option<&[Label]> {
        (self.resource_is_text && self.scope_is_text).then_some(&self.labels)
    }
}

impl<'a> Run<'a> {
    pub(crate) fn new(relabel: &'a Relabel) -> Self {
        Self {
            relabel,
            parents: Parents {
                resource_is_text: true,
                scope_is_text: true,
                ..Parents::default()
            },
            shared: Vec::new(),
            id: 0,
            name: String::new(),
            key: Vec::new(),
            dropped: [0; Reason::ALL.len()],
        }
    }

    /// Returns how many points went, by reason.
    pub(crate) fn dropped(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.into_iter().zip(self.dropped)
    }

    fn drop(&mut self, reason: Reason, points: usize) -> Answer {
        self.dropped[reason as usize] += points as u64;
        Answer::Drop
    }
}

impl Editor for Run<'_> {
    fn resource(&mut self, resource: &Resource<'_>, _: &mut ResourceEdit<'_>) -> Answer {
        if self.relabel.reads_resource {
            let parents = &mut self.parents;
            parents.labels.clear();
            let texts = push_labels(RESOURCE, &resource.attributes, &mut parents.labels);
            parents.resource_is_text = texts.is_ok();
            parents.of_resource = parents.labels.len();
            parents.resource.clear();
            put_attributes(&resource.attributes, &mut parents.resource);
        }
        Answer::Enter
    }

    fn scope(&mut self, scope: &Scope<'_>, _: &mut ScopeEdit<'_>) -> Answer {
        if self.relabel.reads_scope {
            let parents = &mut self.parents;
            parents.labels.truncate(parents.of_resource);
            parents.scope_is_text = push_scope(scope, &mut parents.labels).is_ok();
            parents.scope.clear();
            for text in [scope.name, scope.version, scope.schema_url] {
                put(text.as_bytes(), &mut parents.scope);
            }
            put_attributes(&scope.attributes, &mut parents.scope);
        }
        Answer::Enter
    }

    fn metric(&mut self, metric: &Metric<'_>, _: &mut MetricEdit<'_>) -> Answer {
        let Ok(name) = metric.name.to_str() else {
            return match metric.points {
                0 => Answer::Keep,
                points => self.drop(Reason::Text, points),
            };
        };
        name.clone_into(&mut self.name);
        self.shared.clear();
        put(&self.parents.resource, &mut self.shared);
        put(&self.parents.scope, &mut self.shared);
        self.shared.extend_from_slice(name.as_bytes());
        self.id = self.relabel.id_of(&self.shared);
        Answer::Enter
    }

    fn point(&mut self, attributes: &Attributes<'_>, edit: &mut PointEdit<'_>) -> Answer {
        self.key.clear();
        self.key.extend_from_slice(&self.id.to_le_bytes());
        match attributes.raw() {
            Some(raw) => self.key.extend_from_slice(raw),
            None => {
                // No field begins with this byte, so the two kinds of keys do not meet.
                self.key.push(0);
                put_attributes(attributes, &mut self.key);
            }
        }
        let (rules, parents) = (&self.relabel.rules, self.parents.labels());
        let make = || Outcome::of(rules, &self.name, parents, attributes);
        match &*self.relabel.result_of(&self.key, make) {
            Outcome::Same => Answer::Keep,
            Outcome::Changed(change) => {
                change.write(edit);
                Answer::Keep
            }
            Outcome::Dropped(reason) => self.drop(*reason, 1),
        }
    }
}

impl Change {
    fn write(&self, edit: &mut PointEdit<'_>) {
        if !self.removed.is_empty() {
            let removed = |key: Text<'_>| self.removed.iter().any(|own| own.as_bytes() == key.as_bytes());
            edit.attributes.retain(|attribute| !removed(attribute.key()));
        }
        for (key, value) in &self.written {
            edit.attributes.upsert(key, value.as_str());
        }
        if let Some(name) = &self.name {
            edit.set_metric_name(name);
        }
    }
}

/// Appends the labels of a scope. Its name, version and schema URL come before attributes that are called so.
fn push_scope(scope: &Scope<'_>, labels: &mut Vec<Label>) -> Result<(), ValueError> {
    let fields = [
        ("name", scope.name),
        ("version", scope.version),
        ("schema_url", scope.schema_url),
    ];
    for (name, text) in fields {
        labels.push((format!("{SCOPE}{name}"), text.to_str()?.to_owned()));
    }
    push_labels(SCOPE, &scope.attributes, labels)
}

/// Appends bytes such that what follows cannot be taken for them.
fn put(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&bytes.len().to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Appends bytes that stand for attributes.
fn put_attributes(attributes: &Attributes<'_>, out: &mut Vec<u8>) {
    let mut scratch = Vec::new();
    for attribute in attributes.iter() {
        put(attribute.raw(&mut scratch), out);
    }
}
