//! What the grammar of files allows anywhere, added to the schemas of values.

use serde_json::{Map, Value, json};

/// A text that is (or has in it) something to be expanded.
const EXPRESSION: &str = r"\$\{";

/// Lets expressions, null sections and keys with `::` into a schema and all that is in it.
pub(super) fn admit(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else {
        return;
    };
    inner(map);
    if map.contains_key("$ref") {
        return;
    }
    if choices(map) {
        return;
    }
    let types = types(map);
    let is = |name: &str| types.iter().any(|other| other == name);
    if types.is_empty() {
        return;
    }
    let mut admitted = types.clone();
    let mut add = |name: &str| {
        if !admitted.iter().any(|other| other == name) {
            admitted.push(name.to_owned());
        }
    };
    if is("object") || is("array") {
        add("null");
    }
    if is("string") {
        if let Some(Value::String(pattern)) = map.get_mut("pattern") {
            *pattern = format!("{pattern}|{EXPRESSION}");
        }
    } else {
        add("string");
        // A list of texts is also one text, split at commas.
        if !list_of_texts(map) {
            map.insert("pattern".to_owned(), EXPRESSION.into());
        }
    }
    map.insert("type".to_owned(), one_or_list(admitted));
}

/// Goes into the values below a schema.
fn inner(map: &mut Map<String, Value>) {
    if let Some(properties) = map.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(admit);
    }
    if map.get("additionalProperties") == Some(&Value::Bool(false)) {
        map.entry("patternProperties")
            .or_insert_with(|| json!({ "::": {} }));
    }
    for key in ["additionalProperties", "items"] {
        if let Some(value) = map.get_mut(key) {
            admit(value);
        }
    }
}

/// Adds expressions to a list of alternatives; returns false if there is none.
fn choices(map: &mut Map<String, Value>) -> bool {
    let expression = json!({ "type": "string", "pattern": EXPRESSION });
    if map.contains_key("enum") || map.contains_key("const") {
        let mut words = json!({});
        for key in ["type", "enum", "const"] {
            if let Some(value) = map.remove(key) {
                words[key] = value;
            }
        }
        map.insert("anyOf".to_owned(), json!([words, expression]));
        return true;
    }
    for key in ["anyOf", "oneOf"] {
        let Some(Value::Array(mut alternatives)) = map.remove(key) else {
            continue;
        };
        for alternative in &mut alternatives {
            if let Some(map) = alternative.as_object_mut() {
                inner(map);
            }
        }
        alternatives.push(expression);
        map.insert("anyOf".to_owned(), Value::Array(alternatives));
        return true;
    }
    false
}

fn types(map: &Map<String, Value>) -> Vec<String> {
    match map.get("type") {
        Some(Value::String(name)) => vec![name.clone()],
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

fn one_or_list(mut names: Vec<String>) -> Value {
    match names.len() {
        1 => names.remove(0).into(),
        _ => names.into(),
    }
}

fn list_of_texts(map: &Map<String, Value>) -> bool {
    let items = map.get("items").and_then(Value::as_object);
    items.is_some_and(|items| types(items) == ["string"])
}
