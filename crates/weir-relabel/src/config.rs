//! A rule as a configuration writes it.

use std::borrow::Cow;
use std::fmt;

use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use crate::rule::{Rule, Step};
use crate::template::Template;

/// One rule of relabeling, as in Prometheus.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuleConfig {
    /// Labels whose values, joined by `separator`, are what the rule looks at. A label that is not there has an empty value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_labels: Vec<String>,
    /// Stands between the values of `source_labels`. Default `;`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// Must match the joined values, or for `labelmap`, `labeldrop` and `labelkeep` the name of a label, from beginning to end. RE2
    /// syntax. Default `(.*)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// What `hashmod` takes the hash modulo; at least 1. Required for `hashmod`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modulus: Option<u64>,
    /// The label that is written, for `keepequal` and `dropequal` the one compared with. Required for these and for `replace`, `hashmod`,
    /// `lowercase` and `uppercase`. In `replace` it may refer to groups of `regex`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub target_label: String,
    /// The value that `replace` writes, or the name that `labelmap` does; `$1` and `${1}` stand for groups of `regex`. An empty value takes
    /// the label away. Default `$1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
    /// What the rule does. Default `replace`.
    pub action: Action,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Writes `replacement` to `target_label` if `regex` matches.
    #[default]
    Replace,
    /// Drops the label set unless `regex` matches.
    Keep,
    /// Drops the label set if `regex` matches.
    Drop,
    /// Drops the label set unless the joined values equal `target_label`.
    KeepEqual,
    /// Drops the label set if the joined values equal `target_label`.
    DropEqual,
    /// Writes the hash of the joined values, modulo `modulus`, to `target_label`.
    HashMod,
    /// Writes the joined values in lower case to `target_label`.
    Lowercase,
    /// Writes the joined values in upper case to `target_label`.
    Uppercase,
    /// Copies labels whose names match `regex` to the names that `replacement` makes.
    LabelMap,
    /// Takes away labels whose names match `regex`.
    LabelDrop,
    /// Takes away labels whose names do not match `regex`.
    LabelKeep,
}

impl Action {
    const ALL: [(&'static str, Self); 11] = [
        ("replace", Self::Replace),
        ("keep", Self::Keep),
        ("drop", Self::Drop),
        ("keepequal", Self::KeepEqual),
        ("dropequal", Self::DropEqual),
        ("hashmod", Self::HashMod),
        ("lowercase", Self::Lowercase),
        ("uppercase", Self::Uppercase),
        ("labelmap", Self::LabelMap),
        ("labeldrop", Self::LabelDrop),
        ("labelkeep", Self::LabelKeep),
    ];

    /// Returns the word for it in a configuration.
    pub fn as_str(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, action)| *action == self);
        found.map_or("", |(word, _)| word)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let found = Self::ALL
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(&text));
        found.map(|(_, action)| *action).ok_or_else(|| {
            let words = Self::ALL.map(|(word, _)| word).join(", ");
            serde::de::Error::custom(format!("unknown action `{text}`: use one of {words}"))
        })
    }
}

impl JsonSchema for Action {
    fn schema_name() -> Cow<'static, str> {
        "RelabelAction".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words = Self::ALL.map(|(word, _)| word);
        let any_case = |word: &str| -> String {
            let letter = |c: char| format!("[{}{c}]", c.to_ascii_uppercase());
            word.chars().map(letter).collect()
        };
        let pattern = words.map(any_case).join("|");
        json_schema!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": format!("^({pattern})$") }] })
    }
}

/// Makes a list of rules ready.
///
/// # Errors
///
/// Everything that is wrong with any of them. A key begins with the index of its rule and `::`.
pub fn compile(configs: &[RuleConfig]) -> Result<Vec<Rule>, Vec<Mistake>> {
    let (mut rules, mut found) = (Vec::with_capacity(configs.len()), Vec::new());
    for (index, config) in configs.iter().enumerate() {
        match config.compile() {
            Ok(rule) => rules.push(rule),
            Err(mistakes) => found.extend(mistakes.into_iter().map(|mistake| Mistake {
                key: format!("{index}::{}", mistake.key),
                ..mistake
            })),
        }
    }
    if found.is_empty() { Ok(rules) } else { Err(found) }
}

/// One thing wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The key at fault, levels divided by `::`; an index if it is in a list.
    pub key: String,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
}

/// A pattern that is not set.
const ANY_TEXT: &str = "(.*)";

/// A separator that is not set.
const SEPARATOR: &str = ";";

/// A replacement that is not set.
const FIRST_GROUP: &str = "$1";

