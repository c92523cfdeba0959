//! Defaults of nested sections: at the key of the value, not as one large value at the key of the section.
//!
//! Editors offer the default of a key when they complete it, and readers look for it where the key is described.

use serde_json::{Map, Value};

/// Returns what a schema refers to, or the schema itself.
pub(super) fn resolve<'a>(schema: &'a Value, definitions: &'a Map<String, Value>) -> &'a Value {
    schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|path| definitions.get(path.strip_prefix("#/$defs/")?))
        .unwrap_or(schema)
}

/// Moves defaults down to the keys that they are made of, below all keys of `schema`.
///
/// A section that shares its definition with others but not its defaults gets a copy of the definition.
pub(super) fn settle(schema: &mut Value, definitions: &Map<String, Value>) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for property in properties.into_iter().flat_map(Map::values_mut) {
        settle_one(property, definitions);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(key) {
            settle(inner, definitions);
        }
    }
}

fn settle_one(property: &mut Value, definitions: &Map<String, Value>) {
    if let Some(wanted) = property.get("default").and_then(Value::as_object).cloned()
        && let target = resolve(property, definitions)
        && target.get("properties").is_some()
        && !switches_off(&wanted)
    {
        let given = assemble(target, definitions);
        if !agree(&wanted, &given) {
            let mut own = target.clone();
            merge(&mut own, property);
            set(&mut own, &wanted);
            *property = own;
        }
        if let Some(property) = property.as_object_mut() {
            property.remove("default");
        }
    }
    settle(property, definitions);
}

/// Whether a default says that an optional section is off.
fn switches_off(value: &Map<String, Value>) -> bool {
    value.len() == 1 && value.get("enabled") == Some(&Value::Bool(false))
}

/// Returns the value of a section that sets nothing, by the defaults of its keys.
pub(super) fn assemble(section: &Value, definitions: &Map<String, Value>) -> Map<String, Value> {
    let properties = section.get("properties").and_then(Value::as_object);
    let default = |property: &Value| match property.get("default") {
        Some(default) => Some(default.clone()),
        None => {
            let target = resolve(property, definitions);
            target.get("properties")?;
            Some(Value::Object(assemble(target, definitions)))
        }
    };
    properties
        .into_iter()
        .flatten()
        .filter_map(|(key, property)| Some((key.clone(), default(property)?)))
        .collect()
}

/// Compares values; a section that is on does not print its `enabled`.
fn agree(wanted: &Map<String, Value>, given: &Map<String, Value>) -> bool {
    let extra = |key: &str| key == "enabled" && !wanted.contains_key(key);
    given.keys().all(|key| wanted.contains_key(key) || extra(key))
        && wanted.iter().all(|(key, value)| match (value, given.get(key)) {
            (Value::Object(wanted), Some(Value::Object(given))) => agree(wanted, given),
            (value, given) => given == Some(value),
        })
}

/// Keeps what the key says about itself (its description above all) when its definition is copied to it.
fn merge(own: &mut Value, property: &Value) {
    if let (Some(own), Some(property)) = (own.as_object_mut(), property.as_object()) {
        for (key, value) in property.iter().filter(|(key, _)| *key != "$ref") {
            own.insert(key.clone(), value.clone());
        }
    }
}

fn set(section: &mut Value, defaults: &Map<String, Value>) {
    let properties = section.get_mut("properties").and_then(Value::as_object_mut);
    for (key, property) in properties.into_iter().flatten() {
        if let (Some(property), Some(value)) = (property.as_object_mut(), defaults.get(key)) {
            property.insert("default".to_owned(), value.clone());
        }
    }
}
