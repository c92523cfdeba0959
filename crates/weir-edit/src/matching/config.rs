//! `include` and `exclude` sections as a configuration writes them.

use serde::{Deserialize, Serialize};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Signal, Validate, Violations};

use super::SeverityMatch;
use crate::Literal;

/// What data must be like. All that is set must hold; at least one thing must be set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MatchProperties {
    /// How texts are compared: `strict`, as they are, or `regexp`, found by a regular expression in RE2 syntax anywhere in the
    /// text. Required where texts are compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_type: Option<MatchType>,
    /// Whether results of regular expressions are remembered. Only with `match_type: regexp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regexp: Option<RegexpOptions>,
    /// Spans: the resource's `service.name` matches one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// Spans: the name matches one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub span_names: Vec<String>,
    /// Spans: the kind, written like `SPAN_KIND_SERVER`, matches one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub span_kinds: Vec<String>,
    /// Log records: the body, as text, matches one of these. Lists and maps are JSON.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log_bodies: Vec<String>,
    /// Log records: the severity in words matches one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log_severity_texts: Vec<String>,
    /// Log records: the severity as a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_severity_number: Option<SeverityMatch>,
    /// Metrics: the name matches one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metric_names: Vec<String>,
    /// Spans and log records: all of these attributes are there and match.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<AttributeMatch>,
    /// All of these attributes of the resource are there and match.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<AttributeMatch>,
    /// Spans and log records: the instrumentation scope is one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub libraries: Vec<LibraryMatch>,
}

/// How texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MatchType {
    /// As they are.
    Strict,
    /// Found by a regular expression anywhere in the text.
    Regexp,
}

/// What is remembered about regular expressions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RegexpOptions {
    /// Remember for each text whether it matched. Worth it for many long expressions over few texts. Default false.
    pub cacheenabled: bool,
    /// Most texts that are remembered, for each list of expressions; when it is full it starts anew. 0 (default) is 65536.
    pub cachemaxnumentries: u32,
}

/// An attribute that must be there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AttributeMatch {
    /// Key, exact. Required.
    pub key: String,
    /// Value, of any type; without one, any value will do. With `match_type: regexp` an expression that is searched for in the
    /// text of the value, if it is a text, a number or a truth value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Literal>,
}

/// An instrumentation scope.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LibraryMatch {
    /// Name of the scope. Required.
    pub name: String,
    /// Version of the scope; without one, any version will do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

/// Returns the name of a span's kind; empty for a number that the specification does not know.
pub(super) fn kind_name(kind: i32) -> &'static str {
    usize::try_from(kind)
        .ok()
        .and_then(|kind| KINDS.get(kind))
        .copied()
        .unwrap_or("")
}

impl MatchProperties {
    /// Returns the names of what is set.
    pub(super) fn set(&self) -> Vec<&'static str> {
        let all = [
            ("services", !self.services.is_empty()),
            ("span_names", !self.span_names.is_empty()),
            ("span_kinds", !self.span_kinds.is_empty()),
            ("log_bodies", !self.log_bodies.is_empty()),
            ("log_severity_texts", !self.log_severity_texts.is_empty()),
            ("log_severity_number", self.log_severity_number.is_some()),
            ("metric_names", !self.metric_names.is_empty()),
            ("attributes", !self.attributes.is_empty()),
            ("resources", !self.resources.is_empty()),
            ("libraries", !self.libraries.is_empty()),
        ];
        all.into_iter()
            .filter(|(_, set)| *set)
            .map(|(name, _)| name)
            .collect()
    }

    /// Returns true if nothing is set that data could be compared with.
    pub fn is_empty(&self) -> bool {
        self.set().is_empty()
    }

    /// Returns the names of what can be set for a signal.
    pub(super) const fn possible(signal: Signal) -> &'static [&'static str] {
        match signal {
            Signal::Metrics => &["metric_names", "resources"],
            Signal::Traces => &[
                "services",
                "span_names",
                "span_kinds",
                "attributes",
                "resources",
                "libraries",
            ],
            Signal::Logs => &[
                "log_bodies",
                "log_severity_texts",
                "log_severity_number",
                "attributes",
                "resources",
                "libraries",
            ],
        }
    }

    /// Returns all lists of texts that are compared by `match_type`.
    fn texts(&self) -> [(&'static str, &Vec<String>); 6] {
        [
            ("services", &self.services),
            ("span_names", &self.span_names),
            ("span_kinds", &self.span_kinds),
            ("log_bodies", &self.log_bodies),
            ("log_severity_texts", &self.log_severity_texts),
            ("metric_names", &self.metric_names),
        ]
    }
}

impl Validate for MatchProperties {
    fn validate(&self, found: &mut Violations) {
        found.require(
            !self.is_empty(),
            "",
            "matches nothing: set one of services, span_names, span_kinds, log_bodies, log_severity_texts, \
             log_severity_number, metric_names, attributes, resources, libraries",
        );
        let values = self
            .attributes
            .iter()
            .chain(&self.resources)
            .any(|one| one.value.is_some());
        let compares =
            values || !self.libraries.is_empty() || self.texts().iter().any(|(_, list)| !list.is_empty());
        let regexp = self.match_type == Some(MatchType::Regexp);
        found.require(
            !compares || self.match_type.is_some(),
            "match_type",
            "required: strict or regexp",
        );
        found.require(
            regexp || self.regexp.is_none(),
            "regexp",
            "has no effect without `match_type: regexp`",
        );
        for (key, list) in self.texts() {
            for (index, text) in list.iter().enumerate() {
                let at = format!("{key}::{index}");
                if regexp {
                    validate_pattern(found, &at, text);
                } else if key == "span_kinds" {
                    let known = KINDS[1..].contains(&text.as_str());
                    found.require(
                        known,
                        &at,
                        format!("unknown kind: use one of {}", KINDS[1..].join(", ")),
                    );
                }
            }
        }
        for (key, list) in [("attributes", &self.attributes), ("resources", &self.resources)] {
            for (index, attribute) in list.iter().enumerate() {
                attribute.validate_as(self.match_type, &format!("{key}::{index}"), found);
            }
        }
        for (index, library) in self.libraries.iter().enumerate() {
            found.require(
                !library.name.is_empty(),
                &format!("libraries::{index}::name"),
                "required",
            );
            if regexp {
                validate_pattern(found, &format!("libraries::{index}::name"), &library.name);
                let version = library.version.as_deref().unwrap_or_default();
                validate_pattern(found, &format!("libraries::{index}::version"), version);
            }
        }
    }
}

impl AttributeMatch {
    /// Adds what is wrong for a way of comparing. `at` is where the attribute stands.
    fn validate_as(&self, match_type: Option<MatchType>, at: &str, found: &mut Violations) {
        found.require(!self.key.is_empty(), &format!("{at}::key"), "required");
        match (match_type, &self.value) {
            (Some(MatchType::Regexp), Some(Literal::Text(text))) => {
                validate_pattern(found, &format!("{at}::value"), text);
            }
            (Some(MatchType::Regexp), Some(_)) => {
                found.add(
                    &format!("{at}::value"),
                    "must be a text with `match_type: regexp`",
                );
            }
            _ => {}
        }
    }
}

fn validate_pattern(found: &mut Violations, at: &str, pattern: &str) {
    if let Err(error) = weir_regex::compile(pattern) {
        found.add(at, format!("not a regular expression: {error}"));
    }
}
