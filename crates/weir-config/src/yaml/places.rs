//! Where each key and value of a YAML text is written.
//!
//! serde-saphyr gives places only; what it thinks a scalar means is never looked at. If it cannot read a text that
//! serde_yaml could, reports lose their snippets and nothing else.

use std::{collections::HashMap, fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{DuplicateKeyPolicy, Location, Options, Spanned};

/// The place of a value and of what it holds.
pub(super) struct Spot {
    pub(super) span: Range<usize>,
    shape: Shape,
}

enum Shape {
    Scalar,
    List(Vec<Spot>),
    Map {
        entries: HashMap<String, (Range<usize>, Spot)>,
        duplicates: Vec<(String, Range<usize>)>,
    },
}

impl Spot {
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut options = Options::default();
        options.duplicate_keys = DuplicateKeyPolicy::PassThrough;
        options.with_snippet = false;
        options.no_schema = false;
        // The nesting that serde_yaml allows.
        options.budget = options.budget.map(|mut budget| {
            budget.max_depth = 130;
            budget
        });
        serde_saphyr::from_str_with_options(text, options).ok()
    }

    pub(super) fn item(&self, index: usize) -> Option<&Self> {
        match &self.shape {
            Shape::List(items) => items.get(index),
            _ => None,
        }
    }

    pub(super) fn entry(&self, key: &str) -> Option<(&Range<usize>, &Self)> {
        match &self.shape {
            Shape::Map { entries, .. } => entries.get(key).map(|(key, value)| (key, value)),
            _ => None,
        }
    }

    /// Every key given twice: its name, the first and the other place.
    pub(super) fn duplicates(&self) -> Vec<(&str, &Range<usize>, &Range<usize>)> {
        match &self.shape {
            Shape::Scalar => Vec::new(),
            Shape::List(items) => items.iter().flat_map(Self::duplicates).collect(),
            Shape::Map { entries, duplicates } => {
                let here = duplicates.iter().filter_map(|(key, second)| {
                    entries.get(key).map(|(first, _)| (key.as_str(), first, second))
                });
                let mut all: Vec<_> = here
                    .chain(entries.values().flat_map(|(_, value)| value.duplicates()))
                    .collect();
                all.sort_by_key(|(_, _, second)| second.start);
                all
            }
        }
    }
}

impl<'de> Deserialize<'de> for Spot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Shape>::deserialize(deserializer)?;
        Ok(Self {
            span: bytes(&spanned.referenced),
            shape: spanned.value,
        })
    }
}

fn bytes(location: &Location) -> Range<usize> {
    let span = location.span();
    let start = usize::try_from(span.byte_offset().unwrap_or(0)).unwrap_or(0);
    start..start + usize::try_from(span.byte_len().unwrap_or(0)).unwrap_or(0)
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_none<E>(self) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        Shape::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Shape, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Shape::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Shape, A::Error> {
        let mut entries = HashMap::new();
        let mut duplicates = Vec::new();
        while let Some(key) = access.next_key::<Spanned<Name>>()? {
            let span = bytes(&key.referenced);
            let Some(name) = key.value.0 else {
                access.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = access.next_value()?;
            match entries.entry(name) {
                std::collections::hash_map::Entry::Vacant(free) => {
                    free.insert((span, value));
                }
                std::collections::hash_map::Entry::Occupied(taken) => {
                    duplicates.push((taken.key().clone(), span))
                }
            }
        }
        Ok(Shape::Map { entries, duplicates })
    }
}

/// A key as text; `None` for one that is no scalar.
struct Name(Option<String>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self(Some(name)))
    }
}
