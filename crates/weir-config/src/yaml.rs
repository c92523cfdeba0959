//! YAML text to a [`Node`] tree.
//!
//! serde_yaml is the authority for values; `places.rs` only says where each of them is written. No other module of this
//! crate parses YAML.
//!
//! Differences from the Collector's parser: a second document, a duplicate key, a custom tag and a key that is no
//! scalar are errors here. Integers in the YAML 1.1 spelling (`0123` is 83, `1_000` is 1000) are integers in both.

mod explain;
mod places;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_yaml::{Number, Value};

use crate::{
    node::{Kind, Node},
    report::{Diagnostic, Place},
};
use places::Spot;

/// A text to parse and where its bytes lie in a source.
pub(crate) struct Input<'a> {
    /// Number of the source.
    pub(crate) source: usize,
    /// Byte offset of `text` in the source.
    pub(crate) offset: usize,
    pub(crate) text: &'a str,
}

/// Parses a text into a tree, keys with `::` split into nested maps. An empty text is null.
pub(crate) fn parse(input: &Input<'_>) -> Result<Node, Vec<Diagnostic>> {
    let value = match value(input.text) {
        Ok(value) => value,
        Err(error) => return Err(explain::explain(&error, input)),
    };
    let spot = Spot::read(input.text);
    Builder { input }.root(value, spot.as_ref())
}

/// Parses the text of a `${…}` reference: just the value, as such texts have no places. Every node gets the place `at`.
///
/// `None` if the text is no valid YAML; the caller then takes the text as it is, as the Collector does.
pub(crate) fn parse_fragment(text: &str, at: &Place) -> Option<Node> {
    let value = value(text).ok()?;
    if let Value::String(plain) = &value
        && plain == text.trim()
        && let Some(number) = yaml11_integer(plain)
    {
        return Some(Node::new(Kind::Number(number), at.clone()));
    }
    let input = Input {
        source: at.source,
        offset: 0,
        text: "",
    };
    let mut node = Builder { input: &input }.root(value, None).ok()?;
    relocate(&mut node, at);
    Some(node)
}

fn relocate(node: &mut Node, at: &Place) {
    node.at = at.clone();
    node.key = None;
    match &mut node.kind {
        Kind::List(list) => list.iter_mut().for_each(|item| relocate(item, at)),
        Kind::Map(map) => map.values_mut().for_each(|entry| {
            relocate(entry, at);
            entry.key = Some(at.clone());
        }),
        _ => {}
    }
}

/// The one document of `text`, merge keys applied.
fn value(text: &str) -> Result<Value, serde_yaml::Error> {
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let mut value = match documents.next() {
        Some(document) => Value::deserialize(document)?,
        None => Value::Null,
    };
    for document in documents {
        if Value::deserialize(document)? != Value::Null {
            return Err(serde::de::Error::custom(SECOND_DOCUMENT));
        }
    }
    apply_merge_keys(&mut value)?;
    Ok(value)
}

const MERGE_OF_SCALAR: &str = "`<<` takes a mapping or a list of mappings";
const SECOND_DOCUMENT: &str = "a second YAML document";

/// Applies `<<`, innermost first, so that a merged map may itself be merged. An explicit key wins over a merged one, an
/// earlier map of a list over a later one.
fn apply_merge_keys(value: &mut Value) -> Result<(), serde_yaml::Error> {
    let mapping = match value {
        Value::Sequence(list) => return list.iter_mut().try_for_each(apply_merge_keys),
        Value::Mapping(mapping) => mapping,
        _ => return Ok(()),
    };
    mapping.values_mut().try_for_each(apply_merge_keys)?;
    let merged = match mapping.remove("<<") {
        None => return Ok(()),
        Some(Value::Sequence(list)) => list,
        Some(one) => vec![one],
    };
    for source in merged {
        let Value::Mapping(source) = source else {
            return Err(serde::de::Error::custom(MERGE_OF_SCALAR));
        };
        for (key, value) in source {
            mapping.entry(key).or_insert(value);
        }
    }
    Ok(())
}

/// An integer that YAML 1.1 knows and 1.2 does not: with a leading zero (octal) or underscores.
fn yaml11_integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    if !digits.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        || !digits.starts_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let plain = digits.replace('_', "");
    let magnitude = match plain.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => i64::from_str_radix(octal, 8).ok()?,
        _ => plain.parse().ok()?,
    };
    Some(if negative {
        Number::from(-magnitude)
    } else {
        Number::from(magnitude)
    })
}

/// How many `::` one key may hold; bounds the depth of the tree.
const MAX_SPLITS: usize = 16;

struct Builder<'a> {
    input: &'a Input<'a>,
}

