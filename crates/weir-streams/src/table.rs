//! One value per stream, in pages that never move.
//!
//! A small index of slot numbers finds a stream; the values stand in pages of fixed size. So a table grows page by page, and what moves
//! when the index grows is 4 bytes per stream.

use std::sync::Arc;

use hashbrown::HashTable;

use crate::{Budget, Full, StreamId};

/// Slots per page.
pub const PAGE: usize = 128;

/// Pages that may be missing in what is restored because nobody could read them.
const MISSING_PAGES: usize = 1024;

/// How much a value takes beside its own size.
pub trait Weigh {
    /// Returns the bytes that the value has on the heap.
    fn heap_bytes(&self) -> usize;
}

/// A stream and its value.
#[derive(Debug, Clone)]
pub struct Entry<V> {
    /// The stream.
    pub id: StreamId,
    /// When the stream was last seen, in the ticks of whoever owns the table.
    pub seen: u32,
    /// What is remembered of it.
    pub value: V,
}

/// Where an entry stands, for as long as it is not removed: page `slot / PAGE`, place `slot % PAGE`.
pub type Slot = u32;

/// Values of streams. See [`Shards`](crate::Shards) for a table that several cores use.
#[derive(Debug)]
pub struct StreamTable<V> {
    index: HashTable<Slot>,
    pages: Vec<Page<V>>,
    free: Vec<Slot>,
    budget: Arc<Budget>,
}

#[derive(Debug)]
struct Page<V> {
    slots: Box<[Option<Entry<V>>]>,
    dirty: bool,
}

impl<V> Page<V> {
    fn empty() -> Self {
        Self {
            slots: std::iter::repeat_with(|| None).take(PAGE).collect(),
            dirty: false,
        }
    }
}

impl<V: Weigh> StreamTable<V> {
    /// What an entry takes beside its heap: its slot, and its share of an index that is at least 7/16 full.
    const ENTRY_BYTES: usize = size_of::<Option<Entry<V>>>() + 12;

    /// Makes an empty table that counts against `budget`.
    pub fn new(budget: Arc<Budget>) -> Self {
        Self {
            index: HashTable::new(),
            pages: Vec::new(),
            free: Vec::new(),
            budget,
        }
    }

    /// Returns the number of streams.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Returns true if there are no streams.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Finds a stream.
    #[inline]
    pub fn find(&self, id: StreamId) -> Option<Slot> {
        let same = |slot: &Slot| entry(&self.pages, *slot).is_some_and(|entry| entry.id == id);
        self.index.find(id.index_hash(), same).copied()
    }

    /// Returns an entry.
    #[inline]
    pub fn get(&self, slot: Slot) -> Option<&Entry<V>> {
        entry(&self.pages, slot)
    }

    /// Changes an entry: marks its page as changed, and keeps the books of its bytes. `None` if there is no such entry.
    #[inline]
    pub fn change<R>(&mut self, slot: Slot, change: impl FnOnce(&mut Entry<V>) -> R) -> Option<R> {
        let page = self.pages.get_mut(slot as usize / PAGE)?;
        let entry = page.slots.get_mut(slot as usize % PAGE)?.as_mut()?;
        let before = entry.value.heap_bytes();
        let result = change(entry);
        let after = entry.value.heap_bytes();
        page.dirty = true;
        if before != after {
            self.budget.resize(before, after);
        }
        Some(result)
    }

    /// Notes when a stream was seen, which is no change.
    #[inline]
    pub fn touch(&mut self, slot: Slot, seen: u32) {
        let page = self.pages.get_mut(slot as usize / PAGE);
        if let Some(Some(entry)) = page.and_then(|page| page.slots.get_mut(slot as usize % PAGE)) {
            entry.seen = seen;
        }
    }

    /// Adds a stream that is not there.
    ///
    /// # Errors
    ///
    /// [`Full`]: refuse the stream.
    pub fn insert(&mut self, entry: Entry<V>) -> Result<Slot, Full> {
        self.budget.admit(Self::ENTRY_BYTES + entry.value.heap_bytes())?;
        Ok(self.place(entry, true))
    }

    /// Adds a stream that is not there, and was let in before. Never refused.
    pub fn put_back(&mut self, entry: Entry<V>) -> Slot {
        self.budget
            .admit_known(Self::ENTRY_BYTES + entry.value.heap_bytes());
        self.place(entry, true)
    }

    /// Makes a page, empty, and those before it, unless they are there. Returns false if it is far beyond the last one: no table was ever
    /// like that. So is what [`Self::restore_at`] and [`Self::restore_over`] do with their slots.
    pub fn restore_page(&mut self, page: usize) -> bool {
        if page >= self.pages.len() + MISSING_PAGES {
            return false;
        }
        while self.pages.len() <= page {
            self.pages.push(Page::empty());
        }
        true
    }

