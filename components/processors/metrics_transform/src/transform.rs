//! A transform made ready.

use weir_component::BuildError;
use weir_pdata::view::MetricKind;
use weir_proto::otlp::metrics::v1::Metric;

use crate::include::Include;
use crate::operation::{Edit, Operation};
use crate::points;
use crate::tally::{Skip, Tally};
use crate::{Aggregation, SubmatchCase, TransformAction, TransformConfig};

/// What is done to the metrics that match.
#[derive(Debug)]
pub(crate) struct Transform {
    pub(crate) include: Include,
    pub(crate) action: Action,
    /// Empty if they keep theirs.
    pub(crate) new_name: String,
    operations: Vec<Operation>,
}

/// What becomes of metrics.
#[derive(Debug)]
pub(crate) enum Action {
    Update,
    Insert,
    Combine {
        by: Option<Aggregation>,
        case: Option<SubmatchCase>,
    },
    /// They go to the group with this number.
    Group(usize),
}

impl Transform {
    /// Makes a transform ready. `group` is the number of the next group.
    pub(crate) fn new(config: &TransformConfig, version: &str, group: usize) -> Result<Self, BuildError> {
        let action = match config.action {
            Some(TransformAction::Update) => Action::Update,
            Some(TransformAction::Insert) => Action::Insert,
            Some(TransformAction::Combine) => Action::Combine {
                by: config.aggregation_type,
                case: config.submatch_case,
            },
            Some(TransformAction::Group) => Action::Group(group),
            None => return Err(BuildError::new("a transform lacks `action`")),
        };
        let operations = config.operations.iter();
        Ok(Self {
            include: Include::new(config)?,
            action,
            new_name: config.new_name.clone(),
            operations: operations
                .map(|operation| Operation::new(operation, version))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Returns what is done to each point of a metric of this kind by itself, unless that is not all.
    pub(crate) fn edits(&self, kind: MetricKind) -> Option<impl Iterator<Item = &Edit>> {
        let is_number = matches!(
            kind,
            MetricKind::Gauge | MetricKind::Sum { .. } | MetricKind::Summary | MetricKind::None
        );
        let edit = move |operation| match operation {
            // Exemplars are not seen on the wire, and those of histograms change with them.
            &Operation::Edit(Edit::Scale(_)) if !is_number => None,
            Operation::Edit(edit) => Some(edit),
            Operation::Regroup(_) => None,
        };
        let by_point = matches!(self.action, Action::Update)
            && self.include.is_by_name()
            && self.operations.iter().all(|operation| edit(operation).is_some());
        by_point.then(|| self.operations.iter().filter_map(edit))
    }

    /// Changes a metric that matches. Returns false if it loses its last point.
    pub(crate) fn update(&self, metric: &mut Metric, tally: &mut Tally) -> bool {
        let part = self.include.part(metric);
        if part.is_none() && !self.new_name.is_empty() {
            match self.include.rename(&metric.name, &self.new_name) {
                Ok(name) => metric.name = name,
                Err(why) => tally.skip(why),
            }
        }
        self.operate(metric, part.as_deref(), tally)
    }

    /// Copies what matches of a metric that does, changed. Returns nothing if there is no name for it, or no point is left.
    pub(crate) fn copy(&self, metric: &Metric, tally: &mut Tally) -> Option<Metric> {
        let name = match self.include.rename(&metric.name, &self.new_name) {
            Ok(name) => name,
            Err(why) => {
                tally.skip(why);
                return None;
            }
        };
        let (mut copy, _) = self.include.take(&mut metric.clone());
        copy.name = name;
        tally.added += points::count(&copy) as u64;
        self.operate(&mut copy, None, tally).then_some(copy)
    }

    /// Does the operations to a metric. `part` says which points they concern, unless it is all: then those do nothing that concern the
    /// metric as a whole. Returns false if it loses its last point.
    pub(crate) fn operate(&self, metric: &mut Metric, part: Option<&[bool]>, tally: &mut Tally) -> bool {
        let was_empty = points::count(metric) == 0;
        for operation in &self.operations {
            match (operation, part) {
                (Operation::Edit(edit), None) => points::retain(metric, |point| edit.point(point, tally)),
                (Operation::Edit(edit), Some(part)) if !edit.concerns_all_points() => {
                    // None of these drops points, so the parts stay what they are.
                    let mut concerned = part.iter();
                    points::retain(metric, |point| {
                        concerned.next() != Some(&true) || edit.point(point, tally)
                    });
                }
                (Operation::Regroup(regroup), None) => regroup.run(metric, tally),
                (_, Some(_)) => {}
            }
        }
        was_empty || points::count(metric) > 0
    }

    /// Returns the new name of a metric whose points all match, if it gets one.
    pub(crate) fn renamed(&self, name: &str) -> Result<Option<String>, Skip> {
        match self.new_name.is_empty() {
            true => Ok(None),
            false => self.include.rename(name, &self.new_name).map(Some),
        }
    }
}
