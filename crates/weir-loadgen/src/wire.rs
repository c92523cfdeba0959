//! A hop over protobuf structure: field numbers, wire types and places, no messages.
//!
//! Serves two needs: finding the fixed-width fields that the generator patches, and [counting](crate::count) what
//! reaches a sink at little cost. Knows nothing of UTF-8 or of what a field means.

/// Why bytes are not a protobuf message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The message ends inside a field.
    #[error("message ends inside a field")]
    Truncated,
    /// A varint has more than ten bytes.
    #[error("varint has more than ten bytes")]
    Varint,
    /// A tag has field number zero, a group, or a wire type that does not exist.
    #[error("field tag is invalid")]
    Tag,
}

/// The value of one field, as the wire type alone tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1, little endian.
    Fixed64(u64),
    /// Wire type 2: a string, bytes, a message or a packed list.
    Bytes(&'a [u8]),
    /// Wire type 5, little endian.
    Fixed32(u32),
}

/// One field and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Field number.
    pub number: u32,
    /// Value.
    pub value: Value<'a>,
    /// Place of the value's first byte (after tag and length), counted from the origin of the [`Fields`].
    pub offset: usize,
}

impl<'a> Field<'a> {
    /// Returns the bytes of a length-delimited field with this number.
    pub fn bytes(&self, number: u32) -> Option<&'a [u8]> {
        match self.value {
            Value::Bytes(bytes) if self.number == number => Some(bytes),
            _ => None,
        }
    }
}

/// The fields of one message, in wire order.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    bytes: &'a [u8],
    position: usize,
    origin: usize,
}

impl<'a> Fields<'a> {
    /// Walks a message whose first byte has place 0.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::at(bytes, 0)
    }

    /// Walks a message whose first byte has place `origin`.
    pub fn at(bytes: &'a [u8], origin: usize) -> Self {
        Self {
            bytes,
            position: 0,
            origin,
        }
    }

    fn field(&mut self) -> Result<Field<'a>, WireError> {
        let tag = varint(self.bytes, &mut self.position)?;
        let number = u32::try_from(tag >> 3).map_err(|_| WireError::Tag)?;
        if number == 0 {
            return Err(WireError::Tag);
        }
        let (value, length) = match tag & 7 {
            0 => {
                let start = self.position;
                let value = varint(self.bytes, &mut self.position)?;
                let length = self.position - start;
                self.position = start;
                (Value::Varint(value), length)
            }
            1 => (Value::Fixed64(u64::from_le_bytes(self.array()?)), 8),
            2 => {
                let length = varint(self.bytes, &mut self.position)?;
                let length = usize::try_from(length).map_err(|_| WireError::Truncated)?;
                let end = self.position.checked_add(length).ok_or(WireError::Truncated)?;
                let bytes = self.bytes.get(self.position..end).ok_or(WireError::Truncated)?;
                (Value::Bytes(bytes), length)
            }
            5 => (Value::Fixed32(u32::from_le_bytes(self.array()?)), 4),
            _ => return Err(WireError::Tag),
        };
        let offset = self.origin + self.position;
        self.position += length;
        Ok(Field {
            number,
            value,
            offset,
        })
    }

    fn array<const N: usize>(&self) -> Result<[u8; N], WireError> {
        self.bytes
            .get(self.position..)
            .and_then(|rest| rest.first_chunk::<N>())
            .copied()
            .ok_or(WireError::Truncated)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.position >= self.bytes.len() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.position = self.bytes.len();
        }
        Some(field)
    }
}

/// Reads the varint at `position` and moves past it.
///
/// # Errors
/// [`WireError::Truncated`] at the end of the bytes, [`WireError::Varint`] beyond ten bytes.
pub fn varint(bytes: &[u8], position: &mut usize) -> Result<u64, WireError> {
    let mut value = 0;
    for shift in 0..10 {
        let byte = *bytes.get(*position).ok_or(WireError::Truncated)?;
        *position += 1;
        value |= u64::from(byte & 0x7f) << (7 * shift);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(WireError::Varint)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn places_are_those_of_the_values() {
        // 1: varint 300, 2: bytes "ab", 3: fixed64 7, 4: fixed32 9.
        let message = b"\x08\xac\x02\x12\x02ab\x19\x07\0\0\0\0\0\0\0\x25\x09\0\0\0";
        let fields: Vec<_> = Fields::at(message, 100).map(|field| field.unwrap()).collect();
        let found: Vec<_> = fields
            .iter()
            .map(|field| (field.number, field.value, field.offset))
            .collect();
        assert_eq!(
            found,
            [
                (1, Value::Varint(300), 101),
                (2, Value::Bytes(b"ab"), 105),
                (3, Value::Fixed64(7), 108),
                (4, Value::Fixed32(9), 117),
            ]
        );
    }

    #[test]
    fn damage_is_told_and_ends_the_walk() {
        for (message, error) in [
            (&b"\x12\x05ab"[..], WireError::Truncated),
            (b"\x19\x07", WireError::Truncated),
            (b"\x0b", WireError::Tag),
            (b"\x00\x01", WireError::Tag),
            (
                b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                WireError::Varint,
            ),
        ] {
            let fields: Vec<_> = Fields::new(message).collect();
            assert_eq!(fields, [Err(error)], "{message:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_without_panic_and_within_bounds(bytes: Vec<u8>) {
            for field in Fields::new(&bytes).flatten() {
                prop_assert!(field.offset <= bytes.len());
            }
        }
    }
}
