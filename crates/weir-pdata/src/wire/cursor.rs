//! Reading protobuf fields one after the other.
//!
//! Two readers share one decoder: [`Cursor`] reports errors and is for bytes from outside, [`fields`] walks bytes that were checked.

/// The value of one field, by wire type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// What can be wrong with the encoding itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CursorError {
    #[error("message ends inside a field")]
    Truncated,
    #[error("varint longer than 64 bits")]
    Varint,
    #[error("invalid field number or wire type")]
    Tag,
}

/// Reads fields from the front of a slice.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Returns what was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Reads the next field, or `None` at the end.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Field<'a>)>, CursorError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let number = match u32::try_from(key >> 3) {
            Ok(number) if number != 0 && key <= u64::from(u32::MAX) => number,
            _ => return Err(CursorError::Tag),
        };
        let field = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.take()?)),
            2 => Field::Bytes(self.bytes()?),
            5 => Field::Fixed32(u32::from_le_bytes(self.take()?)),
            _ => return Err(CursorError::Tag),
        };
        Ok(Some((number, field)))
    }

    /// Reads one varint.
    #[inline(always)]
    pub(crate) fn varint(&mut self) -> Result<u64, CursorError> {
        let (value, rest) = match self.rest {
            [byte @ 0..0x80, rest @ ..] => (u64::from(*byte), rest),
            bytes => long_varint(bytes)?,
        };
        self.rest = rest;
        Ok(value)
    }

    /// Reads on over a short field of bytes with this tag if it comes next and `take` wants it. Returns whether that is so.
    #[inline]
    pub(crate) fn step(&mut self, tag: u8, take: impl FnOnce(&'a [u8]) -> bool) -> bool {
        if let [met, length @ 0..0x80, rest @ ..] = self.rest
            && *met == tag
            && let Some((bytes, rest)) = rest.split_at_checked(usize::from(*length))
            && take(bytes)
        {
            self.rest = rest;
            return true;
        }
        false
    }

    /// Reads a field of bytes with this tag if it comes next and is whole.
    #[inline(always)]
    pub(crate) fn hop(&mut self, tag: u8) -> Option<&'a [u8]> {
        let [met, rest @ ..] = self.rest else {
            return None;
        };
        if *met != tag {
            return None;
        }
        let mut field = Self { rest };
        let bytes = field.bytes().ok()?;
        *self = field;
        Some(bytes)
    }

    /// Reads a number below 128 in a field with this tag if it comes next.
    #[inline]
    pub(crate) fn hop_number(&mut self, tag: u8) -> Option<u8> {
        match self.rest {
            [met, value @ 0..0x80, rest @ ..] if *met == tag => {
                self.rest = rest;
                Some(*value)
            }
            _ => None,
        }
    }

    /// Reads on over a field with a tag of one byte and eight more. Returns whether there was one.
    #[inline]
    pub(crate) fn skip_fixed64(&mut self) -> bool {
        let Some(rest) = self.rest.get(1 + size_of::<u64>()..) else {
            return false;
        };
        self.rest = rest;
        true
    }

    /// Reads on over short fields with this tag as long as they come in a row and are `KeyValue`s of a key and then a string.
    #[inline]
    pub(crate) fn skip_texts(&mut self, tag: u8) {
        while let [met, length @ 0..0x80, 0x0a, key, rest @ ..] = self.rest
            && *met == tag
            && let Some([0x12, value, 0x0a, text]) = rest
                .get(usize::from(*key)..)
                .and_then(<[u8]>::first_chunk)
            // All are shorter than the first, so none is the beginning of a longer number.
            && usize::from(*key) + usize::from(*value) + 4 == usize::from(*length)
            && usize::from(*text) + 2 == usize::from(*value)
            && let Some(rest) = self.rest.get(usize::from(*length) + 2..)
        {
            self.rest = rest;
        }
    }

    #[inline]
    fn take<const N: usize>(&mut self) -> Result<[u8; N], CursorError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(CursorError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    #[inline]
    fn bytes(&mut self) -> Result<&'a [u8], CursorError> {
        let (length, rest) = match self.rest {
            [length @ 0..0x80, rest @ ..] => (usize::from(*length), rest),
            // Points and their metrics mostly take more than 127 bytes and less than 16 KiB.
            [low, high @ 0..0x80, rest @ ..] => (usize::from(low & 0x7f) | usize::from(*high) << 7, rest),
            bytes => {
                let (length, rest) = long_varint(bytes)?;
                let length = usize::try_from(length).map_err(|_| CursorError::Truncated)?;
                (length, rest)
            }
        };
        let (taken, rest) = rest.split_at_checked(length).ok_or(CursorError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }
}

