//! Attributes and their values.

use prost::Message as _;
use weir_proto::otlp::common::v1 as otlp;

use crate::wire::cursor::{
    Field, Fields, fields, plain_key_value, plain_text, put_bytes, put_header, put_message, put_varint,
};

/// Bytes that ought to be UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Text<'a>(pub(crate) &'a [u8]);

/// A string that is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("string is not valid UTF-8")]
pub struct InvalidUtf8;

impl<'a> Text<'a> {
    /// Returns the bytes, whatever they are.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Returns true if there are no bytes.
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Returns the text.
    ///
    /// # Errors
    ///
    /// [`InvalidUtf8`] if the bytes are not UTF-8; what they stand in cannot be used and must be counted as dropped.
    pub fn to_str(self) -> Result<&'a str, InvalidUtf8> {
        std::str::from_utf8(self.0).map_err(|_| InvalidUtf8)
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(text.as_bytes())
    }
}

/// A list of attributes in the order in which they were sent.
#[derive(Debug, Clone, Copy)]
pub struct Attributes<'a>(Form<'a>);

#[derive(Debug, Clone, Copy)]
enum Form<'a> {
    /// Contents of `KeyValue` messages, and the whole list if it stands in one piece.
    Wire(&'a [&'a [u8]], Option<&'a [u8]>),
    Decoded(&'a [otlp::KeyValue]),
}

impl<'a> Attributes<'a> {
    pub(super) const fn wire(slices: &'a [&'a [u8]]) -> Self {
        Self(Form::Wire(slices, None))
    }

    pub(super) const fn wire_list(slices: &'a [&'a [u8]], raw: Option<&'a [u8]>) -> Self {
        Self(Form::Wire(slices, raw))
    }

    pub(super) const fn decoded(messages: &'a [otlp::KeyValue]) -> Self {
        Self(Form::Decoded(messages))
    }

    /// Returns how many there are.
    #[inline]
    pub const fn len(&self) -> usize {
        match self.0 {
            Form::Wire(slices, _) => slices.len(),
            Form::Decoded(messages) => messages.len(),
        }
    }

    /// Returns true if there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the attributes in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Attribute<'a>> + Clone + use<'a> {
        let (slices, messages): (&[&[u8]], &[otlp::KeyValue]) = match self.0 {
            Form::Wire(slices, _) => (slices, &[]),
            Form::Decoded(messages) => (&[], messages),
        };
        slices
            .iter()
            .map(|slice| Attribute::Wire(slice))
            .chain(messages.iter().map(Attribute::Decoded))
    }

    /// Returns the raw `KeyValue` slices if the attributes stand on the wire.
    #[inline]
    pub const fn as_wire(&self) -> Option<&'a [&'a [u8]]> {
        match self.0 {
            Form::Wire(slices, _) => Some(slices),
            Form::Decoded(_) => None,
        }
    }

    /// Returns the attributes of a point with the tags and lengths around them, if they stand on the wire one after the
    /// other: equal bytes are equal lists.
    #[inline]
    pub const fn raw(&self) -> Option<&'a [u8]> {
        match self.0 {
            Form::Wire(_, raw) => raw,
            Form::Decoded(_) => None,
        }
    }
}

/// One attribute.
#[derive(Debug, Clone, Copy)]
pub enum Attribute<'a> {
    /// The content of a `KeyValue` message.
    Wire(&'a [u8]),
    /// A decoded `KeyValue`.
    Decoded(&'a otlp::KeyValue),
}

impl<'a> Attribute<'a> {
    /// Returns bytes that stand for the attribute: equal bytes are equal attributes, though equal attributes may have
    /// different bytes. A decoded attribute is encoded into `scratch`.
    pub fn raw<'s>(&self, scratch: &'s mut Vec<u8>) -> &'s [u8]
    where
        'a: 's,
    {
        match self {
            Self::Wire(slice) => slice,
            Self::Decoded(message) => {
                scratch.clear();
                message.encode_raw(scratch);
                scratch
            }
        }
    }

    /// Returns the key.
    pub fn key(&self) -> Text<'a> {
        match self {
            Self::Wire(slice) => Text(match plain_key_value(slice) {
                Some((key, _)) => key,
                None => fields(slice).fold(&[], |key, field| match field {
                    (1, Field::Bytes(bytes)) => bytes,
                    _ => key,
                }),
            }),
            Self::Decoded(message) => Text(message.key.as_bytes()),
        }
    }

    /// Returns the value; an absent one is [`AnyValue::Empty`].
    pub fn value(&self) -> AnyValue<'a> {
        match self {
            Self::Wire(slice) => match plain_key_value(slice) {
                Some((_, value)) => AnyValue::from_wire(value),
                None => fields(slice)
                    .filter_map(|field| match field {
                        (2, Field::Bytes(bytes)) => Some(AnyValue::from_wire(bytes)),
                        _ => None,
                    })
                    .last()
                    .unwrap_or(AnyValue::Empty),
            },
            Self::Decoded(message) => message
                .value
                .as_ref()
                .map_or(AnyValue::Empty, AnyValue::from_decoded),
        }
    }
}

