//! JSON Schemas of configuration: what types that are written by hand say about themselves.
//!
//! Most types need nothing of this: they derive [`JsonSchema`](schemars::JsonSchema), whose macro finds its crate by
//! `use weir_component::schemars::{self, JsonSchema};`. Doc comments become descriptions, and serde's attributes count. What the
//! derive cannot know is said at the field or the type:
//!
//! | Where | Attribute |
//! |---|---|
//! | a `Duration` | `#[schemars(with = "duration::Text")]` |
//! | a range that `Validate` checks | `#[schemars(range(min = 1, max = 100))]` |
//! | a struct read by `weir_net::keys!` | `#[schemars(transform = schema::keys::<Self>)]`, `#[schemars(flatten)]` at its flat fields |
//! | a section that several components have | `#[schemars(extend("x-weir-block" = "tls_client"))]`, or [`block`] for keys of `keys!` |
//!
//! Schemas describe a value as a type reads it. What holds everywhere in a file (`${...}` in place of a value, null in place of a
//! section) is added by whoever knows files.

use schemars::{Schema, json_schema};
use serde::Serialize;
use serde_json::{Map, Value};

/// Keyword of a section: the block that it is, if several components have it.
pub const BLOCK: &str = "x-weir-block";

/// Keyword of a key: the block that it comes from, if that block's keys stand among those of a component.
pub const FROM: &str = "x-weir-from";

/// Makes the schema of a struct that of a section: every key may be left out, no others exist, and defaults are those of `T`.
///
/// For types whose `Deserialize` is not derived, as `#[schemars(transform = schema::keys::<Self>)]`.
pub fn keys<T: Default + Serialize>(schema: &mut Schema) {
    schema.remove("required");
    schema.remove(BLOCK);
    schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    set_defaults(schema, &T::default());
}

/// Like [`keys`], for a section that several components have, or whose keys stand among theirs: `name` is that of its page in the
/// reference.
pub fn block<T: Default + Serialize>(name: &'static str) -> impl FnMut(&mut Schema) {
    move |schema| {
        keys::<T>(schema);
        schema.insert(BLOCK.to_owned(), name.into());
        for property in properties(schema).into_iter().flat_map(Map::values_mut) {
            if let Some(property) = property.as_object_mut() {
                property.entry(FROM).or_insert_with(|| name.into());
            }
        }
    }
}

/// Sets the default of each key of a section to the value that `defaults` has under it.
pub fn set_defaults(schema: &mut Schema, defaults: &impl Serialize) {
    // What cannot be written as JSON (a key that is no text) has no place in a schema either.
    let defaults = serde_json::to_value(defaults).unwrap_or_default();
    for (key, property) in properties(schema).into_iter().flatten() {
        if let (Some(property), Some(value)) = (property.as_object_mut(), defaults.get(key)) {
            property.insert("default".to_owned(), value.clone());
        }
    }
}

/// The schema of words that are read without regard to case, in their usual spelling.
pub fn words_in_any_case(words: &[&str]) -> Schema {
    let folded = words.iter().map(|word| {
        word.chars().fold(String::new(), |pattern, c| match c {
            c if c.is_ascii_alphabetic() => {
                pattern + &format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase())
            }
            c => pattern + &c.to_string(),
        })
    });
    let pattern = format!("^({})$", folded.collect::<Vec<_>>().join("|"));
    json_schema!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": pattern }] })
}

fn properties(schema: &mut Schema) -> Option<&mut Map<String, Value>> {
    schema.get_mut("properties")?.as_object_mut()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use schemars::JsonSchema;
    use serde::Deserialize;

    use super::*;
    use crate::config::{OffUnlessSet, Secret, duration};

    /// A section of which others are made.
    #[derive(Serialize, JsonSchema)]
    #[schemars(transform = block::<Self>("inner"))]
    struct Inner {
        /// Where.
        place: String,
    }

    impl Default for Inner {
        fn default() -> Self {
            Self { place: "here".into() }
        }
    }

    /// What [`keys`] is for.
    #[derive(Serialize, JsonSchema)]
    #[schemars(transform = keys::<Self>)]
    struct Outer {
        #[serde(flatten)]
        inner: Inner,
        own: u8,
    }

    impl Default for Outer {
        fn default() -> Self {
            let inner = Inner {
                place: "there".into(),
            };
            Self { inner, own: 1 }
        }
    }

    fn schema_of<T: JsonSchema>() -> Value {
        T::json_schema(&mut schemars::SchemaGenerator::default()).to_value()
    }

    #[test]
    fn flat_keys_have_the_defaults_of_the_outer_section_and_know_their_block() {
        let outer = schema_of::<Outer>();
        assert_eq!(outer["additionalProperties"], false);
        assert_eq!(outer.get("required"), None);
        assert_eq!(outer.get(BLOCK), None, "the section is no block itself");
        let place = &outer["properties"]["place"];
        assert_eq!(
            (&place["default"], &place[FROM]),
            (&"there".into(), &"inner".into())
        );
        assert_eq!(place["description"], "Where.");
        assert_eq!(outer["properties"]["own"]["default"], 1);
        assert_eq!(schema_of::<Inner>()[BLOCK], "inner");
    }

    #[test]
    fn leaf_types_say_how_they_are_written() {
        /// All of them.
        #[derive(Default, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        struct Leaves {
            #[serde(with = "duration")]
            #[schemars(with = "duration::Text")]
            patience: Duration,
            #[serde(with = "duration::option")]
            #[schemars(with = "Option<duration::Text>")]
            limit: Option<Duration>,
            password: Secret,
            section: OffUnlessSet<Section>,
        }

        /// May be off.
        #[derive(Default, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        struct Section {
            key: bool,
        }

        let leaves = schemars::schema_for!(Leaves).to_value();
        let properties = &leaves["properties"];
        assert_eq!(properties["patience"], {
            let mut text = duration::Text::json_schema(&mut schemars::SchemaGenerator::default());
            text.insert("default".to_owned(), "0s".into());
            text.to_value()
        });
        assert!(
            properties["limit"]["type"]
                .as_array()
                .is_some_and(|types| types.contains(&"null".into()))
        );
        assert_eq!(properties["password"]["type"], "string");
        let section = &leaves["$defs"]["OptionalSection"];
        assert_eq!(section["description"], "May be off.");
        assert_eq!(section["type"], serde_json::json!(["object", "null"]));
        assert_eq!(section["properties"]["key"]["default"], false);
        assert_eq!(section["properties"]["enabled"]["default"], true);
        assert_eq!(section["additionalProperties"], false);
    }

    #[test]
    fn words_are_offered_in_one_spelling_and_taken_in_all() {
        let words = words_in_any_case(&["info", "x1"]).to_value();
        assert_eq!(words["anyOf"][0]["enum"][0], "info");
        assert_eq!(words["anyOf"][1]["pattern"], "^([Ii][Nn][Ff][Oo]|[Xx]1)$");
    }
}