/// Reads a varint and returns what follows it. Takes no cursor, which so can stay in registers.
#[inline(never)]
fn long_varint(bytes: &[u8]) -> Result<(u64, &[u8]), CursorError> {
    let mut value = 0u64;
    for (index, &byte) in bytes.iter().enumerate().take(10) {
        if index == 9 && byte > 1 {
            return Err(CursorError::Varint);
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Ok((value, &bytes[index + 1..]));
        }
    }
    Err(if bytes.len() < 10 {
        CursorError::Truncated
    } else {
        CursorError::Varint
    })
}

/// Returns the contents of all messages in field `number`, below 16, of a checked message.
#[inline]
pub(crate) fn children(message: &[u8], number: u8) -> Children<'_> {
    Children {
        walk: fields(message),
        number,
    }
}

/// See [`children`].
#[derive(Debug, Clone)]
pub(crate) struct Children<'a> {
    walk: Fields<'a>,
    number: u8,
}

impl<'a> Iterator for Children<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // They mostly follow one another.
            if let Some(bytes) = self.walk.hop(self.number) {
                return Some(bytes);
            }
            match self.walk.next()? {
                (number, Field::Bytes(bytes)) if number == u32::from(self.number) => return Some(bytes),
                _ => {}
            }
        }
    }
}

/// Walks the fields of a checked message without those in field `number`, below 16, as far as they are messages.
#[inline]
pub(crate) fn besides(message: &[u8], number: u8) -> impl Iterator<Item = (u32, Field<'_>)> {
    let mut walk = fields(message);
    std::iter::from_fn(move || {
        while walk.hop(number).is_some() {}
        walk.next()
    })
}

/// Walks the fields of a checked message. Ends early on bytes that are not protobuf, which a checked message never holds.
#[inline]
pub(crate) fn fields(message: &[u8]) -> Fields<'_> {
    Fields(Cursor::new(message))
}

/// See [`fields`].
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a>(Cursor<'a>);

impl<'a> Fields<'a> {
    /// Returns what was not walked yet.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0.rest
    }

    /// Walks over a field of bytes with this number, below 16, if it comes next.
    #[inline(always)]
    pub(crate) fn hop(&mut self, number: u8) -> Option<&'a [u8]> {
        self.0.hop(number << 3 | 2)
    }

    /// Walks over a number below 128 in a field with this number, below 16, if it comes next.
    #[inline]
    pub(crate) fn hop_number(&mut self, number: u8) -> Option<u8> {
        self.0.hop_number(number << 3)
    }

    /// Walks on over short fields of bytes with the number `N`, below 16, as long as they come in a row.
    #[inline]
    pub(crate) fn run<const N: u8>(&mut self, out: &mut Vec<&'a [u8]>) {
        while self.0.step(N << 3 | 2, |bytes| {
            out.push(bytes);
            true
        }) {}
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, Field<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().ok().flatten()
    }
}

/// The beginning of a `NumberDataPoint` of the shape that nearly every encoder writes: start time, time and value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlainNumber<'a> {
    pub(crate) start_ns: u64,
    pub(crate) time_ns: u64,
    pub(crate) is_int: bool,
    pub(crate) bits: u64,
    /// All other fields.
    pub(crate) rest: &'a [u8],
}

