//! Actions on a list of attributes, made ready to run.

mod config;
mod values;

use regex::Regex;
use weir_component::{BuildError, Context};
use weir_pdata::rewrite::AttributesEdit;
use weir_pdata::view::{AnyValue, Attribute};
use weir_proto::otlp::common::v1 as otlp;

pub use config::{Action, ActionKind, ConvertedType};

use values::{converted, hash};

/// A list of actions; each sees what those before it did.
#[derive(Debug)]
pub struct Actions {
    steps: Vec<Step>,
    /// What is to be known about each request.
    wanted: Vec<FromContext>,
}

#[derive(Debug)]
enum Step {
    Set {
        key: String,
        when: When,
        source: Source,
        default: Option<otlp::AnyValue>,
    },
    Delete(Keys),
    Hash(Keys),
    Extract {
        key: String,
        pattern: Regex,
    },
    Convert {
        key: String,
        to: ConvertedType,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Missing,
    There,
    Always,
}

#[derive(Debug)]
enum Source {
    None,
    Value(otlp::AnyValue),
    Attribute(String),
    /// Index of what is wanted of the context.
    Context(usize),
}

/// One key, those that match a pattern, or both.
#[derive(Debug)]
struct Keys {
    /// Empty for none.
    key: String,
    pattern: Option<Regex>,
}

impl Keys {
    fn contain(&self, attribute: Attribute<'_>) -> bool {
        let key = attribute.key();
        let exact = !self.key.is_empty() && key.as_bytes() == self.key.as_bytes();
        exact
            || self
                .pattern
                .as_ref()
                .is_some_and(|pattern| key.to_str().is_ok_and(|key| pattern.is_match(key)))
    }
}

/// Something that is known about a request.
#[derive(Debug)]
enum FromContext {
    /// Lower-case name of a header.
    Metadata(String),
    Auth(String),
    ClientAddress,
}

impl FromContext {
    fn new(name: &str) -> Self {
        match (name, name.split_once('.')) {
            ("client.address", _) => Self::ClientAddress,
            (_, Some(("metadata", key))) => Self::Metadata(key.to_ascii_lowercase()),
            (_, Some(("auth", attribute))) => Self::Auth(attribute.to_owned()),
            (key, _) => Self::Metadata(key.to_ascii_lowercase()),
        }
    }

    fn read(&self, context: &Context) -> Option<String> {
        match self {
            Self::Metadata(key) => {
                let values = context.metadata.get(key)?;
                (!values.is_empty()).then(|| values.join(";"))
            }
            Self::Auth(attribute) => {
                let identity = context.identity.as_ref()?;
                let subject = || (attribute == "subject").then_some(&identity.subject);
                identity.attributes.get(attribute).or_else(subject).cloned()
            }
            Self::ClientAddress => context.peer.map(|peer| peer.ip().to_string()),
        }
    }
}

impl Actions {
    /// Makes a list of actions ready.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if one of them is not valid, which [`Action`]'s `Validate` tells sooner and better.
    pub fn new(actions: &[Action]) -> Result<Self, BuildError> {
        let mut made = Self {
            steps: Vec::new(),
            wanted: Vec::new(),
        };
        for action in actions {
            let step = made.step(action)?;
            made.steps.push(step);
        }
        Ok(made)
    }

    fn step(&mut self, action: &Action) -> Result<Step, BuildError> {
        let Action { key, .. } = action;
        let pattern = || {
            weir_regex::compile(&action.pattern).map_err(|error| {
                BuildError::new(format!("`{}` is no pattern", action.pattern)).caused_by(error)
            })
        };
        let keys = || {
            let pattern = (!action.pattern.is_empty()).then(pattern).transpose()?;
            Ok::<_, BuildError>(Keys {
                key: key.clone(),
                pattern,
            })
        };
        let kind = action
            .action
            .ok_or_else(|| BuildError::new("an action does not say what it does"))?;
        Ok(match kind {
            ActionKind::Insert => self.set(action, When::Missing),
            ActionKind::Update => self.set(action, When::There),
            ActionKind::Upsert => self.set(action, When::Always),
            ActionKind::Delete => Step::Delete(keys()?),
            ActionKind::Hash => Step::Hash(keys()?),
            ActionKind::Extract => Step::Extract {
                key: key.clone(),
                pattern: pattern()?,
            },
            ActionKind::Convert => Step::Convert {
                key: key.clone(),
                to: action
                    .converted_type
                    .ok_or_else(|| BuildError::new("a conversion does not say to what"))?,
            },
        })
    }

