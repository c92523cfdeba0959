//! The serde `Deserializer` over a [`Node`].
//!
//! Types are strict, as in the Collector: a text field takes no number, a boolean no `yes`. What bends:
//!
//! - a value that came out of `${…}` as a whole gives a text field its text, any other field its parsed value;
//! - a number without a fraction serves an integer field, however it is written (`5.0`, `1e3`);
//! - a text serves a list of texts, split on `,` without trimming; the empty text is the empty list;
//! - null keeps the default of a section, map or list. For a plain value it is an error (the Collector sets zero).

use std::{cell::RefCell, collections::BTreeMap};

use serde::{
    Deserializer,
    de::{self, DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor},
    forward_to_deserialize_any,
};

use super::{Found, Why, fault::Fault};
use crate::{
    node::{Kind, Node},
    path::{Path, Step},
};

/// What a round leaves out, and what it ended on.
pub(crate) struct Tracker<'a> {
    left_out: &'a BTreeMap<Path, Why>,
    found: RefCell<Found>,
}

impl<'a> Tracker<'a> {
    pub(super) fn new(left_out: &'a BTreeMap<Path, Why>) -> Self {
        Self {
            left_out,
            found: RefCell::new(Found::Nothing),
        }
    }

    pub(super) fn into_found(self) -> Found {
        self.found.into_inner()
    }

    /// Keeps the first thing found in a round: the innermost value sees an error first.
    fn note(&self, found: impl FnOnce() -> Found) {
        let mut slot = self.found.borrow_mut();
        if matches!(*slot, Found::Nothing) {
            *slot = found();
        }
    }
}

/// The steps from the decoded node to a value, as a list on the stack.
#[derive(Clone, Copy)]
enum Trail<'t> {
    Root,
    Key(&'t Trail<'t>, &'t str),
    Index(&'t Trail<'t>, usize),
}

impl Trail<'_> {
    fn path(&self) -> Path {
        match *self {
            Self::Root => Path::root(),
            Self::Key(parent, key) => {
                let mut path = parent.path();
                path.push(Step::Key(key.to_owned()));
                path
            }
            Self::Index(parent, index) => {
                let mut path = parent.path();
                path.push(Step::Index(index));
                path
            }
        }
    }
}

/// A node to decode, with the way to it.
#[derive(Clone, Copy)]
pub(crate) struct Source<'de, 't> {
    node: &'de Node,
    trail: Trail<'t>,
    tracker: &'t Tracker<'t>,
}

impl<'de, 't> Source<'de, 't> {
    pub(super) fn root(node: &'de Node, tracker: &'t Tracker<'t>) -> Self {
        Self {
            node,
            trail: Trail::Root,
            tracker,
        }
    }

    /// A node below this one.
    fn at<'u>(&self, node: &'de Node, trail: Trail<'u>) -> Source<'de, 'u>
    where
        't: 'u,
    {
        Source {
            node,
            trail,
            tracker: self.tracker,
        }
    }

