//! Actions as a configuration writes them.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};
use weir_component::config::schema;
use weir_component::schemars::{self, JsonSchema, Schema, SchemaGenerator};
use weir_component::{Validate, Violations};

use crate::Literal;

/// One action on attributes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Action {
    /// Key of the attribute, exact. Required, but for `delete` and `hash` with a `pattern`.
    pub key: String,
    /// What to do: `insert`, `update`, `upsert`, `delete`, `hash`, `extract` or `convert`; case does not count. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionKind>,
    /// The value to set, of any type. `insert`, `update` and `upsert` need exactly one of `value`, `from_attribute` and
    /// `from_context`, or just a `default_value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Literal>,
    /// Key of an attribute of the same list whose value is set. Without such an attribute nothing happens.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from_attribute: String,
    /// What is known about the request whose text is set: `metadata.` and the name of a header (the receiver must include
    /// metadata), `auth.` and an attribute of the authenticated sender (`auth.subject`: the sender), `client.address`. A name without
    /// prefix is that of a header. Several values are joined with `;`. Where it is not known nothing happens.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from_context: String,
    /// The value to set where the source has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_value: Option<Literal>,
    /// A regular expression in RE2 syntax. For `extract` it is searched for in the text of the attribute, and its groups, which
    /// must all be named, become attributes. For `delete` and `hash` it is searched for in all keys. No other action has one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pattern: String,
    /// The type to convert to, `int`, `double` or `string`. Required for `convert`; no other action has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub converted_type: Option<ConvertedType>,
}

/// What an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// Adds the attribute where it is missing.
    Insert,
    /// Changes the attribute where it is there.
    Update,
    /// Sets the attribute.
    Upsert,
    /// Takes the attribute away.
    Delete,
    /// Puts the SHA-256 hash of the value in its place.
    Hash,
    /// Makes attributes of the parts of a text.
    Extract,
    /// Changes the type of the value.
    Convert,
}

impl ActionKind {
    const ALL: [(&'static str, Self); 7] = [
        ("insert", Self::Insert),
        ("update", Self::Update),
        ("upsert", Self::Upsert),
        ("delete", Self::Delete),
        ("hash", Self::Hash),
        ("extract", Self::Extract),
        ("convert", Self::Convert),
    ];
}

impl JsonSchema for ActionKind {
    fn schema_name() -> Cow<'static, str> {
        "ActionKind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema::words_in_any_case(&Self::ALL.map(|(word, _)| word))
    }
}

impl<'de> Deserialize<'de> for ActionKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let found = Self::ALL
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(&text));
        found.map(|(_, kind)| *kind).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "unknown action `{text}`: use insert, update, upsert, delete, hash, extract or convert"
            ))
        })
    }
}

/// A type that values can be converted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConvertedType {
    /// A 64-bit integer. Texts must be decimal; fractions are cut off; `true` is 1.
    Int,
    /// A double. `true` is 1.
    Double,
    /// A text; lists and maps become JSON.
    String,
}

impl Validate for Action {
    fn validate(&self, found: &mut Violations) {
        let Some(action) = self.action else {
            return found.add(
                "action",
                "required: insert, update, upsert, delete, hash, extract or convert",
            );
        };
        let sources = [
            ("value", self.value.is_some()),
            ("from_attribute", !self.from_attribute.is_empty()),
            ("from_context", !self.from_context.is_empty()),
            ("default_value", self.default_value.is_some()),
        ];
        let (sets, has_pattern) = match action {
            ActionKind::Insert | ActionKind::Update | ActionKind::Upsert => (true, false),
            ActionKind::Delete | ActionKind::Hash | ActionKind::Extract => (false, true),
            ActionKind::Convert => (false, false),
        };
        let by_pattern = matches!(action, ActionKind::Delete | ActionKind::Hash);
        if self.key.is_empty() && (!by_pattern || self.pattern.is_empty()) {
            let what = if by_pattern {
                "required: a key, or a `pattern`"
            } else {
                "required"
            };
            found.add("key", what);
        }
        match (sets, sources.iter().filter(|(_, set)| *set).count()) {
            (true, 0) => found.add(
                "value",
                "required: one of `value`, `from_attribute`, `from_context`",
            ),
            (true, _) if sources[..3].iter().filter(|(_, set)| *set).count() > 1 => {
                found.add(
                    "",
                    "has several sources: use one of `value`, `from_attribute`, `from_context`",
                );
            }
            (true, _) => {}
            (false, _) => sources
                .iter()
                .filter(|(_, set)| *set)
                .for_each(|(key, _)| found.add(key, "only insert, update and upsert set a value")),
        }
        for (key, literal) in [("value", &self.value), ("default_value", &self.default_value)] {
            let deep = literal
                .as_ref()
                .is_some_and(|literal| literal.depth() > Literal::MAX_DEPTH);
            found.require(
                !deep,
                key,
                format!("nests deeper than {} lists and maps", Literal::MAX_DEPTH),
            );
        }
        self.validate_pattern(action, has_pattern, found);
        match (action, self.converted_type) {
            (ActionKind::Convert, None) => found.add("converted_type", "required: int, double or string"),
            (ActionKind::Convert, _) | (_, None) => {}
            (_, Some(_)) => found.add("converted_type", "only convert has a type"),
        }
    }
}

impl Action {
    fn validate_pattern(&self, action: ActionKind, has_pattern: bool, found: &mut Violations) {
        if self.pattern.is_empty() {
            found.require(
                action != ActionKind::Extract,
                "pattern",
                "required: its groups become attributes",
            );
            return;
        }
        if !has_pattern {
            return found.add("pattern", "only delete, hash and extract have a pattern");
        }
        match weir_regex::compile(&self.pattern) {
            Err(error) => found.add("pattern", format!("not a regular expression: {error}")),
            Ok(pattern) if action == ActionKind::Extract => {
                let mut groups = pattern.capture_names().skip(1);
                found.require(
                    groups.len() > 0,
                    "pattern",
                    "has no groups: write `(?P<name>...)`",
                );
                found.require(
                    groups.all(|name| name.is_some()),
                    "pattern",
                    "has a group without a name: write `(?P<name>...)`, or `(?:...)` for a group that is not extracted",
                );
            }
            Ok(_) => {}
        }
    }
}
