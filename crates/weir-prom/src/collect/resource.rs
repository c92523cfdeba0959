//! Resources and scopes: the labels that their points share, and `target_info`.

use weir_pdata::view::{Resource, Scope};

use super::{Choices, Collector};
use crate::drops::DropReason;
use crate::labels::{Content, Copied, LabelId, LabelTable, NameId, ScopeLabels, WellKnown};
use crate::settings::is_identifying;
use crate::target_info::Target;

/// What a resource gives to its points.
pub(crate) struct ResourceParts {
    external: Vec<LabelId>,
    identity: Vec<LabelId>,
    promoted: Vec<LabelId>,
    copied: Vec<Copied>,
    error: Option<DropReason>,
}

impl ResourceParts {
    pub(super) fn new(choices: &Choices, table: &mut LabelTable) -> Self {
        let external = choices.external.iter().map(|(name, value)| {
            let name = table.names.name(name);
            table.add(name, value)
        });
        let external = external.collect();
        Self {
            external,
            identity: Vec::new(),
            promoted: Vec::new(),
            copied: Vec::new(),
            error: None,
        }
    }

    fn labels(&self) -> ScopeLabels<'_> {
        ScopeLabels {
            promoted: &self.promoted,
            identity: &self.identity,
            external: &self.external,
            scope: &[],
            copied: &self.copied,
            error: self.error,
        }
    }
}

impl Collector<'_> {
    pub(super) fn begin_resource(&mut self, resource: &Resource<'_>) {
        self.end_resource();
        let table = &mut self.tables.labels;
        table.translate(resource.attributes, &mut self.scratch.attrs);
        let parts = &mut self.resource;
        parts.identity.clear();
        parts.promoted.clear();
        parts.copied.clear();
        parts.error = None;
        let mut service = Service::default();
        self.scratch.described.clear();
        let settings = &self.choices.settings;
        for attr in &self.scratch.attrs {
            let key = table.names.key_raw(attr.key);
            if let Some(slot) = service.slot(key) {
                *slot = attr.content().label_or_note(&mut parts.error);
            } else {
                self.scratch.described.push(*attr);
            }
            if settings
                .promote_resource_attributes
                .iter()
                .any(|wanted| wanted.as_bytes() == key)
            {
                parts
                    .promoted
                    .extend(attr.content().label_or_note(&mut parts.error));
            }
            if settings.resource_labels.wants(key)
                && let Some(id) = attr.content().label_or_note(&mut parts.error)
            {
                parts.copied.push(Copied {
                    key: attr.key,
                    name: table.name(id),
                    id,
                });
            }
        }
        service.identify(table, &mut self.scratch.text, &mut parts.identity);
        if settings.target_info && !self.scratch.described.is_empty() && !parts.identity.is_empty() {
            self.describe_target();
        }
    }

    /// Prepares `target_info`: what the resource says beyond its identity.
    fn describe_target(&mut self) {
        let described = self.scratch.described.as_slice();
        let tables = &mut *self.tables;
        let labels = ScopeLabels {
            identity: &self.resource.identity,
            external: &self.resource.external,
            error: self.resource.error,
            ..ScopeLabels::default()
        };
        let base = &mut self.scratch.target;
        tables.bases.make(base, &labels, &tables.labels);
        let first = tables.rows.labels.len();
        let resolved = tables
            .shapes
            .resolve(base, described, &mut tables.labels, &mut tables.rows.labels);
        match resolved {
            // Attributes without values add nothing to the identity.
            Ok(_)
                if described
                    .iter()
                    .all(|attr| matches!(attr.content(), Content::Empty)) => {}
            Ok((plan, hash)) => {
                let labels = (first..tables.rows.labels.len()).into();
                self.target = Some(Target {
                    plan,
                    labels,
                    hash,
                    latest: 0,
                });
            }
            Err(_) => self.drops.add(DropReason::InvalidTargetInfo, 1),
        }
    }

    pub(super) fn begin_scope(&mut self, scope: &Scope<'_>) {
        let mut error = self.resource.error;
        self.scratch.scope.clear();
        // A scope without a name has no labels, whatever else it has.
        if self.choices.settings.scope_labels
            && !scope.name.is_empty()
            && let Err(reason) = self.scope_labels(scope)
        {
            self.scratch.scope.clear();
            error = error.or(Some(reason));
        }
        let parts = ScopeLabels {
            scope: &self.scratch.scope,
            error,
            ..self.resource.labels()
        };
        let tables = &mut *self.tables;
        tables.bases.make(&mut self.base, &parts, &tables.labels);
        tables.repeats.begin_scope();
    }

    fn scope_labels(&mut self, scope: &Scope<'_>) -> Result<(), DropReason> {
        let (table, labels) = (&mut self.tables.labels, &mut self.scratch.scope);
        let mut parts: Vec<(NameId, &[u8], LabelId)> = Vec::new();
        for attribute in scope.attributes.iter() {
            let key = attribute.key().to_str().map_err(|_| DropReason::InvalidUtf8)?;
            // Spec: these three would overwrite the labels of the scope itself.
            if matches!(key, "name" | "version" | "schema_url") {
                continue;
            }
            let name = table.names.label_name(&format!("otel_scope_{key}"))?;
            if let Some(id) = table.make(Ok(name), attribute.value())? {
                parts.push((name, attribute.key().as_bytes(), id));
            }
        }
        parts.sort_by_key(|(name, key, _)| (name.number(), *key));
        for run in parts.chunk_by(|a, b| a.0 == b.0) {
            labels.push(match run {
                [(_, _, id)] => *id,
                many => table.join(many[0].0, &many.iter().map(|(.., id)| *id).collect::<Vec<_>>()),
            });
        }
        for (name, text) in [
            (WellKnown::ScopeName, scope.name),
            (WellKnown::ScopeVersion, scope.version),
            (WellKnown::ScopeSchemaUrl, scope.schema_url),
        ] {
            let text = text.to_str().map_err(|_| DropReason::InvalidUtf8)?;
            if !text.is_empty() {
                labels.push(table.share(name.id(), text));
            }
        }
        Ok(())
    }
}

