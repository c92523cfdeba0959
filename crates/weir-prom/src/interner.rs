//! Byte strings to small numbers.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Numbers distinct byte strings from 0 in order of arrival. The hash is seeded per process, as the strings
/// come from outside.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    table: HashTable<u32>,
    hasher: RandomState,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    hash: u64,
}

/// Most bytes of capacity that are kept from one use to the next.
const KEPT_CAPACITY: usize = 8 << 20;

impl Interner {
    /// Forgets all strings.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_CAPACITY);
        self.spans.clear();
        self.table.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(crate) fn hash(&self, bytes: &[u8]) -> u64 {
        self.hasher.hash_one(bytes)
    }

    /// Returns the number of a string whose hash is known.
    #[inline]
    pub(crate) fn find(&self, hash: u64, bytes: &[u8]) -> Option<u32> {
        let (all, spans) = (&self.bytes, &self.spans);
        let same = |id: &u32| {
            let span = &spans[*id as usize];
            span.hash == hash && all[span.start..span.end] == *bytes
        };
        self.table.find(hash, same).copied()
    }

    /// Adds a string that is not there yet and returns its number.
    pub(crate) fn insert(&mut self, hash: u64, bytes: &[u8]) -> u32 {
        let id = u32::try_from(self.spans.len()).expect("memory ends before four billion strings");
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.spans.push(Span {
            start,
            end: self.bytes.len(),
            hash,
        });
        let spans = &self.spans;
        self.table.insert_unique(hash, id, |id| spans[*id as usize].hash);
        id
    }

    /// Returns the number of a string and whether it is new.
    pub(crate) fn intern(&mut self, bytes: &[u8]) -> (u32, bool) {
        let hash = self.hash(bytes);
        match self.find(hash, bytes) {
            Some(id) => (id, false),
            None => (self.insert(hash, bytes), true),
        }
    }

    #[inline]
    pub(crate) fn get(&self, id: u32) -> &[u8] {
        let span = &self.spans[id as usize];
        &self.bytes[span.start..span.end]
    }

    /// Returns the first `count` strings in order.
    pub(crate) fn first(&self, count: usize) -> impl Iterator<Item = &[u8]> {
        self.spans
            .iter()
            .take(count)
            .map(|span| &self.bytes[span.start..span.end])
    }
}