    fn set(&mut self, action: &Action, when: When) -> Step {
        let source = if let Some(value) = &action.value {
            Source::Value(value.to_message())
        } else if !action.from_attribute.is_empty() {
            Source::Attribute(action.from_attribute.clone())
        } else if !action.from_context.is_empty() {
            self.wanted.push(FromContext::new(&action.from_context));
            Source::Context(self.wanted.len() - 1)
        } else {
            Source::None
        };
        Step::Set {
            key: action.key.clone(),
            when,
            source,
            default: action.default_value.as_ref().map(|value| value.to_message()),
        }
    }

    /// Looks up what the actions want to know about a batch.
    pub fn prepare(&self, context: &Context) -> Prepared<'_> {
        Prepared {
            steps: &self.steps,
            known: self.wanted.iter().map(|wanted| wanted.read(context)).collect(),
        }
    }
}

/// Actions with what they want to know about one batch.
#[derive(Debug)]
pub struct Prepared<'a> {
    steps: &'a [Step],
    known: Vec<Option<String>>,
}

impl Prepared<'_> {
    /// Runs the actions on a list of attributes.
    pub fn apply(&self, list: &mut AttributesEdit<'_>) {
        for step in self.steps {
            match step {
                Step::Set {
                    key,
                    when,
                    source,
                    default,
                } => self.set(list, key, *when, source, default.as_ref()),
                Step::Delete(keys) => {
                    if list.iter().any(|attribute| keys.contain(attribute)) {
                        list.retain(|attribute| !keys.contain(attribute));
                    }
                }
                Step::Hash(keys) => {
                    list.replace_values(|attribute| keys.contain(attribute).then(|| hash(attribute.value())));
                }
                Step::Extract { key, pattern } => extract(list, key, pattern),
                Step::Convert { key, to } => {
                    if let Some(value) = list.get(key).and_then(|value| converted(value, *to)) {
                        list.upsert(key, value.as_value());
                    }
                }
            }
        }
    }

    fn set(
        &self,
        list: &mut AttributesEdit<'_>,
        key: &str,
        when: When,
        source: &Source,
        default: Option<&otlp::AnyValue>,
    ) {
        let wanted = when == When::Always || list.contains(key) == (when == When::There);
        if !wanted {
            return;
        }
        let known = match source {
            Source::None => None,
            Source::Value(value) => Some(AnyValue::from_decoded(value)),
            Source::Attribute(from) if list.copy(from, key) => return,
            Source::Attribute(_) => None,
            Source::Context(index) => self.known[*index].as_deref().map(AnyValue::from),
        };
        if let Some(value) = known.or_else(|| default.map(AnyValue::from_decoded)) {
            list.upsert(key, value);
        }
    }
}

fn extract(list: &mut AttributesEdit<'_>, key: &str, pattern: &Regex) {
    let Some(AnyValue::String(text)) = list.get(key) else {
        return;
    };
    let Some(groups) = text.to_str().ok().and_then(|text| pattern.captures(text)) else {
        return;
    };
    // A group that took no part in the match gives an empty text, as in the Collector.
    let found: Vec<(&str, String)> = pattern
        .capture_names()
        .flatten()
        .map(|name| {
            (
                name,
                groups.name(name).map_or("", |group| group.as_str()).to_owned(),
            )
        })
        .collect();
    for (name, text) in found {
        list.upsert(name, text.as_str());
    }
}

#[cfg(test)]
mod tests;
