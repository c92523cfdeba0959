//! A small judge of JSON Schemas, for tests of schemas: the keywords that Weir's schemas use, and no others.

use regex::Regex;
use serde_json::{Map, Value};

/// Holds a value against a schema. Returns what is wrong, as `path: what`; empty if nothing is.
///
/// # Panics
///
/// If the schema has a keyword that this does not know, a pattern that is none, or a reference that leads nowhere.
pub fn mistakes(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Judge { root: schema }.judge(schema, value, "", &mut found);
    found
}

struct Judge<'a> {
    root: &'a Value,
}

impl Judge<'_> {
    fn judge(&self, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
        let keywords = match schema {
            Value::Bool(true) => return,
            Value::Object(keywords) => keywords,
            _ => return found.push(format!("{at}: not allowed")),
        };
        for (keyword, operand) in keywords {
            self.keyword(keyword, operand, keywords, value, at, found);
        }
    }

    fn keyword(
        &self,
        keyword: &str,
        operand: &Value,
        siblings: &Map<String, Value>,
        value: &Value,
        at: &str,
        found: &mut Vec<String>,
    ) {
        let mut require = |holds: bool, what: String| {
            if !holds {
                found.push(format!("{at}: {what}"));
            }
        };
        match keyword {
            "$schema" | "$defs" | "title" | "description" | "default" | "deprecated" | "format"
            | "examples" => {}
            "type" => require(
                has_type(operand, value),
                format!("{value} is not of type {operand}"),
            ),
            "enum" => {
                let listed = operand.as_array().is_some_and(|list| list.contains(value));
                require(listed, format!("{value} is none of {operand}"));
            }
            "const" => require(operand == value, format!("{value} is not {operand}")),
            "minimum" => require(
                compare(value, operand, |value, bound| value >= bound),
                format!("{value} < {operand}"),
            ),
            "maximum" => require(
                compare(value, operand, |value, bound| value <= bound),
                format!("{value} > {operand}"),
            ),
            "pattern" => {
                let matches = value
                    .as_str()
                    .is_none_or(|text| pattern(operand.as_str()).is_match(text));
                require(matches, format!("{value} does not match {operand}"));
            }
            "required" => {
                for key in operand.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    let present = value.as_object().is_none_or(|map| map.contains_key(key));
                    require(present, format!("`{key}` is missing"));
                }
            }
            "$ref" => {
                let path = operand.as_str().and_then(|path| path.strip_prefix('#'));
                let target = path.and_then(|path| self.root.pointer(path));
                let target = target.unwrap_or_else(|| panic!("{operand} leads nowhere"));
                self.judge(target, value, at, found);
            }
            "anyOf" | "oneOf" => {
                let alternatives = operand.as_array().expect("a list of schemas");
                let fitting = alternatives.iter().filter(|schema| {
                    let mut found = Vec::new();
                    self.judge(schema, value, at, &mut found);
                    found.is_empty()
                });
                let fitting = fitting.count();
                let enough = if keyword == "oneOf" {
                    fitting == 1
                } else {
                    fitting > 0
                };
                require(
                    enough,
                    format!("{value} fits {fitting} of {}", alternatives.len()),
                );
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    self.judge(operand, item, &format!("{at}/{index}"), found);
                }
            }
            "properties" | "patternProperties" | "additionalProperties" => {
                self.members(keyword, siblings, value, at, found);
            }
            _ => panic!("unknown keyword `{keyword}`"),
        }
    }

    /// Judges the members of an object that one keyword is about.
    fn members(
        &self,
        keyword: &str,
        siblings: &Map<String, Value>,
        value: &Value,
        at: &str,
        found: &mut Vec<String>,
    ) {
        let named = |key: &str| {
            siblings
                .get("properties")
                .and_then(|properties| properties.get(key))
        };
        let matching = |key: &str| {
            let patterns = siblings.get("patternProperties").and_then(Value::as_object);
            let matching = patterns
                .into_iter()
                .flatten()
                .filter(|(name, _)| pattern(Some(name)).is_match(key));
            matching.map(|(_, schema)| schema).collect::<Vec<_>>()
        };
        for (key, member) in value.as_object().into_iter().flatten() {
            let schemas = match keyword {
                "properties" => named(key).into_iter().collect(),
                "patternProperties" => matching(key),
                _ if named(key).is_some() || !matching(key).is_empty() => Vec::new(),
                _ => vec![&siblings["additionalProperties"]],
            };
            for schema in schemas {
                self.judge(schema, member, &format!("{at}/{key}"), found);
            }
        }
    }
}

fn has_type(names: &Value, value: &Value) -> bool {
    let is = |name: &str| match (name, value) {
        ("integer", Value::Number(number)) => {
            number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        ("null", Value::Null)
        | ("boolean", Value::Bool(_))
        | ("number", Value::Number(_))
        | ("string", Value::String(_))
        | ("array", Value::Array(_))
        | ("object", Value::Object(_)) => true,
        _ => false,
    };
    match names {
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        name => name.as_str().is_some_and(is),
    }
}

fn compare(value: &Value, bound: &Value, holds: fn(f64, f64) -> bool) -> bool {
    let bound = bound.as_f64().expect("a bound is a number");
    value.as_f64().is_none_or(|value| holds(value, bound))
}

fn pattern(text: Option<&str>) -> Regex {
    let text = text.expect("a pattern is a text");
    Regex::new(text).unwrap_or_else(|error| panic!("{error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(schema: &Value, good: &[Value], bad: &[Value]) {
        for value in good {
            assert_eq!(mistakes(schema, value), [""; 0], "{value}");
        }
        for value in bad {
            assert_ne!(mistakes(schema, value), [""; 0], "{value}");
        }
    }

    #[test]
    fn scalars_are_judged() {
        check(
            &json!({ "type": "integer", "minimum": 1 }),
            &[json!(1), json!(2.0)],
            &[json!(0), json!(1.5), json!("1")],
        );
        check(
            &json!({ "type": ["string", "null"], "pattern": "^a" }),
            &[json!("ab"), json!(null)],
            &[json!("b")],
        );
        check(&json!({ "enum": ["a"] }), &[json!("a")], &[json!("b")]);
    }

    #[test]
    fn members_are_judged_by_name_then_pattern_then_rest() {
        let schema = json!({
            "$defs": { "small": { "maximum": 1 } },
            "properties": { "a": { "$ref": "#/$defs/small" } },
            "patternProperties": { "^b": { "type": "string" } },
            "additionalProperties": false,
        });
        let good = [json!({}), json!({ "a": 1, "b2": "" }), json!(3)];
        check(
            &schema,
            &good,
            &[json!({ "a": 2 }), json!({ "b": 1 }), json!({ "c": 1 })],
        );
    }

    #[test]
    fn alternatives_are_counted() {
        let (any, one) = (
            json!({ "anyOf": [{ "minimum": 1 }, true] }),
            json!({ "oneOf": [{ "minimum": 1 }, true] }),
        );
        check(&any, &[json!(0), json!(1)], &[]);
        check(&one, &[json!(0)], &[json!(1)]);
    }
}
