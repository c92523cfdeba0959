//! Byte strings to small numbers.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::LazyLock;

use foldhash::quality::FixedState;
use hashbrown::HashTable;

/// One seed for the process: hashes of labels pick lanes, so all translators must agree on them, while nobody
/// outside can aim at them.
static HASHER: LazyLock<FixedState> =
    LazyLock::new(|| FixedState::with_seed(RandomState::new().hash_one("weir")));

/// Returns the hasher of this process.
pub(crate) fn hasher() -> FixedState {
    HASHER.clone()
}

/// Numbers distinct byte strings from 0 in order of arrival.
#[derive(Debug)]
pub(crate) struct Interner {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    table: HashTable<u32>,
    hasher: FixedState,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    hash: u64,
}

/// Most bytes of capacity that are kept from one use to the next.
const KEPT_CAPACITY: usize = 8 << 20;

/// Room for so many strings is kept.
const KEPT_STRINGS: usize = 1 << 17;

impl Default for Interner {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            spans: Vec::new(),
            table: HashTable::new(),
            hasher: hasher(),
        }
    }
}

impl Interner {
    /// Forgets all strings.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_CAPACITY);
        self.spans.clear();
        if self.table.capacity() > KEPT_STRINGS {
            // Clearing costs time by capacity.
            self.table = HashTable::new();
            self.spans.shrink_to(KEPT_STRINGS);
        }
        self.table.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    #[inline]
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
        self.intern_hashed(self.hash(bytes), bytes)
    }

    /// As [`Interner::intern`], for a string whose hash is known.
    pub(crate) fn intern_hashed(&mut self, hash: u64, bytes: &[u8]) -> (u32, bool) {
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

    /// Returns where a string stands among all bytes.
    pub(crate) fn span(&self, id: u32) -> Range<usize> {
        let span = &self.spans[id as usize];
        span.start..span.end
    }

    /// Returns whether all bytes have these at a place.
    #[inline]
    pub(crate) fn starts_at(&self, start: u32, bytes: &[u8]) -> bool {
        let start = start as usize;
        self.bytes.get(start..start + bytes.len()) == Some(bytes)
    }

    /// Returns the first `count` strings in order.
    pub(crate) fn first(&self, count: usize) -> impl Iterator<Item = &[u8]> {
        self.spans
            .iter()
            .take(count)
            .map(|span| &self.bytes[span.start..span.end])
    }
}
