//! Second pass over a batch: edits metrics on the wire, and puts what decoded ones came to in their place.

use weir_pdata::rewrite::{Answer, Editor, MetricEdit, NumberEdit, PointEdit, ResourceEdit, ScopeEdit};
use weir_pdata::view::{self, Attributes, NumberPoint};

use crate::course::Course;
use crate::gather::Gathered;
use crate::operation::Edit;
use crate::tally::Tally;
use crate::transform::Transform;

/// Writes all but what moves to groups.
pub(crate) struct Writing<'t> {
    transforms: &'t [Transform],
    gathered: &'t mut Gathered,
    /// Scopes begun, and metrics begun.
    scopes: usize,
    metrics: usize,
    /// What is done to the points of the current metric.
    edits: Vec<&'t Edit>,
    tally: &'t mut Tally,
}

impl<'t> Writing<'t> {
    /// `gathered` is empty if nothing in the batch can need decoding.
    pub(crate) fn new(transforms: &'t [Transform], gathered: &'t mut Gathered, tally: &'t mut Tally) -> Self {
        Self {
            transforms,
            gathered,
            scopes: 0,
            metrics: 0,
            edits: Vec::new(),
            tally,
        }
    }

    /// Puts all that the scope came to in the place of the first of its decoded metrics, and nothing in that of the others.
    fn replace(&mut self, edit: &mut MetricEdit<'_>) {
        let scope = self.gathered.scopes.get_mut(self.scopes - 1);
        let metrics = scope.map(|scope| std::mem::take(&mut scope.metrics));
        edit.replace_with(&metrics.unwrap_or_default());
    }
}

impl Editor for Writing<'_> {
    fn scope(&mut self, _: &view::Scope<'_>, _: &mut ScopeEdit<'_>) -> Answer {
        self.scopes += 1;
        Answer::Enter
    }

    fn metric(&mut self, metric: &view::Metric<'_>, edit: &mut MetricEdit<'_>) -> Answer {
        let index = self.metrics;
        self.metrics += 1;
        if self.gathered.decoded.get(index) == Some(&true) {
            self.replace(edit);
            return Answer::Keep;
        }
        match Course::of(self.transforms, metric, self.tally) {
            Course::Edit { name, edits } => {
                if let Some(name) = name {
                    edit.set_name(&name);
                }
                self.edits = edits;
                match self.edits.is_empty() {
                    true => Answer::Keep,
                    false => Answer::Enter,
                }
            }
            // What should have been decoded and is not, cannot be: it was counted.
            Course::Leave | Course::Decode => Answer::Keep,
        }
    }

    fn point(&mut self, _: &Attributes<'_>, edit: &mut PointEdit<'_>) -> Answer {
        for change in &self.edits {
            if !change.labels(&mut edit.attributes) {
                self.tally.deleted += 1;
                return Answer::Drop;
            }
        }
        Answer::Keep
    }

    fn number(&mut self, point: &NumberPoint<'_>, edit: &mut NumberEdit<'_>) -> Answer {
        let mut value = point.value;
        let mut changed = None;
        for change in &self.edits {
            changed = value.and_then(|value| change.number(value)).or(changed);
            value = changed.or(value);
        }
        if let Some(value) = changed {
            edit.set_value(value);
        }
        self.point(&point.attributes, &mut edit.point)
    }
}

/// Writes what moves to one group, and nothing else.
pub(crate) struct Splitting<'g> {
    gathered: &'g mut Gathered,
    group: usize,
    /// What is added to the resources.
    labels: &'g [(String, String)],
    /// Resources begun.
    resources: usize,
    /// The scope that comes next.
    next_scope: usize,
}

impl<'g> Splitting<'g> {
    pub(crate) fn new(gathered: &'g mut Gathered, group: usize, labels: &'g [(String, String)]) -> Self {
        Self {
            gathered,
            group,
            labels,
            resources: 0,
            next_scope: 0,
        }
    }

    fn has_any(&self, scopes: std::ops::Range<usize>) -> bool {
        let scopes = self.gathered.scopes.get(scopes).unwrap_or_default();
        scopes.iter().any(|scope| !scope.groups[self.group].is_empty())
    }
}

impl Editor for Splitting<'_> {
    fn resource(&mut self, _: &view::Resource<'_>, edit: &mut ResourceEdit<'_>) -> Answer {
        // The scopes of a resource that goes are not shown.
        let first = |resource: usize| self.gathered.resources.get(resource).copied();
        let end = self.gathered.scopes.len();
        let scopes = first(self.resources).unwrap_or(end)..first(self.resources + 1).unwrap_or(end);
        self.resources += 1;
        self.next_scope = scopes.start;
        if !self.has_any(scopes) {
            return Answer::Drop;
        }
        for (key, value) in self.labels {
            edit.attributes.upsert(key, value.as_str());
        }
        Answer::Enter
    }

    fn scope(&mut self, _: &view::Scope<'_>, _: &mut ScopeEdit<'_>) -> Answer {
        let scope = self.next_scope;
        self.next_scope += 1;
        match self.has_any(scope..scope + 1) {
            true => Answer::Enter,
            false => Answer::Drop,
        }
    }

    fn metric(&mut self, _: &view::Metric<'_>, edit: &mut MetricEdit<'_>) -> Answer {
        let scope = self.gathered.scopes.get_mut(self.next_scope - 1);
        match scope.map(|scope| std::mem::take(&mut scope.groups[self.group])) {
            Some(metrics) if !metrics.is_empty() => {
                edit.replace_with(&metrics);
                Answer::Keep
            }
            _ => Answer::Drop,
        }
    }
}
