//! The serde `Deserializer` over a [`Node`].
//!
//! Types are strict, as in the Collector: a text field takes no number, a boolean no `yes`. What bends:
//!
//! - a value that came out of `${…}` as a whole gives a text field its text, any other field its parsed value;
//! - a number without a fraction serves an integer field, however it is written (`5.0`, `1e3`);
//! - a text serves a list of texts, split on `,` without trimming; the empty text is the empty list;
//! - null keeps the default of a section, map or list. For a plain value it is an error (the Collector sets zero).

use serde::{
    Deserializer,
    de::{self, DeserializeSeed, Visitor},
    forward_to_deserialize_any,
};

use super::{
    Found,
    access::{Entries, Items, Pieces, Variant},
    fault::Fault,
    tracker::{Tracker, Trail},
    words::{Role, Word},
};
use crate::node::{Kind, Node};

/// A node to decode, with the way to it.
#[derive(Clone, Copy)]
pub(crate) struct Source<'de, 't> {
    pub(super) node: &'de Node,
    pub(super) trail: Trail<'t>,
    pub(super) tracker: &'t Tracker<'t>,
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
    pub(super) fn at<'u>(&self, node: &'de Node, trail: Trail<'u>) -> Source<'de, 'u>
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
    pub(super) fn take<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        self.located(seed.deserialize(self))
    }

    /// Notes where an error was seen first.
    pub(super) fn located<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        result.inspect_err(|fault| {
            self.tracker
                .note(|| Found::Fault(self.trail.path(), fault.clone()))
        })
    }

    pub(super) fn word(&self, text: &'de str, role: Role) -> Word<'de, 't> {
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

    pub(super) fn left_out(&self, trail: &Trail<'_>) -> bool {
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

    pub(super) fn visit_map_like<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
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

    pub(super) fn visit_list_like<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
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
