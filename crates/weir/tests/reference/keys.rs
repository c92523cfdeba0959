//! Tables of keys, made of schemas.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use weir_component::config::duration;
use weir_component::config::schema::{BLOCK, FROM};
use weir_component::schemars::{JsonSchema, SchemaGenerator};
use weir_config::schema::Schemas;

use super::markdown::code;
use super::pages::Block;

/// A row: key, type, default, meaning.
pub(crate) type Row = [String; 4];

/// Keys that come from a block which has its own page, with the defaults that differ there.
#[derive(Debug, Default)]
pub(crate) struct Borrowed {
    /// Path of the section that they stand in, by keys joined with `::`; empty for the component itself.
    pub(crate) section: String,
    /// Name of the block.
    pub(crate) block: String,
    /// Key and default.
    pub(crate) differing: Vec<(String, String)>,
}

/// The keys of a section and of the sections in it.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// Own keys, in the order of declaration.
    pub(crate) rows: Vec<Row>,
    /// Those that are described elsewhere.
    pub(crate) borrowed: Vec<Borrowed>,
}

/// Makes tables.
pub(crate) struct Tables<'a> {
    pub(crate) schemas: &'a Schemas,
    pub(crate) blocks: &'a [Block],
    /// The folder of the blocks' pages, seen from the page.
    pub(crate) shared: &'a str,
}