    /// Decodes this value. An error that the type itself raises afterwards belongs here as well.
    fn take<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        self.located(seed.deserialize(self))
    }

    /// Notes where an error was seen first.
    fn located<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        result.inspect_err(|fault| {
            self.tracker
                .note(|| Found::Fault(self.trail.path(), fault.clone()))
        })
    }

    fn word(&self, text: &'de str, role: Role) -> Word<'de, 't> {
        Word {
            text,
            role,
            trail: self.trail,
            tracker: self.tracker,
        }
    }

    /// The text for a text field, if this value came out of `${…}` as a whole.
    fn raw(&self) -> Option<&'de str> {
        self.node.expansion.as_ref()?.raw.as_deref()
    }

    fn left_out(&self, trail: &Trail<'_>) -> bool {
        !self.tracker.left_out.is_empty() && self.tracker.left_out.contains_key(&trail.path())
    }

    /// Visits the value as what it is.
    fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(*value),
            Kind::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (_, _, value) => visitor.visit_f64(value.unwrap_or(f64::NAN)),
            },
            Kind::Text(text) => visitor.visit_borrowed_str(text),
            Kind::List(items) => visitor.visit_seq(Items {
                source: self,
                items: items.iter().enumerate(),
            }),
            Kind::Map(map) => visitor.visit_map(Entries {
                source: self,
                entries: map.iter(),
                current: None,
            }),
        }
    }

    /// Visits null where a section, map or list is wanted: its default stays, so the entry is left out.
    fn visit_absent<V: Visitor<'de>>(
        self,
        visitor: V,
        empty: impl FnOnce(V) -> Result<V::Value, Fault>,
    ) -> Result<V::Value, Fault> {
        if let Trail::Key(..) = self.trail {
            self.tracker.note(|| Found::Null(self.trail.path()));
            return Err(Fault::Custom("null".to_owned()));
        }
        empty(visitor)
    }

    fn visit_map_like<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let result = match self.node.kind {
            Kind::Null => self.visit_absent(visitor, |visitor| {
                visitor.visit_map(de::value::MapDeserializer::<_, Fault>::new(std::iter::empty::<(
                    &str,
                    &str,
                )>()))
            }),
            _ => self.visit(visitor),
        };
        self.located(result)
    }

    fn visit_list_like<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let result = match (&self.node.kind, self.raw()) {
            (Kind::List(_) | Kind::Map(_), _) => self.visit(visitor),
            (Kind::Null, _) => self.visit_absent(visitor, |visitor| {
                visitor.visit_seq(de::value::SeqDeserializer::<_, Fault>::new(std::iter::empty::<
                    &str,
                >()))
            }),
            (Kind::Text(text), _) => visitor.visit_seq(Pieces::of(self, text)),
            (_, Some(raw)) => visitor.visit_seq(Pieces::of(self, raw)),
            _ => self.visit(visitor),
        };
        self.located(result)
    }

    fn visit_text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let result = match self.raw() {
            Some(raw) => visitor.visit_borrowed_str(raw),
            None => self.visit(visitor),
        };
        self.located(result)
    }

    /// Visits a number for an integer field.
    fn visit_integer<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        // Beyond 2^53 a float no longer names one integer.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let result = match &self.node.kind {
            Kind::Number(number) => match number.as_f64() {
                Some(value) if number.is_f64() && value.fract() == 0.0 && value.abs() <= EXACT => {
                    visitor.visit_i64(value as i64)
                }
                _ => self.visit(visitor),
            },
            _ => self.visit(visitor),
        };
        self.located(result)
    }
}

