//! Changes to the fields of one message, collected before they are written.

use std::ops::Range;

use smallvec::SmallVec;

use crate::wire::cursor::{put_bytes, put_message, put_varint, raw_fields};

/// Fields that a message gets instead of those it has. Everything else in it stays as it is.
#[derive(Debug, Default)]
pub(super) struct FieldEdits {
    parts: SmallVec<[Part; 4]>,
    /// Encoded fields of all parts.
    bytes: Vec<u8>,
    /// All numbers that some part replaces.
    numbers: u32,
}

/// One replacement.
#[derive(Debug)]
struct Part {
    /// Bit n: field n goes. The replacement stands where the first of them stood, or at the end.
    numbers: u32,
    bytes: Range<usize>,
}

/// Which parts stand in a copy already. There is one per message written.
#[derive(Debug, Default)]
pub(super) struct Placed(u32);

impl FieldEdits {
    pub(super) fn clear(&mut self) {
        self.parts.clear();
        self.bytes.clear();
        self.numbers = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Replaces the fields whose bits are set in `numbers`, all below 32, by what `write` writes. The last word counts.
    pub(super) fn set(&mut self, numbers: u32, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let bytes = start..self.bytes.len();
        self.numbers |= numbers;
        match self.parts.iter_mut().find(|part| part.numbers == numbers) {
            Some(part) => part.bytes = bytes,
            None => self.parts.push(Part { numbers, bytes }),
        }
    }

    pub(super) fn fixed64(&mut self, number: u32, bits: u64) {
        self.set(1 << number, |out| put_fixed64(out, number, bits));
    }

    pub(super) fn varint(&mut self, number: u32, value: u64) {
        self.set(1 << number, |out| put_varint_field(out, number, value));
    }

    pub(super) fn text(&mut self, number: u32, text: &str) {
        self.set(1 << number, |out| put_bytes(out, number, text.as_bytes()));
    }

    /// Sets an optional double, or takes it away.
    pub(super) fn double(&mut self, number: u32, value: Option<f64>) {
        self.set(1 << number, |out| {
            if let Some(value) = value {
                put_fixed64(out, number, value.to_bits());
            }
        });
    }

    /// Returns true if field `number` goes.
    #[inline]
    pub(super) fn replaces(&self, number: u32) -> bool {
        number < u32::BITS && self.numbers & 1 << number != 0
    }

    /// Writes what stands instead of field `number`, unless it stands already.
    pub(super) fn place(&self, number: u32, placed: &mut Placed, out: &mut Vec<u8>) {
        for (index, part) in self.parts.iter().enumerate() {
            if part.numbers & 1 << number != 0 && placed.0 & 1 << index == 0 {
                placed.0 |= 1 << index;
                out.extend_from_slice(&self.bytes[part.bytes.clone()]);
            }
        }
    }

    /// Writes what does not stand yet, but for replacements of the fields whose bits are set in `left_out`.
    pub(super) fn place_rest(&self, left_out: u32, placed: &mut Placed, out: &mut Vec<u8>) {
        for (index, part) in self.parts.iter().enumerate() {
            if part.numbers & left_out == 0 && placed.0 & 1 << index == 0 {
                placed.0 |= 1 << index;
                out.extend_from_slice(&self.bytes[part.bytes.clone()]);
            }
        }
    }

    /// Writes the content of `message` with these changes, and without the fields whose bits are set in `left_out`.
    pub(super) fn write(&self, left_out: u32, message: &[u8], placed: &mut Placed, out: &mut Vec<u8>) {
        let mut kept = message;
        let mut rest = message.len();
        for (number, _, raw) in raw_fields(message) {
            rest -= raw.len();
            let leaves = number < u32::BITS && left_out & 1 << number != 0;
            if leaves || self.replaces(number) {
                let before = kept.len() - rest - raw.len();
                out.extend_from_slice(&kept[..before]);
                kept = &kept[before + raw.len()..];
                if !leaves {
                    self.place(number, placed, out);
                }
            }
        }
        out.extend_from_slice(kept);
        self.place_rest(left_out, placed, out);
    }

    /// Appends the message in field `number` with these changes.
    pub(super) fn put(&self, number: u32, message: &[u8], placed: &mut Placed, out: &mut Vec<u8>) {
        let guess = message.len() + self.bytes.len();
        put_message(out, number, guess, |out| self.write(0, message, placed, out));
    }
}

/// Appends a field of 8 bytes.
pub(super) fn put_fixed64(out: &mut Vec<u8>, number: u32, bits: u64) {
    put_varint(out, u64::from(number) << 3 | 1);
    out.extend_from_slice(&bits.to_le_bytes());
}

/// Appends a varint field.
pub(super) fn put_varint_field(out: &mut Vec<u8>, number: u32, value: u64) {
    put_varint(out, u64::from(number) << 3);
    put_varint(out, value);
}
