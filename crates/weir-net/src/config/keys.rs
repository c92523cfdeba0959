//! Blocks of keys that can stand on the same level as other keys, with defaults of the component's choice.

use std::fmt;

use serde::de::{self, MapAccess};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserializer, de::IgnoredAny};

/// A set of keys with values, read one by one.
///
/// Implemented by [`keys!`](crate::keys).
pub trait Keys {
    /// Appends the names of the keys, in the order of the reference.
    fn names(names: &mut Vec<&'static str>);

    /// Returns the names of the keys, for errors.
    fn known() -> &'static [&'static str];

    /// Reads the value of `key` from `map` into its field and returns true, or returns false if the key is not in this set.
    ///
    /// # Errors
    ///
    /// What the map or the field says about the value.
    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error>;

    /// Writes all keys into `map`.
    ///
    /// # Errors
    ///
    /// What the map says.
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

/// Reads a mapping onto `defaults`: keys that are absent keep their value, unknown keys are an error.
///
/// # Errors
///
/// Unknown keys and values of the wrong type.
pub fn read_onto<'de, T: Keys, D: Deserializer<'de>>(deserializer: D, defaults: T) -> Result<T, D::Error> {
    deserializer.deserialize_map(Visitor(defaults))
}

struct Visitor<T>(T);

impl<'de, T: Keys> de::Visitor<'de> for Visitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        Ok(self.0)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<T, A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if !self.0.read(&key, &mut map)? {
                map.next_value::<IgnoredAny>()?;
                return Err(de::Error::unknown_field(&key, T::known()));
            }
        }
        Ok(self.0)
    }
}

/// Behind `Deserialize` of [`keys!`](crate::keys).
#[doc(hidden)]
pub fn deserialize<'de, T: Keys + Default, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    read_onto(deserializer, T::default())
}

/// Behind `Serialize` of [`keys!`](crate::keys).
#[doc(hidden)]
pub fn serialize<T: Keys, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    value.write(&mut map)?;
    map.end()
}

/// Implements [`Keys`](crate::config::Keys), `Deserialize` and `Serialize` for a struct whose fields are its keys.
///
/// The struct implements `Default`; absent keys keep the default. `as Type` names a type that is read in place of the field's and
/// converted by `From` both ways, such as [`Span`](crate::config::Span) for a `Duration`. `flat` lists fields that are sets of keys
/// themselves and stand on the same level.
///
/// ```
/// use std::time::Duration;
/// use weir_net::config::Span;
/// use weir_net::server::HttpServer;
///
/// #[derive(Debug)]
/// struct Config {
///     server: HttpServer,
///     path: String,
///     patience: Duration,
/// }
///
/// impl Default for Config {
///     fn default() -> Self {
///         let server = HttpServer { endpoint: "localhost:4318".into(), ..HttpServer::default() };
///         Self { server, path: "/v1/metrics".into(), patience: Duration::ZERO }
///     }
/// }
///
/// weir_net::keys!(Config { path, patience as Span } flat { server: HttpServer });
///
/// let config: Config = serde_yaml::from_str("{path: /in, max_request_body_size: 1024}").unwrap();
/// assert_eq!((config.path.as_str(), config.server.endpoint.as_str()), ("/in", "localhost:4318"));
/// assert_eq!(config.server.max_request_body_size, 1024);
/// ```
#[macro_export]
macro_rules! keys {
    ($type:ty { $($field:ident $(as $with:ty)?),* $(,)? } $(flat { $($flat:ident: $flat_type:ty),* $(,)? })?) => {
        impl $crate::config::Keys for $type {
            fn names(names: &mut ::std::vec::Vec<&'static str>) {
                $(names.push(stringify!($field));)*
                $($(<$flat_type as $crate::config::Keys>::names(names);)*)?
            }

            fn known() -> &'static [&'static str] {
                static KNOWN: ::std::sync::LazyLock<::std::vec::Vec<&'static str>> = ::std::sync::LazyLock::new(|| {
                    let mut names = ::std::vec::Vec::new();
                    <$type as $crate::config::Keys>::names(&mut names);
                    names
                });
                &KNOWN
            }

            fn read<'de, A: ::serde::de::MapAccess<'de>>(
                &mut self,
                key: &str,
                map: &mut A,
            ) -> ::std::result::Result<bool, A::Error> {
                Ok(match key {
                    $(stringify!($field) => {
                        self.$field = $crate::keys!(@read map $(, $with)?);
                        true
                    })*
                    _ => {
                        $($(if $crate::config::Keys::read(&mut self.$flat, key, map)? {
                            return Ok(true);
                        })*)?
                        false
                    }
                })
            }

            fn write<M: ::serde::ser::SerializeMap>(&self, map: &mut M) -> ::std::result::Result<(), M::Error> {
                $($crate::keys!(@write map, stringify!($field), self.$field $(, $with)?);)*
                $($($crate::config::Keys::write(&self.$flat, map)?;)*)?
                Ok(())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                $crate::config::deserialize(deserializer)
            }
        }

        impl ::serde::Serialize for $type {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::config::serialize(self, serializer)
            }
        }
    };
    (@read $map:ident) => { $map.next_value()? };
    (@read $map:ident, $with:ty) => { $map.next_value::<$with>()?.into() };
    (@write $map:ident, $name:expr, $value:expr) => { $map.serialize_entry($name, &$value)? };
    (@write $map:ident, $name:expr, $value:expr, $with:ty) => {
        $map.serialize_entry($name, &<$with>::from($value.clone()))?
    };
}
