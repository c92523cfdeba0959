//! Sections that can be left out, named without a value, or switched off.
//!
//! | Type               | absent | `key:` (null) | `key: {}`   | `{enabled: false}` |
//! |--------------------|--------|---------------|-------------|--------------------|
//! | [`OffUnlessSet`]     | off    | off           | on          | off                |
//! | [`OffUnlessNamed`]   | off    | on            | on          | off                |
//! | [`OnUnlessDisabled`] | on     | on            | on          | off                |
//!
//! "On" starts from `T::default()`. Every optional section takes the extra key `enabled`.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Validate, Violations};

/// A section that may be off; see the module table for the three flavours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Optional<T, const ON_WHEN_ABSENT: bool, const ON_WHEN_NULL: bool>(Option<T>);

/// Off when absent and when null.
pub type OffUnlessSet<T> = Optional<T, false, false>;
/// Off when absent, on with defaults when named without a value.
pub type OffUnlessNamed<T> = Optional<T, false, true>;
/// On with defaults unless `enabled: false`.
pub type OnUnlessDisabled<T> = Optional<T, true, true>;

impl<T, const A: bool, const N: bool> Optional<T, A, N> {
    /// A section that is on.
    pub const fn on(value: T) -> Self {
        Self(Some(value))
    }

    /// A section that is off.
    pub const fn off() -> Self {
        Self(None)
    }

    /// Returns the section if it is on.
    pub const fn as_ref(&self) -> Option<&T> {
        self.0.as_ref()
    }

    /// Returns the section for changing, if it is on.
    pub const fn as_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut()
    }

    /// Returns the section if it is on.
    pub fn into_inner(self) -> Option<T> {
        self.0
    }

    /// Returns true if the section is on.
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }
}

impl<T: Default, const A: bool, const N: bool> Default for Optional<T, A, N> {
    fn default() -> Self {
        Self(A.then(T::default))
    }
}

impl<T: Validate, const A: bool, const N: bool> Validate for Optional<T, A, N> {
    fn validate(&self, found: &mut Violations) {
        if let Some(section) = &self.0 {
            section.validate(found);
        }
    }
}

impl<T: Serialize, const A: bool, const N: bool> Serialize for Optional<T, A, N> {
    /// Writes a section that is off so that it reads back as off.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_some() || !(A || N) {
            return self.0.serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("enabled", &false)?;
        map.end()
    }
}

impl<'de, T, const A: bool, const N: bool> Deserialize<'de> for Optional<T, A, N>
where
    T: Deserialize<'de> + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_option(SectionVisitor::<T, N>(PhantomData))
            .map(Self)
    }
}

/// The schema of the section itself, with the key `enabled`, or null. What null means is told by the default of the key it stands under.
impl<T: JsonSchema, const A: bool, const N: bool> JsonSchema for Optional<T, A, N> {
    fn schema_name() -> Cow<'static, str> {
        format!("Optional{}", T::schema_name()).into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("Optional<{}>", T::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        schema.insert("type".to_owned(), ["object", "null"].as_slice().into());
        let enabled = json_schema!({
            "description": "Whether the section counts. `false` switches off what it describes, whatever else it says.",
            "type": "boolean",
            "default": true,
        });
        if let Some(properties) = schema
            .ensure_object()
            .entry("properties")
            .or_insert_with(|| serde_json::Map::new().into())
            .as_object_mut()
        {
            properties.insert("enabled".to_owned(), enabled.to_value());
        }
        schema
    }
}

/// Reads a section; `N` says whether null means on.
struct SectionVisitor<T, const N: bool>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Default, const N: bool> de::Visitor<'de> for SectionVisitor<T, N> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a section (a mapping), or nothing")
    }

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(N.then(T::default))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        self.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let mut enabled = true;
        let section = T::deserialize(de::value::MapAccessDeserializer::new(WithoutEnabled {
            map,
            enabled: &mut enabled,
        }))?;
        Ok(enabled.then_some(section))
    }
}

/// A map without its `enabled` key, whose value is kept aside.
struct WithoutEnabled<'a, A> {
    map: A,
    enabled: &'a mut bool,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WithoutEnabled<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        loop {
            match self.map.next_key::<String>()? {
                Some(key) if key == "enabled" => *self.enabled = self.map.next_value()?,
                Some(key) => return seed.deserialize(key.into_deserializer()).map(Some),
                None => return Ok(None),
            }
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests;
