//! One transform, as a configuration writes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_edit::MatchType;

use super::{AGGREGATIONS, Aggregation, OperationConfig, refuse};

/// Which metrics, and what is done to them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TransformConfig {
    /// Name of the metrics, or with `match_type: regexp` a regular expression in RE2 syntax that is found anywhere in it. Required.
    pub include: String,
    /// How `include` and `experimental_match_labels` are compared: `strict`, as they are, or `regexp`. Default `strict`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_type: Option<MatchType>,
    /// Labels that a point must have, compared by `match_type`. A label that is missing counts as empty. `insert`, `combine` and `group`
    /// take the points that match; `update` changes their labels and values, and what concerns a metric as a whole only if all of its
    /// points match. Default: any.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub experimental_match_labels: BTreeMap<String, String>,
    /// What becomes of the metrics: `update` changes them, `insert` changes copies, `combine` makes one metric of all that match in a
    /// scope, `group` moves them to a resource of their own. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<TransformAction>,
    /// New name of the metrics. With `match_type: regexp`, `update` and `insert` put the groups of the expression where they are named:
    /// `$1`, `${1}` or `${name}` (in YAML files with a second `$`). Required for `insert` and `combine`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub new_name: String,
    /// What `group` adds to the attributes of the resource. Required for it, and only there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_resource_labels: Option<BTreeMap<String, String>>,
    /// How `combine` makes one of points that have the same labels and time: `sum`, `mean`, `min`, `max`, `count` or `median`. Required
    /// for it, unless the groups of the expression tell the points apart; of those that are the same all the same, the first stays and the
    /// others are dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregation_type: Option<Aggregation>,
    /// `lower` or `upper`: how `combine` writes the labels that it makes of the groups of the expression. Default: as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submatch_case: Option<SubmatchCase>,
    /// What is done to the metrics that come of it, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<OperationConfig>,
}

/// What becomes of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransformAction {
    /// They are changed.
    Update,
    /// Copies are changed and added.
    Insert,
    /// Those that match in a scope become one.
    Combine,
    /// They move to a resource of their own.
    Group,
}

/// Letters of labels made of parts of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubmatchCase {
    /// Small ones.
    Lower,
    /// Capitals.
    Upper,
}

impl TransformConfig {
    pub(crate) fn is_regexp(&self) -> bool {
        self.match_type == Some(MatchType::Regexp)
    }

    /// Says what is wrong with the expressions. Returns whether `include` has groups.
    fn validate_expressions(&self, found: &mut Violations) -> bool {
        if !self.is_regexp() {
            return false;
        }
        let mut compile = |key: &str, pattern: &str| match weir_regex::compile(pattern) {
            Ok(regex) => regex.captures_len() > 1,
            Err(error) => {
                found.add(key, format!("not a regular expression: {error}"));
                false
            }
        };
        for (label, pattern) in &self.experimental_match_labels {
            compile(&format!("experimental_match_labels::{label}"), pattern);
        }
        compile("include", &self.include)
    }

    /// Says what an action lacks, and what it cannot use.
    fn validate_action(&self, action: TransformAction, has_groups: bool, found: &mut Violations) {
        let combining = [
            ("aggregation_type", self.aggregation_type.is_some()),
            ("submatch_case", self.submatch_case.is_some()),
        ];
        let grouping = [("group_resource_labels", self.group_resource_labels.is_some())];
        let changing = [
            ("new_name", !self.new_name.is_empty()),
            ("operations", !self.operations.is_empty()),
        ];
        match action {
            TransformAction::Update => {
                refuse(found, &combining, "`update`: it is for `combine`");
                refuse(found, &grouping, "`update`: it is for `group`");
            }
            TransformAction::Insert => {
                found.require(!self.new_name.is_empty(), "new_name", "required for `insert`");
                refuse(found, &combining, "`insert`: it is for `combine`");
                refuse(found, &grouping, "`insert`: it is for `group`");
            }
            TransformAction::Combine => {
                found.require(!self.new_name.is_empty(), "new_name", "required for `combine`");
                found.require(
                    !(self.is_regexp() && self.new_name.contains('$')),
                    "new_name",
                    "`combine` makes one metric of all that match, so groups of the expression cannot be in its name: they become labels",
                );
                found.require(
                    self.aggregation_type.is_some() || has_groups,
                    "aggregation_type",
                    format!("{AGGREGATIONS}; only an `include` with groups does without"),
                );
                found.require(
                    self.submatch_case.is_none() || has_groups,
                    "submatch_case",
                    "has no effect: `include` is no expression with groups",
                );
                refuse(found, &grouping, "`combine`: it is for `group`");
            }
            TransformAction::Group => {
                found.require(
                    self.group_resource_labels.is_some(),
                    "group_resource_labels",
                    "required for `group`",
                );
                refuse(found, &combining, "`group`: it is for `combine`");
                refuse(found, &changing, "`group`: use a transform before it");
            }
        }
    }
}

impl Validate for TransformConfig {
    fn validate(&self, found: &mut Violations) {
        found.require(
            !self.include.is_empty(),
            "include",
            "required: the name of a metric",
        );
        let has_groups = self.validate_expressions(found);
        match self.action {
            Some(action) => self.validate_action(action, has_groups, found),
            None => found.add("action", "required: update, insert, combine or group"),
        }
        for (index, operation) in self.operations.iter().enumerate() {
            found.nested(&format!("operations::{index}"), operation);
        }
    }
}
