//! The symbol table of one remote write 2.0 request.

use super::Mark;
use crate::interner::Interner;
use crate::labels::Stamp;
use crate::wire::{field_len, put_bytes};

/// Tag of a symbol in the request.
const SYMBOL: u8 = 0x22;

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
        self.add(b"");
    }

    fn add(&mut self, text: &[u8]) -> u32 {
        let (id, new) = self.interner.intern(text);
        if new {
            self.bytes += field_len(text.len());
            self.count += 1;
        }
        id
    }

    /// Returns the symbol of a text, from its stamp if that is of this request.
    #[inline]
    pub(crate) fn get(&mut self, stamp: &mut Stamp, text: &[u8]) -> u32 {
        if stamp.request != self.request {
            *stamp = Stamp {
                request: self.request,
                number: self.add(text),
            };
        }
        stamp.number
    }

    /// Returns whether a stamp is of this request.
    #[inline]
    pub(crate) fn known(&self, stamp: Stamp) -> Option<u32> {
        (stamp.request == self.request).then_some(stamp.number)
    }

    pub(crate) fn stamp(&mut self, text: &[u8]) -> Stamp {
        Stamp {
            request: self.request,
            number: self.add(text),
        }
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
