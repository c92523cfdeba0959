//! One operation, as a configuration writes it.

use serde::{Deserialize, Serialize};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};

use super::{AGGREGATIONS, Aggregation, refuse};

/// What is done to the points of a metric.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OperationConfig {
    /// What to do: `add_label`, `update_label`, `delete_label_value`, `toggle_scalar_data_type`, `experimental_scale_value`,
    /// `aggregate_labels` or `aggregate_label_values`. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<OperationAction>,
    /// Key of the label. Required for `update_label`, `delete_label_value` and `aggregate_label_values`, and only there.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// Key of the label that `add_label` adds, required for it, or new key of the one that `update_label` changes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub new_label: String,
    /// Keys that `aggregate_labels` leaves. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_set: Option<Vec<String>>,
    /// How `aggregate_labels` and `aggregate_label_values` make one of points that then have the same labels and time: `sum`, `mean`,
    /// `min`, `max`, `count` or `median`. Required for them, and only there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregation_type: Option<Aggregation>,
    /// Values that `aggregate_label_values` replaces. Required for it, and only there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aggregated_values: Vec<String>,
    /// The value that `add_label` adds, required for it, or that `aggregate_label_values` puts in the place of others. `{{version}}` in
    /// it is the version of the running binary.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub new_value: String,
    /// New values that `update_label` gives for old ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub value_actions: Vec<ValueAction>,
    /// What `experimental_scale_value` multiplies values by. Required for it, not 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experimental_scale: Option<f64>,
    /// The value whose points `delete_label_value` drops. Required for it, and only there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_value: Option<String>,
}

/// A new value for an old one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ValueAction {
    /// The value now, as text.
    pub value: String,
    /// The value to set. `{{version}}` in it is the version of the running binary.
    pub new_value: String,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationAction {
    /// Adds a label to the points that lack it.
    AddLabel,
    /// Gives a label another key, other values, or both.
    UpdateLabel,
    /// Drops points with a certain value of a label.
    DeleteLabelValue,
    /// Makes integers of doubles and doubles of integers.
    ToggleScalarDataType,
    /// Multiplies values.
    ExperimentalScaleValue,
    /// Takes labels away, and makes one of points that are then the same.
    AggregateLabels,
    /// Gives several values of a label a common one, and makes one of points that are then the same.
    AggregateLabelValues,
}

impl OperationAction {
    /// Returns the name, and the keys that the operation uses.
    const fn parts(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::AddLabel => ("add_label", &["new_label", "new_value"]),
            Self::UpdateLabel => ("update_label", &["label", "new_label", "value_actions"]),
            Self::DeleteLabelValue => ("delete_label_value", &["label", "label_value"]),
            Self::ToggleScalarDataType => ("toggle_scalar_data_type", &[]),
            Self::ExperimentalScaleValue => ("experimental_scale_value", &["experimental_scale"]),
            Self::AggregateLabels => ("aggregate_labels", &["label_set", "aggregation_type"]),
            Self::AggregateLabelValues => (
                "aggregate_label_values",
                &["label", "aggregated_values", "new_value", "aggregation_type"],
            ),
        }
    }
}

impl OperationConfig {
    /// Returns whether each key is there, and what the operations that need it ask for if it is not.
    fn keys(&self) -> [(&'static str, bool, &'static str); 9] {
        [
            ("label", !self.label.is_empty(), "required: the key of a label"),
            (
                "new_label",
                !self.new_label.is_empty(),
                "required: the key of a label",
            ),
            ("label_set", self.label_set.is_some(), ""),
            ("aggregation_type", self.aggregation_type.is_some(), AGGREGATIONS),
            (
                "aggregated_values",
                !self.aggregated_values.is_empty(),
                "required: at least one value",
            ),
            (
                "new_value",
                !self.new_value.is_empty(),
                "required: the value of the label",
            ),
            ("value_actions", !self.value_actions.is_empty(), ""),
            (
                "experimental_scale",
                self.experimental_scale.is_some(),
                "required: a factor",
            ),
            (
                "label_value",
                self.label_value.is_some(),
                "required: the value of the label",
            ),
        ]
    }
}

impl Validate for OperationConfig {
    fn validate(&self, found: &mut Violations) {
        let Some(action) = self.action else {
            return found.add(
                "action",
                "required: add_label, update_label, delete_label_value, toggle_scalar_data_type, experimental_scale_value, \
                 aggregate_labels or aggregate_label_values",
            );
        };
        let (name, used) = action.parts();
        // What is renamed need not change its value, and values may be made empty.
        let may_lack = |key: &str| match action {
            OperationAction::UpdateLabel => key == "new_label",
            OperationAction::AggregateLabelValues => key == "new_value",
            _ => false,
        };
        for (key, there, asked) in self.keys() {
            if !used.contains(&key) {
                refuse(found, &[(key, there)], &format!("`{name}`"));
            } else if !asked.is_empty() && !may_lack(key) {
                found.require(there, key, asked);
            }
        }
        if let Some(scale) = self.experimental_scale {
            found.require(
                scale != 0.0 && scale.is_finite(),
                "experimental_scale",
                "must be a finite number other than 0",
            );
        }
    }
}