/// The value of an attribute.
#[derive(Debug, Clone, Copy)]
pub enum AnyValue<'a> {
    /// No value.
    Empty,
    /// A text.
    String(Text<'a>),
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A double.
    Double(f64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A list of values.
    Array(ArrayView<'a>),
    /// A list of attributes.
    Map(MapView<'a>),
}

impl<'a> AnyValue<'a> {
    pub(super) fn from_wire(message: &'a [u8]) -> Self {
        if let Some(text) = plain_text(message) {
            return Self::String(Text(text));
        }
        // A oneof: the last member on the wire counts.
        fields(message).fold(Self::Empty, |value, field| match field {
            (1, Field::Bytes(bytes)) => Self::String(Text(bytes)),
            (2, Field::Varint(number)) => Self::Bool(number != 0),
            (3, Field::Varint(number)) => Self::Int(number as i64),
            (4, Field::Fixed64(bits)) => Self::Double(f64::from_bits(bits)),
            (5, Field::Bytes(bytes)) => Self::Array(ArrayView(ListForm::Wire(bytes))),
            (6, Field::Bytes(bytes)) => Self::Map(MapView(ListForm::Wire(bytes))),
            (7, Field::Bytes(bytes)) => Self::Bytes(bytes),
            // A reference into a profile's string table means nothing here; the specification says to treat it as empty.
            (8, Field::Varint(_)) => Self::Empty,
            _ => value,
        })
    }

    /// Shows a decoded value.
    pub fn from_decoded(message: &'a otlp::AnyValue) -> Self {
        use otlp::any_value::Value;
        match &message.value {
            None | Some(Value::StringValueStrindex(_)) => Self::Empty,
            Some(Value::StringValue(text)) => Self::String(Text(text.as_bytes())),
            Some(Value::BoolValue(value)) => Self::Bool(*value),
            Some(Value::IntValue(value)) => Self::Int(*value),
            Some(Value::DoubleValue(value)) => Self::Double(*value),
            Some(Value::ArrayValue(list)) => Self::Array(ArrayView(ListForm::Decoded(&list.values))),
            Some(Value::KvlistValue(list)) => Self::Map(MapView(ListForm::Decoded(&list.values))),
            Some(Value::BytesValue(bytes)) => Self::Bytes(bytes),
        }
    }
}

impl AnyValue<'_> {
    /// Returns true for a value that is made of values.
    pub const fn is_nested(&self) -> bool {
        matches!(self, Self::Array(_) | Self::Map(_))
    }

    /// Appends the content of the `AnyValue` message.
    pub(crate) fn put(self, out: &mut Vec<u8>) {
        match self {
            Self::Empty => {}
            Self::String(text) => put_bytes(out, 1, text.0),
            Self::Bool(value) => out.extend_from_slice(&[2 << 3, u8::from(value)]),
            Self::Int(value) => {
                out.push(3 << 3);
                put_varint(out, value as u64);
            }
            Self::Double(value) => {
                out.push(4 << 3 | 1);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Self::Array(list) => list.0.put(out, 5),
            Self::Map(list) => list.0.put(out, 6),
            Self::Bytes(bytes) => put_bytes(out, 7, bytes),
        }
    }
}

impl<'a> From<Text<'a>> for AnyValue<'a> {
    fn from(text: Text<'a>) -> Self {
        Self::String(text)
    }
}

impl<'a> From<&'a str> for AnyValue<'a> {
    fn from(text: &'a str) -> Self {
        Self::String(text.into())
    }
}

impl From<bool> for AnyValue<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for AnyValue<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for AnyValue<'_> {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

/// A list of values.
#[derive(Debug, Clone, Copy)]
pub struct ArrayView<'a>(ListForm<'a, otlp::AnyValue>);

/// A list of attributes that is itself a value.
#[derive(Debug, Clone, Copy)]
pub struct MapView<'a>(ListForm<'a, otlp::KeyValue>);

#[derive(Debug)]
enum ListForm<'a, T> {
    /// The content of an `ArrayValue` or `KeyValueList` message: both have their elements in field 1.
    Wire(&'a [u8]),
    Decoded(&'a [T]),
}

// Derives would ask for `T: Copy`, which a slice of messages does not need.
impl<T> Clone for ListForm<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ListForm<'_, T> {}

impl<T: prost::Message> ListForm<'_, T> {
    /// Appends the list as field `number`.
    fn put(&self, out: &mut Vec<u8>, number: u32) {
        match self {
            Self::Wire(bytes) => put_bytes(out, number, bytes),
            Self::Decoded(messages) => put_message(out, number, 0, |out| {
                for message in *messages {
                    put_header(out, 1, message.encoded_len());
                    message.encode_raw(out);
                }
            }),
        }
    }
}

impl<'a, T> ListForm<'a, T> {
    fn elements(
        &self,
    ) -> (
        impl Iterator<Item = &'a [u8]> + use<'a, T>,
        std::slice::Iter<'a, T>,
    ) {
        let (walk, decoded): (Fields<'a>, &'a [T]) = match self {
            Self::Wire(bytes) => (fields(bytes), &[]),
            Self::Decoded(messages) => (fields(&[]), messages),
        };
        let wire = walk.filter_map(|field| match field {
            (1, Field::Bytes(bytes)) => Some(bytes),
            _ => None,
        });
        (wire, decoded.iter())
    }
}

impl<'a> ArrayView<'a> {
    /// Returns the values in order.
    pub fn iter(&self) -> impl Iterator<Item = AnyValue<'a>> + use<'a> {
        let (wire, decoded) = self.0.elements();
        wire.map(AnyValue::from_wire)
            .chain(decoded.map(AnyValue::from_decoded))
    }
}

impl<'a> MapView<'a> {
    /// Returns the attributes in order.
    pub fn iter(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let (wire, decoded) = self.0.elements();
        wire.map(Attribute::Wire).chain(decoded.map(Attribute::Decoded))
    }
}
