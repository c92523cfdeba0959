//! What came of label sets, remembered within a bound.

use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Parts that are locked on their own. More than threads usually meet at once.
const SHARDS: usize = 32;

/// What an entry takes beside its key and what the caller says of its value: table slots, lengths, the headers of two allocations.
const OVERHEAD: usize = 96;

/// Remembers values under keys of bytes, within a number of bytes.
///
/// Each part has two generations: new entries and those that are asked for again go to the young one; when that is half the bound it
/// becomes the old one, and the old one is forgotten. So what is used stays, and nothing has to be kept in order.
#[derive(Debug)]
pub struct Cache<V> {
    shards: Vec<Mutex<Shard<V>>>,
    hasher: RandomState,
    /// Bytes of one generation of one part.
    bound: usize,
}

#[derive(Debug)]
struct Shard<V> {
    young: HashTable<Entry<V>>,
    old: HashTable<Entry<V>>,
    /// Bytes of the young generation.
    bytes: usize,
}

#[derive(Debug)]
struct Entry<V> {
    hash: u64,
    key: Box<[u8]>,
    value: V,
    /// What it takes in all.
    bytes: usize,
}

impl<V: Clone> Cache<V> {
    /// Makes a cache of at most about `bytes`. With 0 it remembers nothing.
    pub fn new(bytes: usize) -> Self {
        let shard = || {
            Mutex::new(Shard {
                young: HashTable::new(),
                old: HashTable::new(),
                bytes: 0,
            })
        };
        Self {
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
            hasher: RandomState::default(),
            bound: bytes / 2 / SHARDS,
        }
    }

    /// Returns the value of a key, or makes it and remembers it. `weigh` says how many bytes the value takes on the heap.
    ///
    /// Two threads that ask at once may both make it; the first one stays.
    pub fn get_or_make(&self, key: &[u8], make: impl FnOnce() -> V, weigh: impl FnOnce(&V) -> usize) -> V {
        let hash = self.hasher.hash_one(key);
        // Tables look at the lowest and the highest bits.
        let index = (hash >> 32) as usize % SHARDS;
        let lock = || self.shards[index].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = lock().find(hash, key, self.bound) {
            return value;
        }
        let value = make();
        let bytes = key.len() + weigh(&value) + size_of::<V>() + OVERHEAD;
        if bytes > self.bound {
            return value;
        }
        let mut shard = lock();
        if let Some(first) = shard.young.find(hash, |entry| entry.is(hash, key)) {
            return first.value.clone();
        }
        let entry = Entry {
            hash,
            key: key.into(),
            value: value.clone(),
            bytes,
        };
        shard.put(entry, self.bound);
        value
    }
}

impl<V> Entry<V> {
    fn is(&self, hash: u64, key: &[u8]) -> bool {
        self.hash == hash && *self.key == *key
    }
}

impl<V: Clone> Shard<V> {
    fn find(&mut self, hash: u64, key: &[u8], bound: usize) -> Option<V> {
        let is_it = |entry: &Entry<V>| entry.is(hash, key);
        if let Some(entry) = self.young.find(hash, is_it) {
            return Some(entry.value.clone());
        }
        let (entry, _) = self.old.find_entry(hash, is_it).ok()?.remove();
        let value = entry.value.clone();
        self.put(entry, bound);
        Some(value)
    }

    fn put(&mut self, entry: Entry<V>, bound: usize) {
        if self.bytes + entry.bytes > bound {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes += entry.bytes;
        self.young.insert_unique(entry.hash, entry, |entry| entry.hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_within_the_bound() {
        let cache = Cache::new(SHARDS * 2 * 4096);
        let ask = |key: u32| {
            let mut made = false;
            let value = cache.get_or_make(
                &key.to_le_bytes(),
                || {
                    made = true;
                    key
                },
                |_| 0,
            );
            assert_eq!(value, key);
            made
        };
        assert!(ask(0));
        for key in 1..100_000 {
            ask(key);
            assert!(!ask(0), "asked for between any two others");
        }
        assert!(ask(1), "forgotten");
        let entries: usize = cache
            .shards
            .iter()
            .map(|shard| {
                let shard = shard.lock().unwrap();
                shard.young.len() + shard.old.len()
            })
            .sum();
        assert!(entries <= SHARDS * 2 * 4096 / OVERHEAD, "{entries}");
    }

    #[test]
    fn a_bound_of_nothing_remembers_nothing() {
        let cache = Cache::new(0);
        for _ in 0..2 {
            let mut made = false;
            cache.get_or_make(b"a", || made = true, |_| 0);
            assert!(made);
        }
    }
}
