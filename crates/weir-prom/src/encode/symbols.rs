//! The symbol table of one remote write 2.0 request.

use crate::interner::Interner;
use crate::labels::{LabelId, LabelTable, Stamp};
use crate::wire::{field_len, put_bytes, put_varint};

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

/// Most bytes of a label's references: two varints of numbers of 32 bits.
const MOST_BYTES: usize = 10;

/// The references of a label's name and value, as they stand in a list; empty for a label that is not in the request yet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct References {
    /// More than they can take, which makes sixteen of it all.
    bytes: [u8; 12],
    len: u32,
}

impl References {
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len as usize]
    }

    /// Appends the references.
    #[inline]
    fn put(&self, out: &mut Vec<u8>) {
        // A copy of constant length is two moves.
        let end = out.len() + self.len as usize;
        out.extend_from_slice(&self.bytes);
        out.truncate(end);
    }

    /// Returns the first eight bytes as a number; what follows the last byte is 0.
    #[inline]
    pub(crate) fn word(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.bytes;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

/// Distinct strings of a request; the first is the empty one.
#[derive(Debug)]
pub(crate) struct Symbols {
    interner: Interner,
    /// By label, as far as labels are in the request.
    references: Vec<References>,
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
        out.reserve(ids.len() * MOST_BYTES + 2);
        for id in ids {
            match self.references.get(id.number() as usize) {
                Some(known) if known.len > 0 => known.put(out),
                _ => self.add_label(*id, table).put(out),
            }
        }
    }

    /// Returns the references of a label.
    #[inline]
    pub(crate) fn references(&mut self, id: LabelId, table: &mut LabelTable) -> References {
        match self.references.get(id.number() as usize) {
            Some(known) if known.len > 0 => *known,
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
        let mut encoded = Vec::with_capacity(MOST_BYTES);
        put_varint(&mut encoded, u64::from(stamp.number));
        put_varint(&mut encoded, u64::from(value));
        let mut references = References::default();
        references.bytes[..encoded.len()].copy_from_slice(&encoded);
        references.len = encoded.len() as u32;
        let at = id.number() as usize;
        if self.references.len() <= at {
            self.references.resize(at + 1, References::default());
        }
        self.references[at] = references;
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
