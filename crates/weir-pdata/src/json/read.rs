//! Reading objects and arrays: the [`Message`] trait, its fields and the place in the document.
//!
//! A message is a table from names to fields, and a field has the JSON form of its Rust type ([`FromJson`]). Everything
//! streams: no tree of JSON values is ever built. What a number or a string means is the matter of `scalar`.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::JsonError;
use super::scalar::{Base64, EnumValue, Id};
use super::write::Object;

/// Messages below the outermost that may lie within each other: the limit of protobuf decoders.
const MAX_DEPTH: usize = 100;

/// Longest message of a [`JsonError`] in bytes. serde quotes the offending value, which may be of any length.
const MAX_ERROR_BYTES: usize = 200;

/// A message with the table of its fields, once for each direction.
pub trait Message: Default {
    /// Reads one field into this message, or skips it if the name is unknown.
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error>;

    /// Writes the fields that are set.
    fn write(&self, object: &mut Object<'_>);
}

/// A Rust type that is read from one form of JSON.
pub trait FromJson: Sized {
    /// Reads a value, which may not be `null`.
    fn read<'de, D: Deserializer<'de>>(input: D, place: &mut Place<'de>) -> Result<Self, D::Error>;
}

/// Reads a whole document.
pub(super) fn document<T: Message>(json: &[u8]) -> Result<T, JsonError> {
    let mut place = Place::default();
    let mut input = serde_json::Deserializer::from_slice(json);
    // Depth is counted in messages, see `Place`, and unknown fields are skipped without recursion.
    input.disable_recursion_limit();
    object(&mut input, &mut place)
        .and_then(|message| input.end().map(|()| message))
        .map_err(|error| place.error(&error))
}

// === impl Place ===

/// Where in the document the reader stands.
#[derive(Default)]
pub struct Place<'de> {
    path: Vec<Step<'de>>,
    depth: usize,
}

enum Step<'de> {
    Field(Cow<'de, str>),
    Index(usize),
}

impl Place<'_> {
    /// Tells the error of the parser from this place.
    fn error(&self, error: &serde_json::Error) -> JsonError {
        let (line, column) = (error.line(), error.column());
        let mut message = error.to_string();
        if let Some(end) = message
            .strip_suffix(&format!(" at line {line} column {column}"))
            .map(str::len)
        {
            message.truncate(end);
        }
        message.truncate(message.floor_char_boundary(MAX_ERROR_BYTES));
        JsonError {
            line,
            column,
            path: self.to_string(),
            message,
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.path.iter().enumerate() {
            match step {
                Step::Field(name) if position == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

// === impl Message ===

fn object<'de, T: Message, D: Deserializer<'de>>(input: D, place: &mut Place<'de>) -> Result<T, D::Error> {
    input.deserialize_map(ObjectVisitor {
        place,
        message: PhantomData,
    })
}

impl<T: Message> FromJson for T {
    fn read<'de, D: Deserializer<'de>>(input: D, place: &mut Place<'de>) -> Result<Self, D::Error> {
        if place.depth == MAX_DEPTH {
            return Err(D::Error::custom(format_args!(
                "more than {MAX_DEPTH} messages within each other"
            )));
        }
        place.depth += 1;
        let message = object(input, place)?;
        place.depth -= 1;
        Ok(message)
    }
}

struct ObjectVisitor<'a, 'de, T> {
    place: &'a mut Place<'de>,
    message: PhantomData<T>,
}

impl<'de, T: Message> Visitor<'de> for ObjectVisitor<'_, 'de, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut message = T::default();
        let mut seen = 0;
        let here = self.place.path.len();
        while let Some(name) = map.next_key_seed(Name)? {
            message.read(Field {
                name,
                map: &mut map,
                seen: &mut seen,
                place: self.place,
            })?;
            // Only here, so that an error finds the path as it was where it arose.
            self.place.path.truncate(here);
        }
        Ok(message)
    }
}

/// Reads the name of a field, without a copy unless it holds escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Cow<'de, str>, D::Error> {
        input.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

// === impl Field ===

/// A field whose name has been read and whose value has not. Each of the methods that consume it reads the value.
///
/// `number` is that of the message definition, at most 31. It tells the fields of a message apart, whatever the
/// spelling of their names, so that none is set twice.
pub struct Field<'a, 'de, A> {
    name: Cow<'de, str>,
    map: &'a mut A,
    seen: &'a mut u32,
    place: &'a mut Place<'de>,
}

impl<'de, A: MapAccess<'de>> Field<'_, 'de, A> {
    /// Returns the name as it was spelt.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Ignores the value.
    pub fn skip(self) -> Result<(), A::Error> {
        self.map.next_value::<IgnoredAny>().map(drop)
    }

    /// Reads a field in the form of its type.
    pub fn read<T: FromJson>(self, number: u32, into: &mut T) -> Result<(), A::Error> {
        if let Some(value) = self.value(number)? {
            *into = value;
        }
        Ok(())
    }

    /// Reads a member of a oneof, which `wrap` turns into the value of the oneof.
    pub fn choose<T: FromJson, V>(
        self,
        number: u32,
        wrap: impl FnOnce(T) -> V,
        into: &mut Option<V>,
    ) -> Result<(), A::Error> {
        match self.value(number)? {
            Some(_) if into.is_some() => Err(A::Error::custom("another member of the same oneof is set")),
            Some(value) => {
                *into = Some(wrap(value));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Reads an id of `N` bytes, or an empty one.
    pub fn id<const N: usize>(self, number: u32, into: &mut Vec<u8>) -> Result<(), A::Error> {
        if let Some(Id::<N>(bytes)) = self.value(number)? {
            *into = bytes;
        }
        Ok(())
    }

    /// Reads a member of a oneof that is a byte string.
    pub fn choose_bytes<V>(
        self,
        number: u32,
        wrap: impl FnOnce(Vec<u8>) -> V,
        into: &mut Option<V>,
    ) -> Result<(), A::Error> {
        self.choose(number, |Base64(bytes)| wrap(bytes), into)
    }

    /// Reads an enum, whose names `by_name` knows.
    pub fn enumeration<E: Into<i32>>(
        self,
        number: u32,
        by_name: fn(&str) -> Option<E>,
        into: &mut i32,
    ) -> Result<(), A::Error> {
        match self.value(number)? {
            Some(EnumValue::Number(value)) => *into = value,
            Some(EnumValue::Name(name)) => match by_name(&name) {
                Some(value) => *into = value.into(),
                None => return Err(A::Error::custom("unknown name of an enum value")),
            },
            None => {}
        }
        Ok(())
    }

    /// Reads the value of a field that may appear once, `None` for null.
    fn value<T: FromJson>(self, number: u32) -> Result<Option<T>, A::Error> {
        self.place.path.push(Step::Field(self.name));
        let bit = 1 << number;
        if *self.seen & bit != 0 {
            return Err(A::Error::custom("field appears twice"));
        }
        *self.seen |= bit;
        self.map.next_value_seed(Nullable {
            place: self.place,
            value: PhantomData,
        })
    }
}

/// Reads a value or null.
struct Nullable<'a, 'de, T> {
    place: &'a mut Place<'de>,
    value: PhantomData<T>,
}

impl<'de, T: FromJson> DeserializeSeed<'de> for Nullable<'_, 'de, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Option<T>, D::Error> {
        input.deserialize_option(self)
    }
}

impl<'de, T: FromJson> Visitor<'de> for Nullable<'_, 'de, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_none<E: de::Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<Option<T>, D::Error> {
        T::read(input, self.place).map(Some)
    }
}

// === impl Option, Vec ===

/// A field that is absent or present, whatever its value.
impl<T: FromJson> FromJson for Option<T> {
    fn read<'de, D: Deserializer<'de>>(input: D, place: &mut Place<'de>) -> Result<Self, D::Error> {
        T::read(input, place).map(Some)
    }
}

/// A repeated field.
impl<T: FromJson> FromJson for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(input: D, place: &mut Place<'de>) -> Result<Self, D::Error> {
        input.deserialize_seq(ArrayVisitor {
            place,
            element: PhantomData,
        })
    }
}

struct ArrayVisitor<'a, 'de, T> {
    place: &'a mut Place<'de>,
    element: PhantomData<T>,
}

impl<'de, T: FromJson> Visitor<'de> for ArrayVisitor<'_, 'de, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut elements = Vec::new();
        let here = self.place.path.len();
        loop {
            self.place.path.truncate(here);
            self.place.path.push(Step::Index(elements.len()));
            let element = Element {
                place: self.place,
                element: PhantomData,
            };
            match seq.next_element_seed(element)? {
                Some(element) => elements.push(element),
                None => break,
            }
        }
        self.place.path.truncate(here);
        Ok(elements)
    }
}

/// Reads an element of an array, which proto3 JSON does not let be null.
struct Element<'a, 'de, T> {
    place: &'a mut Place<'de>,
    element: PhantomData<T>,
}

impl<'de, T: FromJson> DeserializeSeed<'de> for Element<'_, 'de, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<T, D::Error> {
        T::read(input, self.place)
    }
}
