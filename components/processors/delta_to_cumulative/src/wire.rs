//! Fields of protobuf messages.

use weir_pdata::view::Text;

/// Appends a field of bytes, which may be empty. `field` is below 16.
pub(crate) fn put_bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    out.push(field << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a field of text unless it is empty. `field` is below 16.
pub(crate) fn put_text(out: &mut Vec<u8>, field: u8, text: Text<'_>) {
    if !text.is_empty() {
        put_bytes(out, field, text.as_bytes());
    }
}

/// Appends a field that is a varint. `field` is below 16.
pub(crate) fn put_number(out: &mut Vec<u8>, field: u8, number: u64) {
    out.push(field << 3);
    put_varint(out, number);
}

/// Appends a field of 64 bits. `field` is below 16.
pub(crate) fn put_fixed64(out: &mut Vec<u8>, field: u8, bits: u64) {
    out.push(field << 3 | 1);
    out.extend(bits.to_le_bytes());
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
