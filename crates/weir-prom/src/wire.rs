//! Writing protobuf by hand.

/// Appends a base-128 varint.
#[inline(always)]
pub(crate) fn put_varint(out: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        out.push(value as u8);
    } else if value < 0x4000 {
        out.extend_from_slice(&[value as u8 | 0x80, (value >> 7) as u8]);
    } else {
        put_long_varint(out, value);
    }
}

fn put_long_varint(out: &mut Vec<u8>, value: u64) {
    let Some((word, len)) = varint_word(value) else {
        out.push(value as u8 | 0x80);
        return put_varint(out, value >> 7);
    };
    // A copy of constant length is one move; what is too much is cut off.
    let end = out.len() + len;
    out.extend_from_slice(&word);
    out.truncate(end);
}

/// Writes a varint to where there is room for ten bytes, and perhaps zeros after it. Returns its length.
#[inline]
pub(crate) fn set_varint(mut out: &mut [u8], value: u64) -> usize {
    match varint_word(value) {
        Some((word, len)) => {
            out[..word.len()].copy_from_slice(&word);
            len
        }
        None => {
            prost::encoding::encode_varint(value, &mut out);
            varint_len(value)
        }
    }
}

/// Returns a varint and its length; nothing if it is longer than a word.
#[inline]
fn varint_word(value: u64) -> Option<([u8; 8], usize)> {
    let len = varint_len(value);
    if len > size_of::<u64>() {
        return None;
    }
    // Groups of seven bits, each in its byte.
    let groups = (value & 0x0fff_ffff) | (value & 0x00ff_ffff_f000_0000) << 4;
    let groups = (groups & 0x0000_3fff_0000_3fff) | (groups & 0x0fff_c000_0fff_c000) << 2;
    let groups = (groups & 0x007f_007f_007f_007f) | (groups & 0x3f80_3f80_3f80_3f80) << 1;
    // All but the last say that there is more.
    let more = 0x0080_8080_8080_8080 >> (8 * (size_of::<u64>() - len));
    Some(((groups | more).to_le_bytes(), len))
}

/// Returns the bytes of a varint.
#[inline]
pub(crate) fn varint_len(value: u64) -> usize {
    // One byte per started 7 bits; 0 has one, too.
    ((64 - (value | 1).leading_zeros()) as usize).div_ceil(7)
}

/// Appends the tag (field numbers below 16) and length of a length-delimited field.
#[inline]
pub(crate) fn put_header(out: &mut Vec<u8>, tag: u8, len: usize) {
    out.push(tag);
    put_varint(out, len as u64);
}

/// Appends a length-delimited field.
#[inline]
pub(crate) fn put_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    put_header(out, tag, bytes.len());
    out.extend_from_slice(bytes);
}

/// Returns the bytes of a length-delimited field with a one-byte tag.
#[inline]
pub(crate) fn field_len(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

/// Appends a `double` or `fixed64` unless it is 0. Negative zero is not 0.
#[inline]
pub(crate) fn put_fixed64(out: &mut Vec<u8>, tag: u8, bits: u64) {
    if bits != 0 {
        out.push(tag);
        out.extend_from_slice(&bits.to_le_bytes());
    }
}

/// Appends an `int64`, `uint64` or enum unless it is 0.
#[inline]
pub(crate) fn put_number(out: &mut Vec<u8>, tag: u8, value: u64) {
    if value != 0 {
        out.push(tag);
        put_varint(out, value);
    }
}

/// Maps signed numbers to unsigned ones, small magnitudes to small numbers (`sint32`, `sint64`).
#[inline]
pub(crate) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_read_as_written() {
        for shift in 0..64 {
            for value in [1u64 << shift, (1u64 << shift) - 1, u64::MAX >> shift] {
                let mut out = Vec::new();
                put_varint(&mut out, value);
                assert_eq!(varint_len(value), out.len(), "{value}");
                assert_eq!(prost::encoding::decode_varint(&mut out.as_slice()), Ok(value));
                let mut room = [0; 10];
                assert_eq!(set_varint(&mut room, value), out.len(), "{value}");
                assert_eq!(room[..out.len()], out, "{value}");
            }
        }
    }
}