impl<'a> PlainNumber<'a> {
    /// Returns nothing for another shape, which takes the long way.
    #[inline]
    pub(crate) fn of(point: &'a [u8]) -> Option<Self> {
        let (head, rest) = point.split_first_chunk::<27>()?;
        let ([start, time, value], []) = head.as_chunks::<9>() else {
            return None;
        };
        let number = |[_, bytes @ ..]: [u8; 9]| u64::from_le_bytes(bytes);
        let is_int = match (start[0], time[0], value[0]) {
            (0x11, 0x19, 0x21) => false,
            (0x11, 0x19, 0x31) => true,
            _ => return None,
        };
        Some(Self {
            start_ns: number(*start),
            time_ns: number(*time),
            is_int,
            bits: number(*value),
            rest,
        })
    }
}

/// Splits a `KeyValue` of the shape that nearly every encoder writes, a short key and then a short value, into the key and the
/// content of the `AnyValue`. Everything else takes the long way.
#[inline]
pub(crate) fn plain_key_value(message: &[u8]) -> Option<(&[u8], &[u8])> {
    let [0x0a, length @ 0..0x80, rest @ ..] = message else {
        return None;
    };
    let (key, rest) = rest.split_at_checked(usize::from(*length))?;
    match rest {
        [0x12, length @ 0..0x80, value @ ..] if value.len() == usize::from(*length) => Some((key, value)),
        _ => None,
    }
}

/// Returns the content of an `AnyValue` that is a short string and nothing else.
#[inline]
pub(crate) fn plain_text(message: &[u8]) -> Option<&[u8]> {
    match message {
        [0x0a, length @ 0..0x80, text @ ..] if text.len() == usize::from(*length) => Some(text),
        _ => None,
    }
}

/// Walks the fields of a checked message together with their raw bytes, tag included.
pub(crate) fn raw_fields(message: &[u8]) -> impl Iterator<Item = (u32, Field<'_>, &[u8])> {
    let mut cursor = Cursor::new(message);
    std::iter::from_fn(move || {
        let before = cursor.rest();
        let (number, field) = cursor.next().ok().flatten()?;
        Some((number, field, &before[..before.len() - cursor.rest().len()]))
    })
}

/// Appends a varint.
#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends the tag and length of a length-delimited field.
#[inline]
pub(crate) fn put_header(out: &mut Vec<u8>, number: u32, length: usize) {
    put_varint(out, u64::from(number) << 3 | 2);
    put_varint(out, length as u64);
}

/// Appends field `number` with these bytes.
#[inline]
pub(crate) fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put_header(out, number, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends a message in field `number` that `write` writes. A good `guess` of its length saves moving it.
#[inline]
pub(crate) fn put_message(out: &mut Vec<u8>, number: u32, guess: usize, write: impl FnOnce(&mut Vec<u8>)) {
    put_varint(out, u64::from(number) << 3 | 2);
    let (at, width) = (out.len(), varint_width(guess));
    out.resize(at + width, 0);
    write(out);
    set_length(out, at, width, out.len() - at - width);
}

/// Writes a length over the `width` bytes at `at`, moving what follows if it needs more or fewer.
#[inline]
pub(crate) fn set_length(out: &mut Vec<u8>, at: usize, width: usize, length: usize) {
    let mut bytes = [0; 10];
    let needed = varint_width(length);
    for (index, byte) in bytes[..needed].iter_mut().enumerate() {
        let more = u8::from(index + 1 < needed) << 7;
        *byte = (length >> (7 * index)) as u8 & 0x7f | more;
    }
    if needed == width {
        out[at..at + width].copy_from_slice(&bytes[..needed]);
    } else {
        out.splice(at..at + width, bytes[..needed].iter().copied());
    }
}

/// Returns how many bytes a number takes as a varint.
#[inline]
pub(crate) const fn varint_width(number: usize) -> usize {
    let bits = usize::BITS - (number | 1).leading_zeros();
    bits.div_ceil(7) as usize
}
