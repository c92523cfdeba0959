//! Where each value of a printed configuration comes from.
//!
//! | Origin | Means |
//! |---|---|
//! | `weir.yaml:12:5` | written there |
//! | `weir.yaml:12:5 (env:PORT, file:token)` | written there, with these references in it |
//! | `--set exporters.debug.verbosity` | given by this flag |
//! | `weir.yaml:12:5, in another form` | somewhere in the section there, which the component understands but prints differently |
//! | `default` | not written |
//!
//! An origin names places and references, never values.

use std::borrow::Cow;

use serde_yaml::{Mapping, Value};

use crate::{
    config::Config,
    mistake::Origin,
    node::{Kind, Node},
    path::Step,
    provider,
    report::Place,
};

const DEFAULT: &str = "default";

impl Config {
    /// Returns, for a value that [`to_value`](Self::to_value) printed, the same structure with the origin of each value in its
    /// place.
    pub fn origins(&self, printed: &Value) -> Value {
        self.origin.of(printed, &At::Node(&self.origin.root))
    }
}

/// Where a value is in the tree that was written.
enum At<'a> {
    Node(&'a Node),
    /// Nowhere by itself: it and all below come from the same.
    Below(Cow<'static, str>),
}

impl Origin {
    fn of(&self, printed: &Value, at: &At<'_>) -> Value {
        match printed {
            Value::Mapping(map) if !map.is_empty() => {
                let entries = map.iter().map(|(key, value)| {
                    let step = Step::Key(key_text(key));
                    let entry = self.child(at, &step, || self.missing(at, map));
                    (key.clone(), self.of(value, &entry))
                });
                Value::Mapping(entries.collect())
            }
            Value::Sequence(items) if !items.is_empty() => {
                let items = items.iter().enumerate().map(|(index, value)| {
                    let entry = self.child(at, &Step::Index(index), || self.missing(at, &Mapping::new()));
                    self.of(value, &entry)
                });
                Value::Sequence(items.collect())
            }
            leaf => Value::String(match at {
                At::Below(origin) => origin.to_string(),
                At::Node(node) if matches!(node.kind, Kind::Null) && !leaf.is_null() => DEFAULT.to_owned(),
                At::Node(node) => self.place(&node.at),
            }),
        }
    }

    fn child<'a>(&self, at: &At<'a>, step: &Step, missing: impl Fn() -> Cow<'static, str>) -> At<'a> {
        match at {
            At::Node(node) => match node.child(step) {
                Some(child) => At::Node(child),
                None => At::Below(missing()),
            },
            At::Below(origin) => At::Below(origin.clone()),
        }
    }

    /// Returns the origin of what a section prints and nobody wrote under that key.
    fn missing(&self, at: &At<'_>, printed: &Mapping) -> Cow<'static, str> {
        let At::Node(node) = at else {
            return Cow::Borrowed(DEFAULT);
        };
        match &node.kind {
            Kind::Null => Cow::Borrowed(DEFAULT),
            // A key that is understood and not printed has become another one.
            Kind::Map(map) if map.keys().all(|key| printed.contains_key(key.as_str())) => {
                Cow::Borrowed(DEFAULT)
            }
            Kind::Map(_) => Cow::Owned(format!("{}, in another form", self.place(node.key_place()))),
            _ => Cow::Owned(self.place(&node.at)),
        }
    }

    fn place(&self, place: &Place) -> String {
        let Some(source) = self.sources.text(place.source) else {
            return DEFAULT.to_owned();
        };
        if source.name == "--set" {
            let key = source.text.split('=').next().unwrap_or_default();
            return with_references(format!("--set {key}"), self.written(place));
        }
        let name = match self.sources.position(place.source, place.start()) {
            Some((line, column)) => format!("{}:{line}:{column}", source.name),
            None => source.name.clone(),
        };
        with_references(name, self.written(place))
    }

    /// Returns the text of a place.
    fn written(&self, place: &Place) -> &str {
        let text = self.sources.text(place.source).map(|source| source.text.as_str());
        let span = place.span.clone();
        text.zip(span)
            .and_then(|(text, span)| text.get(span))
            .unwrap_or_default()
    }
}

fn key_text(key: &Value) -> String {
    match key {
        Value::String(text) => text.clone(),
        other => serde_yaml::to_string(other)
            .unwrap_or_default()
            .trim_end()
            .to_owned(),
    }
}

fn with_references(place: String, written: &str) -> String {
    let references = references(written);
    if references.is_empty() {
        place
    } else {
        format!("{place} ({})", references.join(", "))
    }
}

/// Returns what the references in a text name, outermost first, without defaults and without texts that are given in place.
fn references(written: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (open, _) in written.match_indices("${") {
        let dollars = written[..open]
            .bytes()
            .rev()
            .take_while(|byte| *byte == b'$')
            .count();
        if dollars % 2 == 1 {
            continue;
        }
        let inner = &written[open + 2..];
        let inner = &inner[..inner.find(['}', '$']).unwrap_or(inner.len())];
        let name = match provider::split_scheme(inner) {
            Some(("env", rest)) => format!("env:{}", rest.split(":-").next().unwrap_or_default()),
            Some(("yaml", _)) => "yaml".to_owned(),
            Some(_) => provider::without_credentials(inner).into_owned(),
            None => format!("env:{inner}"),
        };
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::references;

    #[test]
    fn references_are_named_without_values() {
        for (written, expected) in [
            ("plain", &[][..]),
            ("${env:X}", &["env:X"]),
            ("${X}", &["env:X"]),
            ("a${env:X:-hunter2}b${env:Y}${env:X}", &["env:X", "env:Y"]),
            ("${file:/a/${env:X}}", &["file:/a/", "env:X"]),
            ("${yaml:hunter2}", &["yaml"]),
            ("${https://u:hunter2@a/b?c=hunter2}", &["https://a/b"]),
            ("$${env:X} $$${env:Y}", &["env:Y"]),
            ("${", &["env:"]),
        ] {
            assert_eq!(references(written), expected, "{written}");
        }
    }
}
