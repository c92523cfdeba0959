//! Texts that are decoded alone: keys, names of variants, parts of a text read as a list.

use serde::{
    Deserializer,
    de::{self, DeserializeSeed, EnumAccess, VariantAccess, Visitor},
    forward_to_deserialize_any,
};

use super::{
    Found,
    fault::Fault,
    tracker::{Tracker, Trail},
};

/// A text that stands alone: a key, the name of a variant, a part of a text read as a list.
///
/// Notes errors itself: between erased types an error loses what it knows when it leaves the deserializer.
#[derive(Clone, Copy)]
pub(super) struct Word<'de, 't> {
    pub(super) text: &'de str,
    pub(super) role: Role,
    pub(super) trail: Trail<'t>,
    pub(super) tracker: &'t Tracker<'t>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// `trail` leads to the entry of this key.
    Key,
    /// `trail` leads to the value that holds this name.
    Variant,
    /// `trail` leads to the text; a list of anything but texts wants a YAML list.
    Piece,
}

impl<'de> Word<'de, '_> {
    pub(super) fn take<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
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
