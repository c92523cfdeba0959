//! The symbol table of one remote write 2.0 request.

use crate::interner::Interner;
use crate::labels::{LabelId, LabelTable, Stamp};
use crate::wire::{field_len, put_bytes};

/// Tag of a symbol in the request.
const SYMBOL: u8 = 0x22;

/// Room for the references of so many labels is kept.
const KEPT_REFERENCES: usize = 1 << 17;

/// A place in the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    bytes: usize,
    count: usize,
}

/// The references of a label's name and value, as they stand in a list: two varints of numbers of 32 bits.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct References {
    /// More than they can take, which makes sixteen of it all.
    bytes: [u8; 12],
    len: u32,
}

impl References {
    fn new(name: u32, value: u32) -> Self {
        let mut references = Self::default();
        references.push(name);
        references.push(value);
        references
    }

    /// Appends a varint.
    fn push(&mut self, mut number: u32) {
        let mut put = |byte| {
            self.bytes[self.len as usize] = byte;
            self.len += 1;
        };
        while number >= 0x80 {
            put(number as u8 | 0x80);
            number >>= 7;
        }
        put(number as u8);
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len as usize]
    }

    /// Returns the first eight bytes as a number; what follows the last byte is 0.
    #[inline]
    pub(crate) fn word(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.bytes;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

/// References of at most seven bytes, and in the last byte their length: 0 for a label that is not in the request yet, or has longer ones.
#[derive(Debug, Clone, Copy, Default)]
struct Short(u64);

impl Short {
    fn new(references: &References) -> Self {
        match references.len {
            len @ ..8 => Self(references.word() | u64::from(len) << 56),
            _ => Self(0),
        }
    }

    #[inline]
    fn len(self) -> usize {
        (self.0 >> 56) as usize
    }

    /// Appends the references.
    #[inline]
    fn put(self, out: &mut Vec<u8>) {
        // A copy of constant length is one move; the next one goes over what is too much.
        let end = out.len() + self.len();
        out.extend_from_slice(&self.0.to_le_bytes());
        out.truncate(end);
    }
}

impl From<Short> for References {
    #[inline]
    fn from(short: Short) -> Self {
        let [a, b, c, d, e, f, g, len] = short.0.to_le_bytes();
        Self {
            bytes: [a, b, c, d, e, f, g, 0, 0, 0, 0, 0],
            len: u32::from(len),
        }
    }
}

/// Distinct strings of a request; the first is the empty one.
#[derive(Debug)]
pub(crate) struct Symbols {
    interner: Interner,
    /// By label, as far as labels are in the request.
    references: Vec<Short>,
    /// Encoded size of the table.
    bytes: usize,
    count: usize,
    /// Number of the request, from 1: stamps of other requests are void.
    request: u64,
}

impl Default for Symbols {
    fn default() -> Self {
        let mut symbols = Self {
            interner: Interner::default(),
            references: Vec::new(),
            bytes: 0,
            count: 0,
            request: 0,
        };
        symbols.begin();
        symbols
    }
}

impl Symbols {
    fn begin(&mut self) {
        self.request += 1;
        self.interner.clear();
        self.references.clear();
        self.references.shrink_to(KEPT_REFERENCES);
        (self.bytes, self.count) = (0, 0);
        let empty = self.interner.hash(b"");
        self.add(empty, b"");
    }

    /// Returns the symbol of a text whose hash is known.
    fn add(&mut self, hash: u64, text: &[u8]) -> u32 {
        let (id, new) = self.interner.intern_hashed(hash, text);
        if new {
            self.bytes += field_len(text.len());
            self.count += 1;
        }
        id
    }

    /// Returns the symbol of a text, from its stamp if that is of this request.
    pub(crate) fn get(&mut self, stamp: &mut Stamp, text: &[u8]) -> u32 {
        if stamp.request != self.request {
            let hash = self.interner.hash(text);
            *stamp = Stamp {
                request: self.request,
                number: self.add(hash, text),
            };
        }
        stamp.number
    }

    /// Forgets which labels are in the request, as their numbers are void.
    pub(crate) fn forget_labels(&mut self) {
        self.references.clear();
    }

    /// Appends the references of labels.
    #[inline]
    pub(crate) fn put_labels(&mut self, ids: &[LabelId], table: &mut LabelTable, out: &mut Vec<u8>) {
        out.reserve((ids.len() + 1) * size_of::<Short>());
        for id in ids {
            match self.references.get(id.number() as usize) {
                Some(known) if known.len() > 0 => known.put(out),
                _ => out.extend_from_slice(self.add_label(*id, table).bytes()),
            }
        }
    }

    /// Returns the references of a label.
    #[inline]
    pub(crate) fn references(&mut self, id: LabelId, table: &mut LabelTable) -> References {
        match self.references.get(id.number() as usize) {
            Some(known) if known.len() > 0 => (*known).into(),
            _ => self.add_label(id, table),
        }
    }

    #[inline(never)]
    fn add_label(&mut self, id: LabelId, table: &mut LabelTable) -> References {
        let name_id = table.name(id);
        let mut stamp = *table.names.symbol(name_id);
        if stamp.request != self.request {
            let number = self.add(table.names.hash(name_id), table.names.text(name_id).as_bytes());
            stamp = Stamp {
                request: self.request,
                number,
            };
            *table.names.symbol(name_id) = stamp;
        }
        let value = self.add(table.value_hash(id), table.value(id));
        let references = References::new(stamp.number, value);
        let at = id.number() as usize;
        if self.references.len() <= at {
            self.references.resize(at + 1, Short::default());
        }
        self.references[at] = Short::new(&references);
        references
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark {
            bytes: self.bytes,
            count: self.count,
        }
    }

    pub(crate) fn rewind(&mut self, mark: Mark) {
        (self.bytes, self.count) = (mark.bytes, mark.count);
    }

    /// Appends the table and begins the next request's.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        for symbol in self.interner.first(self.count) {
            put_bytes(out, SYMBOL, symbol);
        }
        self.begin();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_any_length_are_known() {
        for (name, value, len) in [
            (1, 2, 2),
            (127, 1 << 27, 5),
            (1 << 20, 1 << 27, 7),
            (1 << 21, 1 << 27, 8),
        ] {
            let references = References::new(name, value);
            assert_eq!(references.bytes().len(), len);
            let short = Short::new(&references);
            match len {
                ..8 => assert_eq!(References::from(short).bytes(), references.bytes()),
                _ => assert_eq!(short.len(), 0),
            }
        }
    }
}