impl Tables<'_> {
    /// Returns the keys of a section.
    pub(crate) fn keys(&self, section: &Value) -> Keys {
        let mut keys = Keys::default();
        self.collect(section, "", None, &mut keys, &mut Vec::new());
        keys
    }

    /// Returns the keys of a block, for its own page.
    pub(crate) fn keys_of_block(&self, block: &Block) -> Keys {
        let mut keys = Keys::default();
        self.collect(&block.schema, "", Some(&block.name), &mut keys, &mut Vec::new());
        keys
    }

    /// `own` is the name of the block whose page this is: its keys are no strangers. `open` holds the sections that this one stands in.
    fn collect<'a>(
        &'a self,
        section: &'a Value,
        path: &str,
        own: Option<&str>,
        keys: &mut Keys,
        open: &mut Vec<&'a Value>,
    ) {
        if open.iter().any(|open| std::ptr::eq(*open, section)) {
            // A section that may stand in itself is described once.
            return;
        }
        open.push(section);
        let optional = is_optional(section);
        let mut borrowed: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
        for (key, property) in properties(section) {
            if optional && key == "enabled" {
                continue;
            }
            if let Some(block) = property.get(FROM).and_then(Value::as_str)
                && own != Some(block)
            {
                let differing = borrowed.entry(block).or_default();
                differing.extend(self.differing(key, property, block));
                continue;
            }
            let at = match path {
                "" => key.to_owned(),
                path => format!("{path}::{key}"),
            };
            keys.rows.push(self.row(&at, property));
            if property.get("deprecated").is_some() {
                continue;
            }
            for (section, suffix) in self.sections(property) {
                if section.get(BLOCK).is_none() {
                    self.collect(section, &format!("{at}{suffix}"), own, keys, open);
                }
            }
        }
        let borrowed = borrowed.into_iter().map(|(block, differing)| Borrowed {
            section: path.to_owned(),
            block: block.to_owned(),
            differing,
        });
        keys.borrowed.extend(borrowed);
        open.pop();
    }

    /// Returns the sections that a key holds, with what follows the key in their path: itself, the elements of a list, the values of a map.
    fn sections<'a>(&'a self, property: &'a Value) -> impl Iterator<Item = (&'a Value, &'static str)> {
        let target = self.target(property);
        let inside = |key: &str| target.get(key).map(|schema| self.schemas.resolve(schema));
        let all = [
            (Some(target), ""),
            (inside("items"), "[]"),
            (inside("additionalProperties"), "::<name>"),
        ];
        all.into_iter()
            .filter_map(|(section, suffix)| Some((section?, suffix)))
            .filter(|(section, _)| section.get("properties").is_some())
    }

    fn row(&self, at: &str, property: &Value) -> Row {
        let target = self.target(property);
        let mut meaning = self.meaning(property, target);
        for (section, suffix) in self.sections(property) {
            let Some(block) = section.get(BLOCK).and_then(Value::as_str) else {
                continue;
            };
            let page = format!("[{}]({}/{block}.md)", self.block(block).title, self.shared);
            meaning += &match suffix {
                "" => format!(" Keys: {page}"),
                _ => format!(" Keys of each: {page}"),
            };
            let optional = is_optional(section);
            let differing: Vec<_> = properties(section)
                .filter(|(key, _)| !(optional && *key == "enabled"))
                .flat_map(|(key, property)| self.differing(key, property, block))
                .map(|(key, default)| format!("`{key}: {default}`"))
                .collect();
            if !differing.is_empty() {
                meaning += &format!(", here with {}", differing.join(", "));
            }
            meaning.push('.');
        }
        let default = default_of(property, target);
        [code(at), self.type_of(target), default, meaning]
    }

    /// Returns the schema that a key refers to; of what may be null, the other alternative.
    fn target<'a>(&'a self, property: &'a Value) -> &'a Value {
        let mut some = alternatives(property).filter(|schema| schema["type"] != "null");
        match (some.next(), some.next()) {
            (Some(only), None) => self.schemas.resolve(only),
            _ => self.schemas.resolve(property),
        }
    }

    /// Returns the default of a block's key if it is not the block's own.
    fn differing(&self, key: &str, property: &Value, block: &str) -> Option<(String, String)> {
        let usual = &self.block(block).schema["properties"][key];
        let default = property.get("default").filter(|_| !is_optional(property))?;
        (usual.get("default") != Some(default)).then(|| (key.to_owned(), plain(default)))
    }

    fn block(&self, name: &str) -> &Block {
        let block = self.blocks.iter().find(|block| block.name == name);
        block.unwrap_or_else(|| panic!("the shared block `{name}` has no page: list it in `described`"))
    }

    /// Returns what a key means: its own description, or that of its type, and what its words mean.
    fn meaning(&self, property: &Value, target: &Value) -> String {
        let description = |schema: &Value| {
            schema
                .get("description")
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let mut meaning = description(property)
            .or_else(|| description(target))
            .unwrap_or_default();
        if let Some(default) = property.get("default") {
            // It has a column of its own.
            let default = plain(default);
            for said in ["Default: {}.", "Default: `{}`.", "Default {}.", "Default `{}`."] {
                meaning = meaning.replace(&said.replace("{}", &default), "");
            }
            meaning = meaning.replace("  ", " ").trim_end().to_owned();
        }
        let words: Vec<String> = alternatives(target)
            .filter_map(|word| {
                Some(format!(
                    "{}: {}",
                    code(word.get("const")?.as_str()?),
                    description(word)?
                ))
            })
            .collect();
        if !words.is_empty() {
            meaning.push_str(&format!(" {}", words.join(" ")));
        }
        meaning
    }

    fn type_of(&self, schema: &Value) -> String {
        let schema = self.schemas.resolve(schema);
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return words
                .iter()
                .filter_map(Value::as_str)
                .map(code)
                .collect::<Vec<_>>()
                .join(", ");
        }
        if let Some(word) = schema.get("const").and_then(Value::as_str) {
            return code(word);
        }
        if alternatives(schema).next().is_some() {
            let mut types: Vec<String> = alternatives(schema)
                .filter(|schema| schema.get("type").is_none_or(|name| name != "null"))
                .map(|schema| self.type_of(schema))
                .collect();
            // Words in any case: the pattern says nothing that the words do not.
            types.retain(|name| name != PATTERN);
            let separator = if types.iter().all(|name| name.starts_with('`')) {
                ", "
            } else {
                " or "
            };
            return types.join(separator);
        }
        let duration = duration_pattern();
        if schema.get("pattern").is_some() && schema.get("pattern") == duration.get("pattern") {
            return "duration".to_owned();
        }
        if let Some(names) = several_types(schema) {
            return names;
        }
        match type_name(schema) {
            "string" if schema.get("format").is_some_and(|format| format == "password") => {
                "secret".to_owned()
            }
            "string" if schema.get("pattern").is_some() => PATTERN.to_owned(),
            "string" => "text".to_owned(),
            name @ ("integer" | "number") => format!("{name}{}", range(schema)),
            "array" => match schema.get("items") {
                Some(items) => format!("list of {}", plural(&self.type_of(items))),
                None => "list".to_owned(),
            },
            "object" => match schema
                .get("additionalProperties")
                .filter(|values| values.is_object())
            {
                Some(values) => format!("map to {}", plural(&self.type_of(values))),
                None => "section".to_owned(),
            },
            "null" => "nothing".to_owned(),
            name => name.to_owned(),
        }
    }
}

