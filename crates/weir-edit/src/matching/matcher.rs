//! One `include` or `exclude` section, made ready.

use weir_component::{BuildError, Signal};
use weir_pdata::view::{AnyValue, LogRecord, Metric, Resource, Scope, Span, Text, push_text};

use super::attributes::AttributeTests;
use super::config::kind_name;
use super::libraries::Libraries;
use super::texts::{Comparison, Texts};
use super::{MatchProperties, MatchType, SeverityMatch};

/// What a span without a service name is compared as.
const NO_SERVICE: &str = "<nil-service-name>";

/// What data must be like. Tests of one level are asked when that level is shown; data matches if all levels do.
#[derive(Debug)]
pub struct Matcher {
    services: Option<Texts>,
    resources: AttributeTests,
    libraries: Libraries,
    metric_names: Option<Texts>,
    span_names: Option<Texts>,
    span_kinds: Option<Texts>,
    bodies: Option<Texts>,
    severity_texts: Option<Texts>,
    severity: Option<SeverityMatch>,
    attributes: AttributeTests,
}

impl Matcher {
    /// Makes a section ready for a signal.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if it sets what the signal does not have, or nothing that it has.
    pub fn new(properties: &MatchProperties, signal: Signal) -> Result<Self, BuildError> {
        let possible = MatchProperties::possible(signal);
        let set = properties.set();
        if let Some(wrong) = set.iter().find(|name| !possible.contains(name)) {
            return Err(BuildError::new(format!(
                "`{wrong}` cannot be matched in a pipeline of {signal}: use {}",
                possible.join(", ")
            )));
        }
        if set.is_empty() {
            return Err(BuildError::new(format!(
                "matches nothing: set one of {}",
                possible.join(", ")
            )));
        }
        let comparison = Comparison {
            match_type: properties.match_type.unwrap_or(MatchType::Strict),
            regexp: properties.regexp.as_ref(),
        };
        Ok(Self {
            services: comparison.list(&properties.services)?,
            resources: AttributeTests::new(comparison, &properties.resources)?,
            libraries: Libraries::new(comparison, &properties.libraries)?,
            metric_names: comparison.list(&properties.metric_names)?,
            span_names: comparison.list(&properties.span_names)?,
            span_kinds: comparison.list(&properties.span_kinds)?,
            bodies: comparison.list(&properties.log_bodies)?,
            severity_texts: comparison.list(&properties.log_severity_texts)?,
            severity: properties.log_severity_number.clone(),
            attributes: AttributeTests::new(comparison, &properties.attributes)?,
        })
    }

    /// Returns true if something is tested below the resource.
    pub(super) fn asks_below_resource(&self) -> bool {
        !self.libraries.is_empty() || self.asks_below_scope()
    }

    /// Returns true if something is tested below the scope.
    pub(super) fn asks_below_scope(&self) -> bool {
        let lists = [
            &self.metric_names,
            &self.span_names,
            &self.span_kinds,
            &self.bodies,
            &self.severity_texts,
        ];
        lists.iter().any(|list| list.is_some()) || self.severity.is_some() || !self.attributes.is_empty()
    }

    pub(super) fn resource(&self, resource: &Resource<'_>) -> bool {
        self.resources.matches(&resource.attributes)
            && self.services.as_ref().is_none_or(|services| {
                let mut attributes = resource.attributes.iter();
                let service = attributes.find(|attribute| attribute.key().as_bytes() == b"service.name");
                match service {
                    Some(service) => match_value(services, service.value()),
                    None => services.match_str(NO_SERVICE),
                }
            })
    }

    pub(super) fn scope(&self, scope: &Scope<'_>) -> bool {
        self.libraries.match_scope(scope)
    }

    pub(super) fn metric(&self, metric: &Metric<'_>) -> bool {
        passes(&self.metric_names, metric.name)
    }

    pub(super) fn span(&self, span: &Span<'_>) -> bool {
        passes(&self.span_names, span.name)
            && passes(&self.span_kinds, Text::from(kind_name(span.kind)))
            && self.attributes.matches(&span.attributes)
    }

    pub(super) fn log(&self, record: &LogRecord<'_>) -> bool {
        self.severity
            .as_ref()
            .is_none_or(|severity| severity.matches(record.severity_number))
            && passes(&self.severity_texts, record.severity_text)
            && self.attributes.matches(&record.attributes)
            && self
                .bodies
                .as_ref()
                .is_none_or(|bodies| match_value(bodies, record.body))
    }
}

fn passes(texts: &Option<Texts>, text: Text<'_>) -> bool {
    texts.as_ref().is_none_or(|texts| texts.match_text(text))
}

/// Compares the text of a value; one that has no text because a string in it is not UTF-8 does not match.
fn match_value(texts: &Texts, value: AnyValue<'_>) -> bool {
    if let AnyValue::String(text) = value {
        return texts.match_text(text);
    }
    let mut text = String::new();
    push_text(value, &mut text).is_ok() && texts.match_str(&text)
}
