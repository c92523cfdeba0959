//! First pass over a batch: decodes the metrics that must be seen whole or together, and does the transforms to them.

use weir_component::{Batch, ConsumeError};
use weir_edit::refusal;
use weir_pdata::rewrite::{Answer, Editor, MetricEdit, ResourceEdit, ScopeEdit};
use weir_pdata::view;
use weir_proto::otlp::metrics::v1::Metric;

use crate::course::Course;
use crate::scope;
use crate::tally::{Skip, Tally};
use crate::transform::Transform;

/// What decoded metrics came to. Resources, scopes and metrics are numbered through the batch.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// By resource: its first scope.
    pub(crate) resources: Vec<usize>,
    pub(crate) scopes: Vec<GatheredScope>,
    /// By metric: whether it was decoded, so that what stands in [`GatheredScope`] takes its place.
    pub(crate) decoded: Vec<bool>,
}

/// What the decoded metrics of a scope came to.
#[derive(Debug, Default)]
pub(crate) struct GatheredScope {
    /// What stays in the scope.
    pub(crate) metrics: Vec<Metric>,
    /// What moves to the groups.
    pub(crate) groups: Vec<Vec<Metric>>,
}

impl Gathered {
    /// Reads a batch, which stays as it is.
    ///
    /// # Errors
    ///
    /// [`ConsumeError`] refuses the batch: it would grow beyond measure.
    pub(crate) fn of(
        transforms: &[Transform],
        groups: usize,
        batch: &mut Batch,
        tally: &mut Tally,
    ) -> Result<Self, ConsumeError> {
        let mut gathering = Gathering {
            transforms,
            gathered: Self::default(),
            skipped: 0,
        };
        batch.rewrite(&mut gathering).map_err(refusal)?;
        let Gathering {
            mut gathered,
            skipped,
            ..
        } = gathering;
        tally.skipped[Skip::Text as usize] += skipped;
        for gathered in &mut gathered.scopes {
            gathered.groups = vec![Vec::new(); groups];
            if !gathered.metrics.is_empty() {
                scope::run(transforms, &mut gathered.metrics, &mut gathered.groups, tally)?;
            }
        }
        Ok(gathered)
    }

    /// Returns true if something moves to this group.
    pub(crate) fn has_group(&self, group: usize) -> bool {
        self.scopes.iter().any(|scope| !scope.groups[group].is_empty())
    }
}

struct Gathering<'t> {
    transforms: &'t [Transform],
    gathered: Gathered,
    /// Metrics that cannot be decoded.
    skipped: u64,
}

impl Editor for Gathering<'_> {
    fn resource(&mut self, _: &view::Resource<'_>, _: &mut ResourceEdit<'_>) -> Answer {
        self.gathered.resources.push(self.gathered.scopes.len());
        Answer::Enter
    }

    fn scope(&mut self, _: &view::Scope<'_>, _: &mut ScopeEdit<'_>) -> Answer {
        self.gathered.scopes.push(GatheredScope::default());
        Answer::Enter
    }

    fn metric(&mut self, metric: &view::Metric<'_>, edit: &mut MetricEdit<'_>) -> Answer {
        // What is skipped on this course counts when the metric is written.
        let decodes = matches!(
            Course::of(self.transforms, metric, &mut Tally::default()),
            Course::Decode
        );
        let decoded = decodes.then(|| edit.decode());
        self.gathered.decoded.push(matches!(decoded, Some(Ok(_))));
        match (decoded, self.gathered.scopes.last_mut()) {
            (Some(Ok(metric)), Some(scope)) => scope.metrics.push(metric),
            (Some(Err(_)), _) => self.skipped += 1,
            _ => {}
        }
        Answer::Keep
    }
}
