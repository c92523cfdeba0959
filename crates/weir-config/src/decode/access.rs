//! What a [`Source`] hands to a visitor: items, entries, variants.

use serde::de::{self, DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::{deserializer::Source, fault::Fault, tracker::Trail, words::Role};
use crate::node::Node;

/// The items of a list, without those left out.
pub(super) struct Items<'de, 't> {
    pub(super) source: Source<'de, 't>,
    pub(super) items: std::iter::Enumerate<std::slice::Iter<'de, Node>>,
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
pub(super) struct Entries<'de, 't> {
    pub(super) source: Source<'de, 't>,
    pub(super) entries: std::collections::btree_map::Iter<'de, String, Node>,
    pub(super) current: Option<(&'de str, &'de Node)>,
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
pub(super) struct Pieces<'de, 't> {
    pub(super) source: Source<'de, 't>,
    pub(super) rest: Option<&'de str>,
}

impl<'de, 't> Pieces<'de, 't> {
    pub(super) fn of(source: Source<'de, 't>, text: &'de str) -> Self {
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

/// A map with one entry, read as a variant with content.
pub(super) struct Variant<'de, 't> {
    pub(super) source: Source<'de, 't>,
    pub(super) name: &'de str,
    pub(super) content: &'de Node,
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
