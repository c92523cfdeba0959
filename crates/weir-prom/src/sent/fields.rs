//! Reading protobuf by hand.

/// The value of a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field<'a> {
    /// A varint.
    Number(u64),
    /// 64 bits.
    Fixed64(u64),
    /// A message, text or packed list.
    Bytes(&'a [u8]),
    /// 32 bits, which no message here has.
    Fixed32,
}

/// The fields of a message. Ends where the message is malformed.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) const fn new(message: &'a [u8]) -> Self {
        Self(message)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Field<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let key = varint(&mut self.0)?;
        let field = match key & 7 {
            0 => Field::Number(varint(&mut self.0)?),
            1 => Field::Fixed64(u64::from_le_bytes(take(&mut self.0, 8)?.try_into().ok()?)),
            2 => {
                let len = usize::try_from(varint(&mut self.0)?).ok()?;
                Field::Bytes(take(&mut self.0, len)?)
            }
            5 => {
                take(&mut self.0, 4)?;
                Field::Fixed32
            }
            _ => return None,
        };
        Some((key >> 3, field))
    }
}

/// Reads a varint from the front; `None` if there is none.
#[inline]
pub(super) fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, behind) = rest.split_at_checked(len)?;
    *rest = behind;
    Some(taken)
}