impl Content {
    /// Returns the label; a bad attribute is noted, as no point can be labelled without it.
    fn label_or_note(self, error: &mut Option<DropReason>) -> Option<LabelId> {
        match self {
            Self::Label(id) => Some(id),
            Self::Empty => None,
            Self::Bad(reason) => {
                *error = error.or(Some(reason));
                None
            }
        }
    }
}

/// The attributes that identify a service.
#[derive(Default)]
struct Service {
    name: Option<LabelId>,
    namespace: Option<LabelId>,
    instance: Option<LabelId>,
}

impl Service {
    fn slot(&mut self, key: &[u8]) -> Option<&mut Option<LabelId>> {
        let slot = match key {
            b"service.name" => Some(&mut self.name),
            b"service.namespace" => Some(&mut self.namespace),
            b"service.instance.id" => Some(&mut self.instance),
            _ => None,
        };
        debug_assert_eq!(is_identifying(key), slot.is_some());
        slot
    }

    /// Adds `job` and `instance`; `text` is room for the value.
    fn identify(&self, table: &mut LabelTable, text: &mut String, identity: &mut Vec<LabelId>) {
        let job = self.name.map(|name| (WellKnown::Job, self.namespace, name));
        let instance = self.instance.map(|id| (WellKnown::Instance, None, id));
        for (label, namespace, id) in job.into_iter().chain(instance) {
            text.clear();
            if let Some(namespace) = namespace {
                text.push_str(&String::from_utf8_lossy(table.value(namespace)));
                text.push('/');
            }
            text.push_str(&String::from_utf8_lossy(table.value(id)));
            identity.push(table.share(label.id(), text));
        }
    }
}
