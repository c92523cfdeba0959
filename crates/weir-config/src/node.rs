//! The configuration as a tree whose every value knows where it was written.

use std::collections::BTreeMap;

use serde_yaml::Number;

use crate::{
    path::{Path, Step},
    report::Place,
};

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// Where the value is written. For a value that came out of `${…}`, where the reference is written.
    pub(crate) at: Place,
    /// Where the key of this map entry is written.
    pub(crate) key: Option<Place>,
    /// Set if the value, or a part of it, came out of `${…}`.
    pub(crate) expansion: Option<Box<Expansion>>,
}

/// What a [`Node`] holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(BTreeMap<String, Node>),
}

/// What `${…}` did to a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expansion {
    /// The value as the user wrote it.
    pub(crate) written: String,
    /// The text that replaced the value, if the value was one reference and nothing else: then a string field takes
    /// this text, any other field the parsed value.
    pub(crate) raw: Option<String>,
    /// Texts that came from outside, none of which may show in a message.
    pub(crate) inserted: Vec<String>,
}

impl PartialEq for Node {
    /// Equal values; places do not matter.
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Node {
    pub(crate) fn new(kind: Kind, at: Place) -> Self {
        Self {
            kind,
            at,
            key: None,
            expansion: None,
        }
    }

    /// Where a message about this entry as a whole should point: its key, or else its value.
    pub(crate) fn key_place(&self) -> &Place {
        self.key.as_ref().unwrap_or(&self.at)
    }

    /// Where a message about the value should point: a scalar itself, of a section its key.
    pub(crate) fn value_place(&self) -> &Place {
        match &self.kind {
            Kind::Map(_) | Kind::List(_) | Kind::Null if self.expansion.is_none() => self.key_place(),
            _ => &self.at,
        }
    }

    pub(crate) fn child(&self, step: &Step) -> Option<&Self> {
        match (&self.kind, step) {
            (Kind::Map(map), Step::Key(key)) => map.get(key),
            (Kind::Map(map), Step::Index(index)) => map.get(&index.to_string()),
            (Kind::List(list), Step::Index(index)) => list.get(*index),
            _ => None,
        }
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Map(map) => map.get(key),
            _ => None,
        }
    }

    pub(crate) fn find(&self, path: &Path) -> Option<&Self> {
        path.steps().iter().try_fold(self, |node, step| node.child(step))
    }

    /// The node at `path`, or the deepest one on the way to it.
    pub(crate) fn nearest(&self, path: &Path) -> &Self {
        let mut node = self;
        for step in path.steps() {
            match node.child(step) {
                Some(child) => node = child,
                None => break,
            }
        }
        node
    }

    /// Replaces everything in `message` that came out of `${…}` on the way to `path` or at it by what the user wrote.
    pub(crate) fn redact(&self, path: &Path, message: &str) -> String {
        let mut message = message.to_owned();
        let mut node = Some(self);
        let mut steps = path.steps().iter();
        while let Some(current) = node {
            if let Some(expansion) = &current.expansion {
                message = expansion.redact(&message);
            }
            node = steps.next().and_then(|step| current.child(step));
        }
        message
    }
}

impl Expansion {
    fn redact(&self, message: &str) -> String {
        let mut message = message.to_owned();
        for text in self.raw.iter().chain(&self.inserted) {
            // Quoted forms always; bare ones only where the text is long enough not to be part of our own words.
            for quoted in [format!("{text:?}"), format!("`{text}`"), format!("'{text}'")] {
                message = message.replace(&quoted, &format!("`{}`", self.written));
            }
            let escaped = text.escape_debug().to_string();
            for bare in [text.as_str(), escaped.as_str()] {
                if bare.len() >= 4 {
                    message = message.replace(bare, &self.written);
                }
            }
        }
        message
    }
}

impl Kind {
    /// What this is, for a message: `a list`, `the number 5`.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => format!("the boolean `{value}`"),
            Self::Number(value) => format!("the number `{value}`"),
            Self::Text(value) => format!("the text `{value}`"),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a mapping".to_owned(),
        }
    }
}
