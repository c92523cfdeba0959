//! Which metrics are dropped.

use serde::{Deserialize, Serialize};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_edit::{AttributeMatch, MatchProperties, MatchType, RegexpOptions};

use super::Conditions;

/// Which metrics are dropped.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetricFilters {
    /// Metrics that are not like this are dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include: Option<MetricMatch>,
    /// Metrics of a resource that is like this, and metrics with a name like this, are dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<MetricMatch>,
    /// Has its place in `include` and `exclude`.
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub regexp: Option<RegexpOptions>,
    /// Conditions in OTTL: not offered yet.
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub resource: Conditions,
    /// Conditions in OTTL: not offered yet.
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub metric: Conditions,
    /// Conditions in OTTL: not offered yet.
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub datapoint: Conditions,
}

/// What metrics must be like.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetricMatch {
    /// How texts are compared: `strict`, as they are, or `regexp`, found by a regular expression in RE2 syntax anywhere in the
    /// text. `expr` is not supported. Required where texts are compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_type: Option<MetricMatchType>,
    /// Whether results of regular expressions are remembered. Only with `match_type: regexp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regexp: Option<RegexpOptions>,
    /// The name matches one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metric_names: Vec<String>,
    /// Expressions for `match_type: expr`: not supported.
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub expressions: Conditions,
    /// All of these attributes of the resource are there and match.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_attributes: Vec<AttributeMatch>,
}

/// How texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricMatchType {
    /// As they are.
    Strict,
    /// Found by a regular expression anywhere in the text.
    Regexp,
    /// Not supported.
    #[schemars(skip)]
    Expr,
}

impl MetricMatch {
    /// Returns the section without what concerns names.
    pub(crate) fn of_resource(&self) -> MatchProperties {
        MatchProperties {
            resources: self.resource_attributes.clone(),
            ..self.comparison()
        }
    }

    /// Returns the section without what concerns resources.
    pub(crate) fn of_names(&self) -> MatchProperties {
        MatchProperties {
            metric_names: self.metric_names.clone(),
            ..self.comparison()
        }
    }

    /// Returns the section as a whole.
    pub(crate) fn whole(&self) -> MatchProperties {
        MatchProperties {
            metric_names: self.metric_names.clone(),
            ..self.of_resource()
        }
    }

    fn comparison(&self) -> MatchProperties {
        MatchProperties {
            match_type: match self.match_type {
                Some(MetricMatchType::Strict) => Some(MatchType::Strict),
                Some(MetricMatchType::Regexp) => Some(MatchType::Regexp),
                Some(MetricMatchType::Expr) | None => None,
            },
            regexp: self.regexp.clone(),
            ..MatchProperties::default()
        }
    }
}

impl Validate for MetricFilters {
    fn validate(&self, found: &mut Violations) {
        for (key, section) in [("include", &self.include), ("exclude", &self.exclude)] {
            if let Some(section) = section {
                found.nested(key, section);
            }
        }
        found.require(
            self.regexp.is_none(),
            "regexp",
            "has no effect here: write it into `include` or `exclude`",
        );
        for (key, conditions) in [
            ("resource", self.resource),
            ("metric", self.metric),
            ("datapoint", self.datapoint),
        ] {
            conditions.refuse(key, "metrics", found);
        }
    }
}

impl Validate for MetricMatch {
    fn validate(&self, found: &mut Violations) {
        if self.match_type == Some(MetricMatchType::Expr) || self.expressions != Conditions::default() {
            found.add(
                "match_type",
                "expressions are not supported: use strict or regexp",
            );
            return;
        }
        let whole = self.whole();
        super::logs::validate_section(found, &whole, &[("resources", "resource_attributes")]);
    }
}