macro_rules! integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.visit_integer(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Source<'de, '_> {
    type Error = Fault;

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let result = self.visit(visitor);
        self.located(result)
    }

    forward_to_deserialize_any! { bool f32 f64 unit unit_struct identifier }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_text(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_text(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_text(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_text(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let result = match self.node.kind {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        };
        self.located(result)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let result = visitor.visit_newtype_struct(self);
        self.located(result)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_list_like(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.visit_list_like(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.visit_list_like(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_map_like(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if matches!(self.node.kind, Kind::List(_)) {
            // serde would take the items for fields in their order.
            return self.located(Err(de::Error::invalid_type(de::Unexpected::Seq, &visitor)));
        }
        self.visit_map_like(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let result = match &self.node.kind {
            Kind::Text(text) => visitor.visit_enum(self.word(text, Role::Variant)),
            Kind::Map(map) if map.len() == 1 => {
                let (name, content) = map.iter().next().expect("a map of one entry");
                visitor.visit_enum(Variant {
                    source: self,
                    name,
                    content,
                })
            }
            _ => match self.raw() {
                Some(raw) => visitor.visit_enum(self.word(raw, Role::Variant)),
                None => self.visit(visitor),
            },
        };
        self.located(result)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}

/// The items of a list, without those left out.
struct Items<'de, 't> {
    source: Source<'de, 't>,
    items: std::iter::Enumerate<std::slice::Iter<'de, Node>>,
}

impl<'de> SeqAccess<'de> for Items<'de, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        for (index, node) in self.items.by_ref() {
            let trail = Trail::Index(&self.source.trail, index);
            if !self.source.left_out(&trail) {
                return self.source.at(node, trail).take(seed).map(Some);
            }
        }
        Ok(None)
    }

    fn size_hint(&self) -> Option<usize> {
        self.items.size_hint().1
    }
}

/// The entries of a map, without those left out.
struct Entries<'de, 't> {
    source: Source<'de, 't>,
    entries: std::collections::btree_map::Iter<'de, String, Node>,
    current: Option<(&'de str, &'de Node)>,
}

impl<'de> MapAccess<'de> for Entries<'de, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        for (key, node) in self.entries.by_ref() {
            let trail = Trail::Key(&self.source.trail, key);
            if self.source.left_out(&trail) {
                continue;
            }
            self.current = Some((key, node));
            return self
                .source
                .at(node, trail)
                .word(key, Role::Key)
                .take(seed)
                .map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((key, node)) = self.current.take() else {
            return Err(de::Error::custom("a value asked for before its key"));
        };
        self.source
            .at(node, Trail::Key(&self.source.trail, key))
            .take(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// A text read as a list: its parts between commas.
struct Pieces<'de, 't> {
    source: Source<'de, 't>,
    rest: Option<&'de str>,
}

impl<'de, 't> Pieces<'de, 't> {
    fn of(source: Source<'de, 't>, text: &'de str) -> Self {
        Self {
            source,
            rest: (!text.is_empty()).then_some(text),
        }
    }
}

impl<'de> SeqAccess<'de> for Pieces<'de, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(rest) = self.rest.take() else {
            return Ok(None);
        };
        let (piece, rest) = match rest.split_once(',') {
            Some((piece, rest)) => (piece, Some(rest)),
            None => (rest, None),
        };
        self.rest = rest;
        self.source.word(piece, Role::Piece).take(seed).map(Some)
    }
}

/// A text that stands alone: a key, the name of a variant, a part of a text read as a list.
///
/// Notes errors itself: between erased types an error loses what it knows when it leaves the deserializer.
#[derive(Clone, Copy)]
struct Word<'de, 't> {
    text: &'de str,
    role: Role,
    trail: Trail<'t>,
    tracker: &'t Tracker<'t>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// `trail` leads to the entry of this key.
    Key,
    /// `trail` leads to the value that holds this name.
    Variant,
    /// `trail` leads to the text; a list of anything but texts wants a YAML list.
    Piece,
}

impl<'de> Word<'de, '_> {
    fn take<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        self.located(seed.deserialize(self))
    }

    fn located<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        result.inspect_err(|fault| {
            self.tracker.note(|| match (self.role, self.trail, fault) {
                (Role::Key, Trail::Key(section, _), Fault::UnknownField { .. }) => {
                    Found::Fault(section.path(), fault.clone())
                }
                (Role::Key, ..) => Found::Fault(self.trail.path(), Fault::Key(fault.message())),
                _ => Found::Fault(self.trail.path(), fault.clone()),
            });
        })
    }
}

impl<'de> Deserializer<'de> for Word<'de, '_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let result = match self.role {
            Role::Piece => Err(de::Error::invalid_type(
                de::Unexpected::Other("a text"),
                &"a list",
            )),
            Role::Key | Role::Variant => visitor.visit_borrowed_str(self.text),
        };
        self.located(result)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.located(visitor.visit_borrowed_str(self.text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.located(visitor.visit_borrowed_str(self.text))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(Word {
            role: Role::Variant,
            ..self
        })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Word<'de, '_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        seed.deserialize(self).map(|variant| (variant, self))
    }
}

/// A text is a variant without content.
impl<'de> VariantAccess<'de> for Word<'de, '_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Fault> {
        self.located(Err(de::Error::invalid_type(
            de::Unexpected::UnitVariant,
            &"a mapping",
        )))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Fault> {
        self.located(Err(de::Error::invalid_type(
            de::Unexpected::UnitVariant,
            &"a list",
        )))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Fault> {
        self.located(Err(de::Error::invalid_type(
            de::Unexpected::UnitVariant,
            &"a mapping",
        )))
    }
}

/// A map with one entry, read as a variant with content.
struct Variant<'de, 't> {
    source: Source<'de, 't>,
    name: &'de str,
    content: &'de Node,
}

impl<'de, 't> EnumAccess<'de> for Variant<'de, 't> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let variant = self.source.word(self.name, Role::Variant).take(seed)?;
        Ok((variant, self))
    }
}

impl<'de> Variant<'de, '_> {
    fn content<T>(self, read: impl FnOnce(Source<'de, '_>) -> Result<T, Fault>) -> Result<T, Fault> {
        read(
            self.source
                .at(self.content, Trail::Key(&self.source.trail, self.name)),
        )
    }
}

impl<'de> VariantAccess<'de> for Variant<'de, '_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        self.content(|source| de::Deserialize::deserialize(source))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        self.content(|source| source.take(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.content(|source| source.visit_list_like(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.content(|source| source.visit_map_like(visitor))
    }
}