impl RuleConfig {
    /// Makes the rule ready.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it. What Prometheus accepts is accepted, keys without effect included.
    pub fn compile(&self) -> Result<Rule, Vec<Mistake>> {
        let mut found = Vec::new();
        self.check_fields(&mut found);
        let pattern = self.regex.as_deref().unwrap_or(ANY_TEXT);
        match weir_regex::compile_anchored(pattern) {
            Ok(regex) if found.is_empty() => Ok(self.rule(regex)),
            Ok(_) => Err(found),
            Err(error) => {
                mistake(&mut found, "regex", format!("not a regular expression: {error}"));
                Err(found)
            }
        }
    }

    fn check_fields(&self, found: &mut Vec<Mistake>) {
        for (index, name) in self.source_labels.iter().enumerate() {
            if name.is_empty() {
                mistake(found, &format!("source_labels::{index}"), "a label has a name");
            }
        }
        let action = self.action;
        let writes = match action {
            Action::Keep | Action::Drop | Action::LabelMap | Action::LabelDrop | Action::LabelKeep => false,
            Action::Replace | Action::HashMod | Action::Lowercase | Action::Uppercase => true,
            Action::KeepEqual | Action::DropEqual => true,
        };
        if writes && self.target_label.is_empty() {
            mistake(found, "target_label", format!("required for `{action}`"));
        }
        let replacement = self.replacement.as_deref();
        let sets_replacement = replacement.is_some_and(|text| text != FIRST_GROUP);
        match action {
            Action::HashMod if self.modulus.unwrap_or(0) == 0 => {
                mistake(found, "modulus", "required for `hashmod`: at least 1");
            }
            Action::LabelMap if replacement == Some("") => {
                mistake(found, "replacement", "a label has a name");
            }
            Action::Lowercase | Action::Uppercase if sets_replacement => {
                mistake(found, "replacement", format!("has no effect with `{action}`"));
            }
            Action::KeepEqual | Action::DropEqual | Action::LabelDrop | Action::LabelKeep => {
                self.check_alone(sets_replacement, found);
            }
            _ => {}
        }
    }

    /// Refuses what Prometheus refuses beside the actions that look at few keys.
    fn check_alone(&self, sets_replacement: bool, found: &mut Vec<Mistake>) {
        let compares = matches!(self.action, Action::KeepEqual | Action::DropEqual);
        let counts = match compares {
            true => "`source_labels` and `target_label` count",
            false => "`regex` counts",
        };
        let without_effect = [
            ("source_labels", !compares && !self.source_labels.is_empty()),
            ("target_label", !compares && !self.target_label.is_empty()),
            ("regex", compares && self.regex.is_some()),
            ("modulus", self.modulus.unwrap_or(0) != 0),
            (
                "separator",
                self.separator.as_deref().unwrap_or(SEPARATOR) != SEPARATOR,
            ),
            ("replacement", sets_replacement),
        ];
        for (key, _) in without_effect.iter().filter(|(_, set)| *set) {
            mistake(
                found,
                key,
                format!("has no effect with `{}`: only {counts}", self.action),
            );
        }
    }

    fn rule(&self, regex: Regex) -> Rule {
        let target = self.target_label.clone();
        let replacement = self.replacement.as_deref().unwrap_or(FIRST_GROUP);
        let step = match self.action {
            Action::Replace => Step::Replace {
                target: Template::new(&target, &regex),
                value: Template::new(replacement, &regex),
                regex,
            },
            Action::Keep => Step::Keep(regex),
            Action::Drop => Step::Drop(regex),
            Action::KeepEqual => Step::KeepEqual(target),
            Action::DropEqual => Step::DropEqual(target),
            Action::HashMod => Step::HashMod {
                modulus: self.modulus.unwrap_or(0).max(1),
                target,
            },
            Action::Lowercase => Step::Lowercase(target),
            Action::Uppercase => Step::Uppercase(target),
            Action::LabelMap => Step::LabelMap {
                name: Template::new(replacement, &regex),
                regex,
            },
            Action::LabelDrop => Step::LabelDrop(regex),
            Action::LabelKeep => Step::LabelKeep(regex),
        };
        Rule {
            sources: self.source_labels.clone(),
            separator: self.separator.as_deref().unwrap_or(SEPARATOR).to_owned(),
            step,
        }
    }
}

fn mistake(found: &mut Vec<Mistake>, key: &str, message: impl Into<String>) {
    found.push(Mistake {
        key: key.to_owned(),
        message: message.into(),
    });
}
