//! Operations: what is done to the points of a metric that a transform matches.

mod edit;
mod regroup;
mod scale;

pub(crate) use edit::{Edit, number_of, value_of};
pub(crate) use regroup::Regroup;

use weir_component::BuildError;

use crate::{OperationAction, OperationConfig};

/// What the version of the running binary is put in the place of.
const VERSION: &str = "{{version}}";

/// One operation.
#[derive(Debug)]
pub(crate) enum Operation {
    /// Looks at one point at a time.
    Edit(Edit),
    /// Makes one of several points.
    Regroup(Regroup),
}

impl Operation {
    pub(crate) fn new(config: &OperationConfig, version: &str) -> Result<Self, BuildError> {
        let missing = |key: &str| BuildError::new(format!("an operation lacks `{key}`"));
        let action = config.action.ok_or_else(|| missing("action"))?;
        let by = || config.aggregation_type.ok_or_else(|| missing("aggregation_type"));
        let (label, new_label) = (config.label.clone(), config.new_label.clone());
        let new_value = config.new_value.replace(VERSION, version);
        Ok(match action {
            OperationAction::AddLabel => Self::Edit(Edit::AddLabel {
                key: new_label,
                value: new_value,
            }),
            OperationAction::UpdateLabel => {
                let values = config.value_actions.iter();
                Self::Edit(Edit::UpdateLabel {
                    key: label,
                    new_key: Some(new_label).filter(|key| !key.is_empty()),
                    values: values
                        .map(|action| (action.value.clone(), action.new_value.replace(VERSION, version)))
                        .collect(),
                })
            }
            OperationAction::DeleteLabelValue => Self::Edit(Edit::DeleteLabelValue {
                key: label,
                value: config.label_value.clone().ok_or_else(|| missing("label_value"))?,
            }),
            OperationAction::ToggleScalarDataType => Self::Edit(Edit::ToggleType),
            OperationAction::ExperimentalScaleValue => Self::Edit(Edit::Scale(
                config
                    .experimental_scale
                    .ok_or_else(|| missing("experimental_scale"))?,
            )),
            OperationAction::AggregateLabels => Self::Regroup(Regroup::Labels {
                keep: config.label_set.iter().flatten().cloned().collect(),
                by: by()?,
            }),
            OperationAction::AggregateLabelValues => Self::Regroup(Regroup::Values {
                key: label,
                values: config.aggregated_values.iter().cloned().collect(),
                new_value,
                by: by()?,
            }),
        })
    }
}
