//! The symbol table of one remote write 2.0 request.

use crate::interner::Interner;
use crate::labels::{LabelId, LabelSymbols, LabelTable, Stamp};
use crate::wire::{field_len, put_bytes, put_varint};

/// Tag of a symbol in the request.
const SYMBOL: u8 = 0x22;

/// A place in the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    bytes: usize,
    count: usize,
}

/// Distinct strings of a request; the first is the empty one.
#[derive(Debug)]
pub(crate) struct Symbols {
    interner: Interner,
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

    /// Appends the references of a label's name and value.
    #[inline]
    pub(crate) fn put_label(&mut self, id: LabelId, table: &mut LabelTable, out: &mut Vec<u8>) {
        if table.symbols(id).request != self.request {
            return self.put_new_label(id, table, out);
        }
        let LabelSymbols { encoded, len, .. } = table.symbols(id);
        // A copy of constant length is two moves.
        out.extend_from_slice(encoded);
        out.truncate(out.len() - (encoded.len() - usize::from(*len)));
    }

    fn put_new_label(&mut self, id: LabelId, table: &mut LabelTable, out: &mut Vec<u8>) {
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
        let start = out.len();
        put_varint(out, u64::from(stamp.number));
        put_varint(out, u64::from(value));
        let references = &out[start..];
        let mut encoded = [0; 10];
        encoded[..references.len()].copy_from_slice(references);
        *table.symbols(id) = LabelSymbols {
            request: self.request,
            encoded,
            len: references.len() as u8,
        };
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