    /// Adds a stream at the slot that it had before this table was made, as unchanged. Never refused for its size. Returns false if the
    /// slot or the stream is taken already. Call [`Self::settle`] when all are back.
    pub fn restore_at(&mut self, slot: Slot, restored: Entry<V>) -> bool {
        if self.find(restored.id).is_some() || entry(&self.pages, slot).is_some() {
            return false;
        }
        if !self.restore_page(slot as usize / PAGE) {
            return false;
        }
        self.budget
            .admit_known(Self::ENTRY_BYTES + restored.value.heap_bytes());
        self.index_slot(restored.id, slot);
        self.pages[slot as usize / PAGE].slots[slot as usize % PAGE] = Some(restored);
        true
    }

    /// As [`Self::restore_at`], in place of what is at the slot, and of the stream elsewhere. It counts as changed.
    pub fn restore_over(&mut self, slot: Slot, restored: Entry<V>) -> bool {
        if let Some(elsewhere) = self.find(restored.id) {
            self.remove(elsewhere);
        }
        self.remove(slot);
        let done = self.restore_at(slot, restored);
        self.mark_changed(slot as usize / PAGE);
        done
    }

    /// Finds the slots that [`Self::restore_at`] left free.
    pub fn settle(&mut self) {
        self.free.clear();
        for (number, page) in self.pages.iter().enumerate().rev() {
            for (place, slot) in page.slots.iter().enumerate().rev() {
                if slot.is_none() {
                    self.free.push(slot_number(number, place));
                }
            }
        }
    }

    /// Removes a stream.
    pub fn remove(&mut self, slot: Slot) -> Option<Entry<V>> {
        let page = self.pages.get_mut(slot as usize / PAGE)?;
        let entry = page.slots.get_mut(slot as usize % PAGE)?.take()?;
        page.dirty = true;
        if let Ok(found) = self
            .index
            .find_entry(entry.id.index_hash(), |candidate| *candidate == slot)
        {
            found.remove();
        }
        self.free.push(slot);
        self.budget.release(Self::ENTRY_BYTES + entry.value.heap_bytes());
        Some(entry)
    }

    /// Removes the streams for which `stale` says so. Returns how many.
    pub fn sweep(&mut self, mut stale: impl FnMut(&Entry<V>) -> bool) -> usize {
        let mut removed = 0;
        for number in 0..self.pages.len() {
            for place in 0..PAGE {
                let entry = self.pages[number].slots[place].as_ref();
                if entry.is_some_and(&mut stale) {
                    self.remove(slot_number(number, place));
                    removed += 1;
                }
            }
        }
        removed
    }

    /// Returns all entries, page by page.
    pub fn iter(&self) -> impl Iterator<Item = &Entry<V>> {
        self.pages
            .iter()
            .flat_map(|page| page.slots.iter().filter_map(Option::as_ref))
    }

    /// Returns all entries with their slots, page by page.
    pub fn slots(&self) -> impl Iterator<Item = (Slot, &Entry<V>)> {
        self.pages.iter().zip(0..).flat_map(|(page, number)| {
            let slots = page.slots.iter().zip(0..);
            slots.filter_map(move |(slot, place)| Some((slot_number(number, place), slot.as_ref()?)))
        })
    }

    /// Returns the number of pages.
    pub fn pages(&self) -> usize {
        self.pages.len()
    }

    /// Returns the entries of a page with their places, if the page has changed since the last call; from then on it counts as
    /// unchanged.
    pub fn take_changed(&mut self, page: usize) -> Option<impl Iterator<Item = (u8, &Entry<V>)>> {
        let page = self.pages.get_mut(page)?;
        std::mem::take(&mut page.dirty).then(|| {
            (0..)
                .zip(&page.slots)
                .filter_map(|(place, slot)| slot.as_ref().map(|entry| (place, entry)))
        })
    }

    /// Marks a page as changed, for example because saving it failed.
    pub fn mark_changed(&mut self, page: usize) {
        if let Some(page) = self.pages.get_mut(page) {
            page.dirty = true;
        }
    }

    fn place(&mut self, entry: Entry<V>, dirty: bool) -> Slot {
        let slot = self.free.pop().unwrap_or_else(|| {
            let number = self.pages.len();
            self.pages.push(Page::empty());
            self.free
                .extend((1..PAGE).rev().map(|place| slot_number(number, place)));
            slot_number(number, 0)
        });
        self.index_slot(entry.id, slot);
        let page = &mut self.pages[slot as usize / PAGE];
        page.slots[slot as usize % PAGE] = Some(entry);
        page.dirty |= dirty;
        slot
    }

    fn index_slot(&mut self, id: StreamId, slot: Slot) {
        let pages = &self.pages;
        self.index.insert_unique(id.index_hash(), slot, |slot| {
            entry(pages, *slot).map_or(0, |entry| entry.id.index_hash())
        });
    }
}

#[inline]
fn entry<V>(pages: &[Page<V>], slot: Slot) -> Option<&Entry<V>> {
    pages
        .get(slot as usize / PAGE)?
        .slots
        .get(slot as usize % PAGE)?
        .as_ref()
}

fn slot_number(page: usize, place: usize) -> Slot {
    Slot::try_from(page * PAGE + place).expect("memory ends before four billion streams")
}

#[cfg(test)]
mod tests;