/// Stands for a text with a pattern.
const PATTERN: &str = "text with a form";

fn properties(section: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let properties = section.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
}

fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    ["anyOf", "oneOf"]
        .into_iter()
        .filter_map(|key| schema.get(key)?.as_array())
        .flatten()
}

/// Whether a schema is that of a section which can be off.
fn is_optional(schema: &Value) -> bool {
    schema.get("properties").is_some() && schema.get("type").is_some_and(Value::is_array)
}

fn type_name(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(name)) => name,
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null")
            .unwrap_or("any"),
        _ => "any",
    }
}

/// Returns the types of a plain value that may have several.
fn several_types(schema: &Value) -> Option<String> {
    let names = schema.get("type")?.as_array()?.iter().filter_map(Value::as_str);
    let names: Vec<&str> = names
        .filter(|name| *name != "null")
        .map(|name| match name {
            "string" => "text",
            "array" => "list",
            name => name,
        })
        .collect();
    (names.len() > 1).then(|| names.join(" or "))
}

fn plural(name: &str) -> String {
    match name {
        "text" | "secret" | "duration" | "integer" | "number" | "section" => format!("{name}s"),
        other => other.to_owned(),
    }
}

fn range(schema: &Value) -> String {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    match (bound("minimum"), bound("maximum")) {
        // Bounds of the type alone.
        (Some(min), Some(max)) if max >= f64::from(u16::MAX) && max != 65535.0 && min <= 0.0 => String::new(),
        (Some(min), Some(max)) => format!(", {min} to {max}"),
        (Some(min), None) if min != 0.0 => format!(", at least {min}"),
        (None, Some(max)) => format!(", at most {max}"),
        _ => String::new(),
    }
}

fn default_of(property: &Value, target: &Value) -> String {
    let is_section = target.get("properties").is_some();
    match property.get("default") {
        None if is_section && is_optional(target) => "on".to_owned(),
        Some(Value::Null) if is_section => "off".to_owned(),
        Some(Value::Object(map)) if is_section && is_off(map) => "off".to_owned(),
        None | Some(Value::Null) => String::new(),
        Some(Value::Object(map)) if map.is_empty() => "`{}`".to_owned(),
        // Too long for a table; the description says what it is.
        Some(Value::Array(list)) if list.iter().any(Value::is_object) => String::new(),
        Some(default) => code(&plain(default)),
    }
}

fn is_off(map: &Map<String, Value>) -> bool {
    map.len() == 1 && map.get("enabled") == Some(&Value::Bool(false))
}

/// Writes a value as in YAML, on one line.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => format!("[{}]", list.iter().map(quoted).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn quoted(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        other => plain(other),
    }
}

fn duration_pattern() -> Value {
    duration::Text::json_schema(&mut SchemaGenerator::default()).to_value()
}