impl Builder<'_> {
    fn root(&self, value: Value, spot: Option<&Spot>) -> Result<Node, Vec<Diagnostic>> {
        self.node(value, spot).map_err(|diagnostic| vec![*diagnostic])
    }

    fn place(&self, span: Option<&std::ops::Range<usize>>) -> Place {
        match span {
            Some(span) => Place::new(
                self.input.source,
                span.start + self.input.offset..span.end + self.input.offset,
            ),
            None => Place::whole(self.input.source),
        }
    }

    fn node(&self, value: Value, spot: Option<&Spot>) -> Result<Node, Box<Diagnostic>> {
        let at = self.place(spot.map(|spot| &spot.span));
        let kind = match value {
            Value::Null => Kind::Null,
            Value::Bool(value) => Kind::Bool(value),
            Value::Number(value) => Kind::Number(value),
            Value::String(text) => {
                let plain = spot.and_then(|spot| self.input.text.get(spot.span.clone())) == Some(&text);
                match plain.then(|| yaml11_integer(&text)).flatten() {
                    Some(number) => Kind::Number(number),
                    None => Kind::Text(text),
                }
            }
            Value::Sequence(list) => {
                let items = list.into_iter().enumerate();
                let nodes = items.map(|(nth, item)| self.node(item, spot.and_then(|spot| spot.item(nth))));
                Kind::List(nodes.collect::<Result<_, _>>()?)
            }
            Value::Mapping(mapping) => self.map(mapping, spot)?,
            Value::Tagged(tagged) => {
                let message = format!("the YAML tag `{}` has no meaning here", tagged.tag);
                return Err(Box::new(
                    Diagnostic::error(message).place(at).hint("remove the tag"),
                ));
            }
        };
        Ok(Node::new(kind, at))
    }

    fn map(&self, mapping: serde_yaml::Mapping, spot: Option<&Spot>) -> Result<Kind, Box<Diagnostic>> {
        let mut map = BTreeMap::new();
        for (key, value) in mapping {
            let key = match key {
                Value::String(key) => key,
                Value::Bool(key) => key.to_string(),
                Value::Number(key) => key.to_string(),
                other => {
                    let what = if other.is_null() {
                        "an empty key"
                    } else {
                        "a key that is no plain text"
                    };
                    let at = self.place(explain::complex_key(self.input.text).as_ref());
                    let hint = "keys are plain texts; a text that begins with `{`, `[` or `?` must be quoted";
                    return Err(Box::new(
                        Diagnostic::error(format!("{what} in a mapping"))
                            .place(at)
                            .hint(hint),
                    ));
                }
            };
            let found = spot.and_then(|spot| spot.entry(&key));
            let mut node = self.node(value, found.map(|(_, value)| value))?;
            let key_place = self.place(found.map(|(key, _)| key));
            node.key = Some(key_place.clone());
            insert(&mut map, &key, node, &key_place)?;
        }
        Ok(Kind::Map(map))
    }
}

/// Puts a value under `key`, which `::` splits: `a::b: 1` is `a: {b: 1}`.
fn insert(
    map: &mut BTreeMap<String, Node>,
    key: &str,
    node: Node,
    at: &Place,
) -> Result<(), Box<Diagnostic>> {
    if key.matches("::").count() > MAX_SPLITS {
        return Err(Box::new(
            Diagnostic::error("too many `::` in a key").place(at.clone()),
        ));
    }
    let (first, node) = match key.split_once("::") {
        Some((first, rest)) => {
            let mut inner = BTreeMap::new();
            insert(&mut inner, rest, node, at)?;
            let mut outer = Node::new(Kind::Map(inner), at.clone());
            outer.key = Some(at.clone());
            (first, outer)
        }
        None => (key, node),
    };
    match map.get_mut(first) {
        None => {
            map.insert(first.to_owned(), node);
            Ok(())
        }
        Some(present) => unite(first, present, node),
    }
}

/// Joins two spellings of one path (`a::b` beside `a`), which may not disagree.
fn unite(key: &str, present: &mut Node, node: Node) -> Result<(), Box<Diagnostic>> {
    match (&mut present.kind, node.kind) {
        (Kind::Map(left), Kind::Map(right)) => {
            for (key, node) in right {
                match left.get_mut(&key) {
                    None => {
                        left.insert(key, node);
                    }
                    Some(present) => unite(&key, present, node)?,
                }
            }
            Ok(())
        }
        _ => Err(Box::new(
            Diagnostic::error(format!("`{key}` is given twice, once through a key with `::`"))
                .place(node.key.unwrap_or(node.at))
                .related(present.key_place().clone(), "also given here")
                .hint("keep one of the two"),
        )),
    }
}
