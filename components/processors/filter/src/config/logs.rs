//! Which log records are dropped.

use serde::{Deserialize, Serialize};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_edit::{AttributeMatch, MatchProperties, MatchType, SeverityMatch};

use super::Conditions;

/// Which log records are dropped.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogFilters {
    /// Log records that are not like this are dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include: Option<LogMatch>,
    /// Log records that are like this are dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<LogMatch>,
    /// Conditions in OTTL: not offered yet.
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub resource: Conditions,
    /// Conditions in OTTL: not offered yet.
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub log_record: Conditions,
}

/// What log records must be like. All that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogMatch {
    /// How texts are compared: `strict`, as they are, or `regexp`, found by a regular expression in RE2 syntax anywhere in the
    /// text. Required where texts are compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_type: Option<MatchType>,
    /// All of these attributes of the resource are there and match.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_attributes: Vec<AttributeMatch>,
    /// All of these attributes of the record are there and match.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub record_attributes: Vec<AttributeMatch>,
    /// The severity in words matches one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub severity_texts: Vec<String>,
    /// The severity as a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity_number: Option<SeverityMatch>,
    /// The body, as text, matches one of these. Lists and maps are JSON.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bodies: Vec<String>,
}

impl LogMatch {
    /// Returns the section with the names that all sections have.
    pub(crate) fn properties(&self) -> MatchProperties {
        MatchProperties {
            match_type: self.match_type,
            resources: self.resource_attributes.clone(),
            attributes: self.record_attributes.clone(),
            log_severity_texts: self.severity_texts.clone(),
            log_severity_number: self.severity_number.clone(),
            log_bodies: self.bodies.clone(),
            ..MatchProperties::default()
        }
    }
}

impl Validate for LogFilters {
    fn validate(&self, found: &mut Violations) {
        for (key, section) in [("include", &self.include), ("exclude", &self.exclude)] {
            if let Some(section) = section {
                found.nested(key, section);
            }
        }
        for (key, conditions) in [("resource", self.resource), ("log_record", self.log_record)] {
            conditions.refuse(key, "logs", found);
        }
    }
}

impl Validate for LogMatch {
    fn validate(&self, found: &mut Violations) {
        let names = [
            ("resources", "resource_attributes"),
            ("attributes", "record_attributes"),
            ("log_severity_texts", "severity_texts"),
            ("log_severity_number", "severity_number"),
            ("log_bodies", "bodies"),
        ];
        validate_section(found, &self.properties(), &names);
    }
}

/// Adds what is wrong with a section, in its own names; those of `properties` stand first in `names`. An empty section is not
/// wrong: it has no effect, as in the Collector.
pub(super) fn validate_section(found: &mut Violations, properties: &MatchProperties, names: &[(&str, &str)]) {
    if properties.is_empty() {
        return;
    }
    let mut own = Violations::default();
    properties.validate(&mut own);
    for mut violation in own.into_found() {
        if let Some(first) = violation.path.first_mut()
            && let Some((_, name)) = names.iter().find(|(theirs, _)| *theirs == first)
        {
            *first = (*name).to_owned();
        }
        found.add(&violation.path.join("::"), violation.message);
    }
}
